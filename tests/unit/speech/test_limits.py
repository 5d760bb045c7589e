from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.speech.limits import SentenceLimit
from assistant.speech.stream import SpeechStream

REPLY = "Hi, Dr. Smith. It is 10:30! Well... maybe. Go. Stop."


@pytest.mark.parametrize(
    ("most", "spoken"),
    [
        (1, "Hi, Dr. Smith."),
        (2, "Hi, Dr. Smith. It is 10:30!"),
        (3, "Hi, Dr. Smith. It is 10:30! Well... maybe."),
        (9, REPLY),
        (None, REPLY),
    ],
)
def test_a_reply_passes_up_to_its_nth_sentence(most: int | None, spoken: str) -> None:
    limit = SentenceLimit(most)
    assert limit.push(REPLY) == spoken
    assert limit.reached == (most in (1, 2, 3))


@given(st.text(alphabet="ab.!? \n。", max_size=60), st.integers(1, 4), st.integers(0, 60))
def test_the_limit_does_not_care_how_the_reply_was_cut(text: str, most: int, at: int) -> None:
    whole, parts = SentenceLimit(most), SentenceLimit(most)
    assert parts.push(text[:at]) + parts.push(text[at:]) == whole.push(text)
    assert parts.reached == whole.reached


def test_a_stream_filters_and_splits() -> None:
    stream = SpeechStream()
    found = stream.push("*smiles* **Hello**, my dear friend! I am 😀 well. Really")
    found += stream.push(" well.")
    assert found + stream.end() == ["Hello, my dear friend!", "I am well. Really well."]


def test_a_stream_gives_every_clause() -> None:
    stream = SpeechStream()
    assert stream.push("Yes. No.") + stream.end() == ["Yes.", "No."]
