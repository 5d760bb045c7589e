from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.clip import Clip, Samples, WordMark
from audio.mouth import FADE_MS, RAMP_MS, Mouth, Played, TakeEnded, TakeStarted, WordPlayed

RATE = 1_000
"""One sample per millisecond."""


class Sink:
    """Pulls blocks of ten and hears them at once."""

    def __init__(self) -> None:
        self.mouth = Mouth(RATE)
        self.at = 0
        self.out: list[Samples] = []

    def run(self, ms: int, latency: int = 0) -> list[Played]:
        facts: list[Played] = []
        for _ in range(ms // 10):
            self.out.append(self.mouth.render(10, self.at))
            self.at += 10
            facts += self.mouth.heard(self.at - latency)
        return facts

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.out)


def clip(ms: int, value: float = 0.5) -> Clip:
    return Clip(np.full(ms, value, np.float32), RATE)


def words(*ends: float) -> list[WordMark]:
    return [WordMark("word", 0.0, end) for end in ends]


def test_a_take_is_told_from_its_first_sample_to_its_last() -> None:
    sink = Sink()
    sink.mouth.play(1, 7, 0, clip(100), words(40, 95))
    sink.mouth.end(7)
    assert sink.run(200) == [
        TakeStarted(1, 7),
        WordPlayed(1, 7, 0, 0, 40.0),
        WordPlayed(1, 7, 0, 1, 95.0),
        TakeEnded(1, 7, True, 0, 1, 100.0),
    ]


def test_what_the_device_still_holds_is_not_heard_yet() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(50), words(50))
    sink.mouth.end(1)
    assert sink.run(60, latency=60) == []
    assert len(sink.run(60, latency=60)) == 3


def test_clauses_follow_each_other_without_a_gap_and_words_count_in_their_clause() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(33), words(30))
    sink.mouth.play(1, 1, 1, clip(33), words(10, 30))
    sink.mouth.play(1, 1, 1, clip(33), words(10))
    played = [f for f in sink.run(110) if isinstance(f, WordPlayed)]
    assert [(w.clause, w.word, w.heard_ms) for w in played] == [
        (0, 0, 30.0), (1, 0, 43.0), (1, 1, 63.0), (1, 2, 76.0),
    ]  # fmt: skip
    assert np.count_nonzero(sink.sound) == 99
    assert np.all(sink.sound[:99] == 0.5)


def test_a_stop_fades_at_once_and_tells_the_last_word_heard() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(100), words(20, 90))
    sink.run(50)
    sink.mouth.stop(1)
    assert sink.run(100) == [TakeEnded(1, 1, False, 0, 0, 50.0 + FADE_MS)]
    after = sink.sound[50:]
    assert np.all(np.diff(after[: int(FADE_MS)]) < 0)
    assert not after[int(FADE_MS) :].any()


def test_a_stop_between_two_clips_ends_the_take_where_it_fell_silent() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(20), words(20))
    sink.run(50)
    sink.mouth.stop(1)
    assert sink.run(10) == [TakeEnded(1, 1, False, 0, 0, 20.0)]


def test_a_take_that_never_sounded_is_dropped_without_a_word() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(20), words(20))
    sink.mouth.stop(1)
    sink.mouth.play(1, 1, 1, clip(20), words(20))
    assert sink.run(50) == []
    assert not sink.sound.any()


def test_a_later_take_survives_the_stop_of_an_earlier_one() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(100), [])
    sink.mouth.play(2, 2, 0, clip(20, 0.25), [])
    sink.run(10)
    sink.mouth.stop(1)
    sink.mouth.end(2)
    assert [type(f) for f in sink.run(100)] == [TakeEnded, TakeStarted, TakeEnded]
    assert np.count_nonzero(sink.sound == 0.25) == 20


def test_a_clip_of_an_earlier_take_than_the_last_is_refused() -> None:
    sink = Sink()
    sink.mouth.play(2, 2, 0, clip(20), [])
    sink.mouth.play(1, 1, 0, clip(20), [])
    sink.mouth.play(2, 2, 1, clip(20), [])
    sink.mouth.end(2)
    assert sink.run(100) == [TakeStarted(2, 2), TakeEnded(2, 2, True, -1, -1, 40.0)]


