from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.clip import Samples
from audio.ear import (
    Ear,
    Heard,
    LevelMeasured,
    Listening,
    SilenceGrew,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
)
from audio.vad import BLOCK

MS = 32.0


class LoudIsSpeech:
    """A detector that anyone can predict: loud blocks are speech."""

    def push(self, block: Samples) -> float:
        return 1.0 if np.abs(block).max() > 0.1 else 0.0

    def reset(self) -> None:
        pass


def ear(**listening: float) -> Ear:
    return Ear(Listening(**listening), LoudIsSpeech())  # type: ignore[arg-type]


def block(value: float) -> Samples:
    return np.full(BLOCK, value, np.float32)


def hear(listener: Ear, pattern: str) -> list[Heard]:
    """Each character is a block: a letter is speech of its own loudness, a dot is silence."""
    heard = []
    for char in pattern:
        value = 0.001 if char == "." else 0.2 + (ord(char) - ord("a")) / 100
        heard += listener.push(block(value))
    return heard


def written(clip_samples: Samples) -> str:
    """Read the blocks of a clip back as the pattern they came from."""
    values = clip_samples.reshape(-1, BLOCK)[:, 0]
    return "".join("." if v < 0.1 else chr(round((v - 0.2) * 100) + ord("a")) for v in values)


def paused(heard: list[Heard]) -> VoicePaused:
    (pause,) = [fact for fact in heard if isinstance(fact, VoicePaused)]
    return pause


def test_a_pause_brings_the_whole_utterance_with_pre_roll_and_silence() -> None:
    pause = paused(hear(ear(), "." * 40 + "abcd..."))
    assert written(pause.clip.samples) == "." * 15 + "abcd..."
    assert (pause.speech_ms, pause.silence_ms) == (4 * MS, 3 * MS)
    assert pause.peak_db == pytest.approx(20 * np.log10(0.23), abs=0.01)


def test_silence_grows_by_a_block_until_it_is_settled() -> None:
    listener = ear()
    hear(listener, "abc...")
    assert hear(listener, "..") == [SilenceGrew(4 * MS), SilenceGrew(5 * MS)]
    assert listener.settle() == []
    assert hear(listener, "...") == []


def test_a_resumed_voice_is_the_same_utterance() -> None:
    listener = ear()
    hear(listener, "abc...")
    assert hear(listener, "de") == [VoiceResumed()]
    assert written(paused(hear(listener, "...")).clip.samples).endswith("abc...de...")


def test_what_was_settled_is_never_heard_again() -> None:
    listener = ear()
    hear(listener, "abc....")
    listener.settle()
    assert written(paused(hear(listener, ".xyz...")).clip.samples) == ".....xyz..."


def test_a_voice_that_resumed_before_it_was_settled_opens_a_new_utterance_with_its_first_word() -> (
    None
):
    listener = ear()
    hear(listener, "abc....xy")
    assert listener.settle() == [VoiceStarted()]
    pause = paused(hear(listener, "z..."))
    assert written(pause.clip.samples) == "....xyz..."
    assert pause.speech_ms == 3 * MS


def test_an_utterance_past_the_longest_is_told_as_a_pause_and_its_silence_grows() -> None:
    listener = ear(longest_ms=1_000)
    heard = hear(listener, "a" * 40)
    assert paused(heard).clip.duration_s == pytest.approx(31 * MS / 1000)
    assert isinstance(heard[-1], SilenceGrew)
    listener.settle()
    assert VoiceStarted() in hear(listener, "bbb")


def test_an_utterance_nobody_settles_is_forgotten_after_its_time() -> None:
    listener = ear(forget_ms=320)
    heard = hear(listener, "abc" + "." * 30)
    assert heard[-1] == SilenceGrew(320.0)
    assert not listener.open


def test_wild_samples_are_clamped_and_counted() -> None:
    listener = ear()
    wild = block(0.0)
    wild[:4] = np.nan, np.inf, -np.inf, 1e38
    listener.push(wild)
    assert listener.clamped == 4


@given(st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_any_float_is_survived(values: list[float]) -> None:
    listener = ear()
    for _ in range(3):
        listener.push(np.resize(np.array(values, np.float32), BLOCK))
    for fact in hear(listener, "..."):
        assert not isinstance(fact, VoicePaused) or np.abs(fact.clip.samples).max() <= 1.0


def test_a_block_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        ear().push(np.zeros(480, np.float32))


def test_the_level_is_told_every_fourth_block_when_asked_for() -> None:
    listener = Ear(Listening(level=True), LoudIsSpeech())
    levels = [fact for fact in hear(listener, "." * 8) if isinstance(fact, LevelMeasured)]
    assert len(levels) == 2
    assert levels[0].peak_db == pytest.approx(-60.0, abs=0.1)


@given(
    st.lists(st.sampled_from("aaa...") | st.just("settle"), max_size=200),
)
def test_every_voice_is_told_in_order_and_every_pause_holds_its_speech(steps: list[str]) -> None:
    listener, state = ear(longest_ms=2_000, forget_ms=1_000), "idle"
    for step in steps:
        heard = listener.settle() if step == "settle" else hear(listener, step)
        if step == "settle":
            state = "idle"
        for fact in heard:
            match fact:
                case VoiceStarted():
                    assert state == "idle"
                    state = "speaking"
                case VoicePaused():
                    assert state == "speaking"
                    assert fact.speech_ms / 1000 <= fact.clip.duration_s <= 2.0
                    state = "paused"
                case VoiceResumed():
                    assert state == "paused"
                    state = "speaking"
                case SilenceGrew(silence_ms):
                    assert state == "paused"
                    state = "idle" if silence_ms >= 1_000 else state
        assert listener.open == (state != "idle")
