from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assistant.engines.native.textflow import VisibleText


def flow(pieces: Sequence[bytes], stops: Sequence[str] = (), *, thinking: bool = False) -> str:
    shown = VisibleText(stops, thinking=thinking)
    return "".join([*(shown.push(piece) for piece in pieces), shown.close()])


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(p % (len(data) + 1) for p in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def test_a_character_in_several_pieces_comes_whole() -> None:
    shown = VisibleText()
    data = "ü🌊".encode()
    assert [shown.push(bytes([byte])) for byte in data] == ["", "ü", "", "", "", "🌊"]


def test_a_broken_character_is_replaced_at_the_end() -> None:
    assert flow([b"sea", b"\xf0\x9f"]) == "sea\ufffd"


def test_a_stop_string_across_pieces_ends_the_text_without_showing_its_beginning() -> None:
    shown = VisibleText(["\nUser:"])
    assert [shown.push(p) for p in (b"Hello.", b"\nUs", b"er: more", b"late")] == [
        "Hello.",
        "",
        "",
        "",
    ]
    assert shown.stopped
    assert shown.close() == ""


def test_a_held_beginning_of_a_stop_string_is_shown_when_it_was_none() -> None:
    shown = VisibleText(["\nUser:"])
    assert shown.push(b"a\nUs") == "a"
    assert shown.push(b"ual") == "\nUsual"


def test_the_first_stop_string_wins() -> None:
    assert flow([b"one STOP two END"], ["END", "STOP"]) == "one "


def test_thoughts_are_never_shown() -> None:
    assert flow([b"<think>let me", b" see</thi", b"nk>\n\nYes.", b" Good."]) == "Yes. Good."
    assert flow([b"hm</think>Yes."], thinking=True) == "Yes."
    assert flow([b"Yes. <think>never closed"]) == "Yes. "
    assert flow([b"</think>Yes."]) == "Yes."


def test_a_stop_string_inside_a_thought_does_not_end_the_reply() -> None:
    assert flow([b"<think>STOP</think>Go."], ["STOP"]) == "Go."


def test_white_space_before_the_first_word_is_left_out() -> None:
    assert flow([b"\n", b" ", b"Yes.", b" No."]) == "Yes. No."


@given(st.text(), st.lists(st.integers(0, 10_000)))
def test_the_text_does_not_depend_on_where_the_pieces_are_cut(text: str, places: list[int]) -> None:
    data = text.encode("utf-8", errors="replace")
    assert flow(cut(data, places)) == flow([data])


WORDS = st.lists(st.sampled_from(["<think>", "</think>", "END", "EN", "<th", "a", " ", "ü"]))


@given(WORDS, st.lists(st.integers(0, 10_000)))
def test_marks_are_found_wherever_the_pieces_are_cut(words: list[str], places: list[int]) -> None:
    data = "".join(words).encode()
    shown = flow(cut(data, places), ["END"])
    assert shown == flow([data], ["END"])
    assert "END" not in shown
    assert "<think>" not in shown