def test_an_end_that_comes_late_is_told_then() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(20), [])
    sink.run(50)
    sink.mouth.end(1)
    assert sink.run(10) == [TakeEnded(1, 1, True, -1, -1, 20.0)]
    assert not sink.mouth.busy


def test_ducking_loses_no_sample_and_comes_back_to_the_same_volume() -> None:
    sink = Sink()
    sound = np.linspace(0.1, 0.9, 300, dtype=np.float32)
    sink.mouth.play(1, 1, 0, Clip(sound, RATE), [])
    sink.run(50)
    sink.mouth.duck(-20.0)
    sink.run(100)
    sink.mouth.duck(0.0)
    sink.run(150)
    gains = sink.sound / sound
    ramp = int(RAMP_MS)
    assert np.allclose(gains[:50], 1.0)
    assert np.allclose(gains[50 + ramp : 150], 0.1, atol=1e-4)
    assert np.allclose(gains[150 + ramp :], 1.0)
    assert np.abs(np.diff(gains)).max() < 0.05


def test_marks_beyond_the_clip_and_out_of_order_count_at_its_end() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, clip(50), words(900, 10, -5))
    played = [f.heard_ms for f in sink.run(100) if isinstance(f, WordPlayed)]
    assert played == [50.0, 50.0, 50.0]


def test_clips_at_another_rate_last_as_long() -> None:
    sink = Sink()
    sink.mouth.play(1, 1, 0, Clip(np.full(4_410, 0.5, np.float32), 44_100), [])
    sink.mouth.end(1)
    (_, ended) = sink.run(200)
    assert isinstance(ended, TakeEnded)
    assert abs(ended.heard_ms - 100.0) <= 1.0


COMMANDS = st.one_of(
    st.tuples(st.just("play"), st.integers(1, 4), st.integers(1, 80)),
    st.tuples(st.just("end"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("stop"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("duck"), st.just(0), st.integers(-30, 0)),
    st.tuples(st.just("run"), st.just(0), st.integers(1, 15)),
)


@settings(max_examples=500)
@given(st.lists(COMMANDS, max_size=60), st.integers(0, 50))
def test_nothing_twice_nothing_after_a_stop_one_end_for_each_take(
    commands: list[tuple[str, int, int]], latency: int
) -> None:
    sink = Sink()
    facts: list[Played] = []
    clauses = dict.fromkeys(range(5), 0)
    for command, take, value in commands:
        if command == "play":
            sink.mouth.play(take, take, clauses[take], clip(value), words(value / 2, value))
            clauses[take] += 1
        elif command == "end":
            sink.mouth.end(take)
        elif command == "stop":
            sink.mouth.stop(take)
            silent_from = sink.at + int(FADE_MS)
            queued = sink.mouth.queued
            if take == 4:
                assert queued <= FADE_MS
                facts += sink.run(50, latency)
                assert not sink.sound[silent_from:].any()
        elif command == "duck":
            sink.mouth.duck(value)
        else:
            facts += sink.run(value * 10, latency)
    sink.mouth.stop(4)
    facts += sink.run(200, latency)

    started = [f.take for f in facts if isinstance(f, TakeStarted)]
    ended = [f.take for f in facts if isinstance(f, TakeEnded)]
    assert started == ended
    assert len(set(started)) == len(started)
    for take in started:
        told = [f for f in facts if f.take == take]
        assert isinstance(told[0], TakeStarted)
        assert isinstance(told[-1], TakeEnded)
        heard = [(f.clause, f.word) for f in told if isinstance(f, WordPlayed)]
        assert heard == sorted(set(heard))
        assert (told[-1].clause, told[-1].word) == (heard[-1] if heard else (-1, -1))
        times = [f.heard_ms for f in told if isinstance(f, WordPlayed | TakeEnded)]
        assert times == sorted(times)
    assert not sink.mouth.busy
