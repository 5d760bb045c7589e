from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.speech.clauses import ClauseSplitter

WORDS = (
    'Hello you Dr. e.g. 3.14 10:30 J. http://a.b/c?x=1,2 ... … yes! no? well, a; "Go." '
    "你好， 今天很好。 好的 v1.2.3"
)
PROSE = st.lists(
    st.sampled_from([*WORDS.split(), "\n", "  "]) | st.text(max_size=6), max_size=60
).map(" ".join)


def clauses(*deltas: str) -> list[str]:
    splitter = ClauseSplitter()
    found = [clause for delta in deltas for clause in splitter.push(delta)]
    return found + splitter.end()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, I think so, yes. It is late.", ["Well, I think so,", "yes. It is late."]),
        ("Hello! How are you today?", ["Hello!", "How are you today?"]),
        ("It is nice here, and warm.", ["It is nice here,", "and warm."]),
        (
            'Good. He said to me, "Go home." Then he left the house.',
            ["Good.", 'He said to me, "Go home."', "Then he left the house."],
        ),
        ("你好，我是诺瓦。今天天气非常好，我们一起出去走走吧！好的", None),
    ],
)
def test_the_first_clause_is_short_and_the_rest_are_sentences(
    text: str, expected: list[str] | None
) -> None:
    wide = ["你好，我是诺瓦。", "今天天气非常好，我们一起出去走走吧！", "好的"]
    assert clauses(text) == (expected or wide)


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith is here",
        "It is e.g. an apple",
        "Pi is 3.14 or so",
        "It is 10:30 now",
        "Version 1.2.3 is out",
        "J. R. R. Tolkien wrote it",
        "Go to http://a.b/c?x=1. for more",
        "Wait... maybe not",
        "We open at 9 a.m. every day",
        "See No. 5 there",
        "1. Boil water",
    ],
)
def test_abbreviations_numbers_and_addresses_are_no_ends(text: str) -> None:
    assert clauses(text) == [text]


def test_the_first_clause_never_starves_and_is_cut_at_a_word() -> None:
    splitter = ClauseSplitter()
    first = splitter.push("one two three four five six seven eight nine ten eleven twelve thirteen")
    assert first == ["one two three four five six seven eight nine ten eleven"]


def test_a_script_without_spaces_is_cut_between_its_letters() -> None:
    found = clauses("あ" * 500)
    assert "".join(found) == "あ" * 500
    assert max(map(len, found)) <= 200


def test_a_clause_is_known_as_soon_as_the_next_word_begins() -> None:
    splitter = ClauseSplitter()
    assert splitter.push("That is all. ") == []
    assert splitter.push("N") == ["That is all."]


def test_marks_without_words_are_not_voiced() -> None:
    assert clauses("... !? — ") == []


@given(PROSE, st.lists(st.integers(0, 400), max_size=8))
def test_the_same_clauses_however_the_text_was_cut(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    deltas = [text[a:b] for a, b in pairwise(edges)]
    assert clauses(*deltas) == clauses(text)


@given(PROSE)
def test_nothing_that_can_be_spoken_is_lost_or_moved(text: str) -> None:
    def letters(string: str) -> str:
        return "".join(character for character in string if character.isalnum())

    found = clauses(text)
    assert letters("".join(found)) == letters(text)
    assert all(letters(clause) for clause in found)


@given(st.text(alphabet="abc déあ ", max_size=900))
def test_no_clause_is_much_longer_than_it_may_be(text: str) -> None:
    words = " ".join(word[:100] for word in text.split())
    assert all(len(clause) <= 201 for clause in clauses(words))
