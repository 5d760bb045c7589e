from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from words import VOCABULARY, edits, plain, unknown, word_error_rate

WORDS = st.lists(st.sampled_from(["turn", "on", "the", "light"]), max_size=6)


def test_one_word_of_five_is_wrong() -> None:
    assert word_error_rate([("Turn on the kitchen light.", "turn on the garden light")]) == 0.2


def test_words_too_many_and_too_few_count_once_each() -> None:
    assert edits(["a", "b"], ["b"]) == 1
    assert edits(["b"], ["a", "b"]) == 1
    assert edits([], ["a", "b"]) == 2


@given(WORDS, WORDS)
def test_edits_are_a_distance(left: list[str], right: list[str]) -> None:
    assert edits(left, right) == edits(right, left)
    assert (edits(left, right) == 0) == (left == right)
    assert edits(left, right) <= max(len(left), len(right))


def test_text_is_compared_without_case_and_punctuation() -> None:
    assert plain("What's on? Three o'clock.") == ["what's", "on", "three", "o'clock"]


def test_words_outside_the_vocabulary_are_found() -> None:
    assert "kitchen" in VOCABULARY
    assert unknown("Turn on the chandelier in Paris") == ["chandelier"]
