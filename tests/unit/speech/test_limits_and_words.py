from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.speech.limits import SentenceLimit
from assistant.speech.stream import SpeechStream
from assistant.speech.words import cut, words

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


def test_a_stream_filters_limits_and_splits() -> None:
    stream = SpeechStream(max_sentences=2)
    found = stream.push("*smiles* **Hello**, my dear friend! I am 😀 well. Really")
    assert not stream.push(" well.")
    assert stream.full
    assert found + stream.end() == ["Hello, my dear friend!", "I am well."]


def test_a_stream_without_a_limit_gives_every_clause() -> None:
    stream = SpeechStream()
    assert stream.push("Yes. No.") + stream.end() == ["Yes.", "No."]
    assert not stream.full


def test_a_reply_is_cut_behind_the_last_word_heard() -> None:
    assert cut("Well,  it is late.", 2) == "Well,  it"
    assert cut("Well, it is late.", 0) == ""
    assert cut("Well, it is late. ", 9) == "Well, it is late."


@given(st.text(max_size=40), st.integers(-2, 30))
def test_a_cut_reply_holds_the_words_that_were_heard(text: str, heard: int) -> None:
    assert words(cut(text, heard)) == words(text)[: max(heard, 0)]
    assert text.startswith(cut(text, heard))
