from __future__ import annotations

import time

import pytest

from assistant.speech.clauses import ClauseSplitter
from assistant.speech.filter import SpeechFilter, speakable_text
from assistant.speech.limits import SentenceLimit
from assistant.speech.stream import SpeechStream

LETTERS = 1_000


def seconds(text: str) -> float:
    """Processor time that each part of the way to the voice takes for a text."""
    begun = time.process_time()
    SpeechFilter().push(text)
    ClauseSplitter().push(text)
    SentenceLimit(4).push(text)
    SpeechStream().push(text)
    return time.process_time() - begun


@pytest.mark.parametrize(
    "unit",
    ["." * 10, ". " * 5, ".)" * 5, "。" * 10, "?!" * 5, "-" * 10, "*" * 10, "`" * 10, "~" * 10,
     ' "' * 5, "[[a]]]]]]]", "[" * 10, "(" * 10, "<a b" * 3, "x" * 10, "\n" * 10, " " * 10,
     ", " * 5],
)  # fmt: skip
def test_the_effort_grows_with_the_length_of_a_reply_not_faster(unit: str) -> None:
    short, long = ("Well " + unit * (length // len(unit)) for length in (LETTERS, 4 * LETTERS))
    once = min(seconds(short) for _ in range(3))
    assert min(seconds(long) for _ in range(3)) < 8 * once


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Well" + "." * 500 + " Yes.", "Well.... Yes."),
        ("What" + "?!" * 50, "What?!?!"),
        ("Wait... what?!", "Wait... what?!"),
        ('"Go!"', '"Go!"'),
        ("He said: (\"No!\").", "He said: (\"No!\")."),
    ],
)  # fmt: skip
def test_a_long_run_of_marks_is_said_as_a_short_one(said: str, heard: str) -> None:
    assert speakable_text(said) == heard
