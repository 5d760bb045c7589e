from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engines.native.hearing import (
    CONTEXT_MAX,
    CONTEXT_STEP,
    RATE_HZ,
    Evidence,
    Filtered,
    audio_context,
    clean,
    collapse_loop,
    judge,
    weigh,
)
from audio.clip import Samples

STRONG = Evidence(duration_s=2.0, peak_db=-12.0, voiced_ms=600.0, probability=0.9)
WEAK = Evidence(duration_s=2.0, peak_db=-30.0, voiced_ms=40.0, probability=0.4)


def noise(seconds: float, level: float) -> Samples:
    random = np.random.default_rng(1)
    return (random.standard_normal(round(seconds * RATE_HZ)) * level).astype(np.float32)


def verdict(written: str, evidence: Evidence) -> Filtered | None:
    return judge(written, clean(written), evidence)


@given(st.integers(0, 60 * RATE_HZ))
def test_the_context_is_whole_steps_or_all_and_covers_the_sound(samples: int) -> None:
    context = audio_context(samples)
    assert context % CONTEXT_STEP == 0 or context == CONTEXT_MAX
    assert 0 < context <= CONTEXT_MAX
    assert context / 50 >= min(samples / RATE_HZ + 1.0, 30.0)


def test_the_context_of_a_usual_question_is_a_sixth_of_the_window() -> None:
    assert audio_context(int(3.4 * RATE_HZ)) == 256
    assert audio_context(int(4.2 * RATE_HZ)) == 512
    assert audio_context(29 * RATE_HZ) == CONTEXT_MAX


@pytest.mark.parametrize(
    "text", ["[BLANK_AUDIO]", "(music)", " ♪♪♪ ", "*sighs*", "[Music] (applause)", "...", "- -"]
)
def test_notes_without_a_word_are_blank(text: str) -> None:
    assert verdict(text, STRONG) is Filtered.BLANK


def test_notes_between_words_are_left_out() -> None:
    assert clean(" (coughs) Turn on  the light. [BLANK_AUDIO]") == "Turn on the light."


def test_no_text_is_no_speech_and_silence_is_blank() -> None:
    assert verdict("", STRONG) is Filtered.NO_SPEECH
    assert verdict("Hello.", weigh(np.zeros(RATE_HZ, np.float32))) is Filtered.BLANK


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for watching.",
        "Thanks for watching!",
        "Please like and subscribe to my channel.",
        "Subtitles by the Amara.org community",
        "I'll see you in the next video.",
        "Untertitel der Amara.org-Community",
        "Vielen Dank fürs Zuschauen!",
        "Merci d'avoir regardé cette vidéo.",
        "ご視聴ありがとうございました",
    ],
)
def test_credits_of_films_are_inventions_whatever_the_sound(text: str) -> None:
    assert verdict(text, STRONG) is Filtered.HALLUCINATION


@pytest.mark.parametrize("text", ["Thank you.", "Bye.", "You", "See you next time.", "谢谢。"])
def test_short_words_stay_when_the_sound_supports_them(text: str) -> None:
    assert verdict(text, STRONG) is None
    assert verdict(text, WEAK) is Filtered.HALLUCINATION


def test_more_words_than_anyone_can_say_are_an_invention() -> None:
    evidence = Evidence(duration_s=1.0, peak_db=-10.0, voiced_ms=900.0, probability=0.9)
    assert verdict("one two three four five six seven eight nine ten", evidence) is (
        Filtered.HALLUCINATION
    )
    assert verdict("no no no no", evidence) is None


def test_a_doubtful_text_over_steady_noise_is_no_speech() -> None:
    assert verdict("Turn on the light.", WEAK) is Filtered.NO_SPEECH


def test_an_unknown_probability_drops_nothing() -> None:
    evidence = Evidence(duration_s=2.0, peak_db=-30.0, voiced_ms=40.0, probability=math.nan)
    assert verdict("Turn on the light.", evidence) is None


def test_steady_noise_has_nothing_voiced_and_a_burst_in_it_has() -> None:
    steady = noise(2.0, 0.02)
    assert weigh(steady).weak
    burst = steady.copy()
    burst[RATE_HZ : RATE_HZ + 6400] += noise(0.4, 0.2)
    assert 360 <= weigh(burst).voiced_ms <= 460


def test_speech_cut_tightly_still_counts_as_voiced() -> None:
    syllables = np.abs(np.sin(np.arange(RATE_HZ) * 2 * np.pi * 2 / RATE_HZ)).astype(np.float32)
    assert not weigh(noise(1.0, 0.2) * syllables).weak


def test_a_loop_is_said_once() -> None:
    assert collapse_loop("Hello. " + "I am here. " * 6) == "Hello. I am here."
    assert collapse_loop("no no no no no") == "no no no no no"
    assert collapse_loop("I am here. I am here.") == "I am here. I am here."


@given(st.text())
def test_cleaning_never_adds_a_word(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned.split()) <= len(text.split()) + text.count("[") + text.count("(") + (
        text.count("*") + text.count("♪") + text.count("♫")
    )
    assert clean(cleaned) == cleaned or "[" in text or "(" in text or "*" in text
