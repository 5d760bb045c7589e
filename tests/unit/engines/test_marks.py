from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from assistant.engines.native.alignment import Phoneme, from_phonemes, sounds_in
from assistant.engines.native.marks import WordEvent, estimate, from_events
from audio.clip import WordMark

TEXTS = st.text(st.sampled_from("ab 1.,你 \n—"), max_size=60)
DURATIONS = st.floats(1, 100_000)


def check(marks: Sequence[WordMark], text: str, duration_ms: float) -> None:
    assert [mark.text for mark in marks] == text.split()
    at = 0.0
    for mark in marks:
        assert at <= mark.start_ms <= mark.end_ms <= duration_ms
        at = mark.start_ms


@given(TEXTS, DURATIONS, st.floats(-10, 200_000))
def test_estimated_marks_cover_every_word_in_order(
    text: str, duration_ms: float, begin_ms: float
) -> None:
    check(estimate(text.split(), duration_ms, begin_ms=begin_ms), text, duration_ms)


def test_longer_words_take_longer_and_numbers_are_long() -> None:
    marks = estimate(["a", "elephant", "21st"], 1000)
    spans = [mark.end_ms - mark.start_ms for mark in marks]
    assert spans[0] < spans[1]
    assert spans[2] > spans[0] * 5


EVENTS = st.lists(st.builds(WordEvent, st.integers(-5, 80), st.floats(-100, 200_000)))


@given(TEXTS, EVENTS, DURATIONS)
def test_any_events_give_ordered_marks_or_none(
    text: str, events: list[WordEvent], duration_ms: float
) -> None:
    marks = from_events(text, events, duration_ms)
    if marks is not None:
        check(marks, text, duration_ms)


def test_words_without_an_event_share_the_time_of_the_word_before() -> None:
    events = [WordEvent(0, 0), WordEvent(6, 400)]
    marks = from_events("Hello — world again", [*events, WordEvent(8, 600)], 1000)
    assert marks is not None
    assert [(m.text, m.start_ms) for m in marks][:3] == [("Hello", 0), ("—", 400), ("world", 600)]
    assert 600 < marks[3].start_ms < marks[3].end_ms == 1000


def test_events_that_fit_no_word_give_no_marks() -> None:
    assert from_events("Hello", [], 1000) is None
    assert from_events("", [WordEvent(0, 0)], 1000) is None


def spell(words: str) -> list[Phoneme]:
    return [Phoneme(symbol, 10) for symbol in words]


def test_joined_words_are_parted_by_counting_their_sounds() -> None:
    marks, exact = from_phonemes(
        ["turn", "on", "the", "light"], [3, 2, 2, 4], spell(" tɜn ɔnðə laɪt"), 1000
    )
    assert exact
    assert [(m.start_ms, m.end_ms) for m in marks] == [(10, 40), (50, 70), (70, 90), (100, 140)]


def test_a_number_said_as_several_words_is_one_word() -> None:
    marks, exact = from_phonemes(["21", "boats"], [8, 4], spell("twɛnti wʌn boʊts"), 1000)
    assert exact
    assert [(m.start_ms, m.end_ms) for m in marks] == [(0, 100), (110, 160)]


def test_stress_and_length_marks_belong_to_the_sound_before() -> None:
    assert sounds_in(list("tˈɜːn.")) == 3
    marks, _ = from_phonemes(["turn"], [3], spell("tˈɜːn"), 1000)
    assert (marks[0].start_ms, marks[0].end_ms) == (0, 50)


def test_words_that_are_not_said_get_no_time() -> None:
    marks, exact = from_phonemes(["a", "—", "b"], [1, 0, 1], spell("a b"), 1000)
    assert exact
    assert (marks[1].start_ms, marks[1].end_ms) == (10, 10)


def test_phonemes_that_do_not_fit_the_words_give_an_estimate() -> None:
    marks, exact = from_phonemes(["a", "b", "c"], [30, 30, 30], spell("a"), 1000)
    assert not exact
    check(marks, "a b c", 1000)


@given(
    st.lists(st.tuples(st.sampled_from(["ab", "1", "—"]), st.integers(0, 5)), max_size=12),
    st.lists(st.tuples(st.sampled_from("aˈ .ð"), st.floats(0, 500)), max_size=40),
    DURATIONS,
)
def test_any_phonemes_give_ordered_marks(
    words: list[tuple[str, int]], phonemes: list[tuple[str, float]], duration_ms: float
) -> None:
    texts = [text for text, _ in words]
    marks, _ = from_phonemes(
        texts, [n for _, n in words], [Phoneme(*phoneme) for phoneme in phonemes], duration_ms
    )
    check(marks, " ".join(texts), duration_ms)
