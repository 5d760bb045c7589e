from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.engines.native.pieces import LONGEST, harmless, pieces, speakable


def test_sentences_become_pieces() -> None:
    assert pieces('Hello there. "How are you?" Fine! And 3.14 is pi') == [
        "Hello there.",
        '"How are you?"',
        "Fine!",
        "And 3.14 is pi",
    ]


def test_what_cannot_be_said_joins_its_neighbour() -> None:
    assert pieces("Hello. ... 🌊 Bye. —") == ["Hello. ...", "🌊 Bye. —"]
    assert pieces("... Hello.") == ["... Hello."]
    assert pieces("...") == pieces("") == pieces(" \n🌊 ") == []


def test_a_long_sentence_is_cut_at_a_comma() -> None:
    text = "word " * 40 + "comma, " + "tail " * 20
    first, second = pieces(text)
    assert first.endswith("comma,")
    assert second.startswith("tail")


def test_chinese_sentences_without_spaces_are_cut_when_they_are_long() -> None:
    long = "你好，我很好。" * 100
    assert all(len(piece) <= LONGEST for piece in pieces(long))
    assert "".join(pieces(long)).replace(" ", "") == long


@given(st.text(st.sampled_from("ab.,!? \n🌊。你1"), max_size=400))
def test_no_word_is_lost_or_moved(text: str) -> None:
    found = pieces(text)
    assert " ".join(found).split() == (text.split() if speakable(text) else [])
    assert all(speakable(piece) for piece in found)


@given(st.lists(st.integers(1, 40), max_size=100))
def test_pieces_of_ordinary_words_are_never_too_long(lengths: list[int]) -> None:
    assert all(len(piece) <= LONGEST for piece in pieces(" ".join("x" * n for n in lengths)))


@given(st.text(st.sampled_from("[]a ")))
def test_no_text_reaches_a_voice_as_raw_phonemes(text: str) -> None:
    safe = harmless(text)
    assert "[[" not in safe
    assert "]]" not in safe
    assert len(safe) == len(text)
