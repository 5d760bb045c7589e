from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audio.segment import Edge, Segmenter, State

MS = 32.0


def edges(probabilities: list[float]) -> list[tuple[int, Edge]]:
    segmenter = Segmenter()
    found = ((at, segmenter.push(p, MS)) for at, p in enumerate(probabilities))
    return [(at, edge) for at, edge in found if edge is not None]


def test_three_blocks_of_speech_start_an_utterance() -> None:
    assert edges([0.9, 0.9, 0.9]) == [(2, Edge.STARTED)]


def test_a_click_shorter_than_that_starts_nothing() -> None:
    assert edges([0.9, 0.9, 0.0] * 20) == []


def test_three_blocks_of_silence_are_a_pause_and_two_of_speech_end_it() -> None:
    assert edges([0.9] * 4 + [0.0] * 5 + [0.9] * 2) == [
        (2, Edge.STARTED),
        (6, Edge.PAUSED),
        (10, Edge.RESUMED),
    ]


def test_a_voice_that_fades_a_little_below_the_threshold_goes_on() -> None:
    assert edges([0.9] * 3 + [0.4] * 50) == [(2, Edge.STARTED)]


def test_uncertain_sound_does_not_start_an_utterance() -> None:
    assert edges([0.9, 0.45, 0.45, 0.45]) == []


def test_silence_is_counted_from_the_last_voiced_block_whatever_clicks_in_between() -> None:
    segmenter = Segmenter()
    for probability in [0.9] * 3 + [0.0] * 3 + [0.9] + [0.0] * 2:
        segmenter.push(probability, MS)
    assert segmenter.state is State.PAUSED
    assert segmenter.silence_ms == 6 * MS


def test_after_settling_the_next_voice_is_a_new_start() -> None:
    segmenter = Segmenter()
    for probability in [0.9] * 3 + [0.0] * 3:
        segmenter.push(probability, MS)
    segmenter.settle()
    assert [segmenter.push(0.9, MS) for _ in range(3)] == [None, None, Edge.STARTED]


@given(st.lists(st.floats(0, 1), max_size=300), st.sets(st.integers(0, 300)))
def test_edges_alternate_between_one_start_and_the_next(
    probabilities: list[float], settled: set[int]
) -> None:
    segmenter = Segmenter()
    allowed = {Edge.STARTED}
    for at, probability in enumerate(probabilities):
        if at in settled:
            segmenter.settle()
            allowed = {Edge.STARTED}
        edge = segmenter.push(probability, MS)
        if edge is not None:
            assert edge in allowed
            allowed = {Edge.RESUMED} if edge is Edge.PAUSED else {Edge.PAUSED}
        if segmenter.state is State.IDLE:
            assert segmenter.silence_ms == 0


@given(st.lists(st.floats(0, 1), max_size=100))
def test_a_pause_always_comes_within_its_time_of_silence(probabilities: list[float]) -> None:
    segmenter = Segmenter()
    for probability in probabilities:
        segmenter.push(probability, MS)
    for _ in range(3):
        segmenter.push(0.0, MS)
    assert segmenter.state is not State.SPEAKING
