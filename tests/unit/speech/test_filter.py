from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.speech.filter import SpeechFilter, speakable_text

MARKS = "* ** _ ` ``` ( ) [ ] [[ ]] <think> </think> < > - # | ! a laughs Hello. 2 😀 é http://x.y"
MARKED = st.lists(
    st.sampled_from([*MARKS.split(), "\n", " "]) | st.text(max_size=5), max_size=40
).map("".join)


@st.composite
def texts_cut_in_two_ways(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(MARKED)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    return text, [text[a:b] for a, b in pairwise(edges)]


def streamed(deltas: list[str]) -> str:
    speech = SpeechFilter()
    return "".join(speech.push(delta) for delta in deltas) + speech.end()


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Hello** there, *really* nice.", "Hello there, really nice."),
        ("# A title\n\n- one\n* two\n+ three\n> said", "A title\none\ntwo\nthree\nsaid"),
        ("above\n---\nbelow", "above\nbelow"),
        ("see [the guide](http://a.b/c_(d)) and ![a cat](c.png)!", "see the guide and a cat!"),
        ("run `ls *x*` now", "run ls *x* now"),
        ("so:\n```py\nx = 1\n```\nDone.", "so:\nDone."),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b\n1 2"),
        ("- [ ] milk\n- [x] bread", "milk\nbread"),
        ("~~no~~ yes, ~5 snake_case", "no yes, ~5 snake_case"),
    ],
)
def test_markdown_leaves_its_text(written: str, spoken: str) -> None:
    assert speakable_text(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("*leans closer* Hello.", "Hello."),
        ("*She smiles. She waves.* Hi", "Hi"),
        ("Hello *waves*. How are you? [sighs] Fine.", "Hello. How are you? Fine."),
        ("(laughs softly) Yes. (in a low voice) No.", "Yes. No."),
        ("_smiles_ Of course.", "Of course."),
        ("It is far (about 20 miles) away.", "It is far (about 20 miles) away."),
        ("2 * 3 * 4 = 24 and 2*3=6", "2 * 3 * 4 = 24 and 2*3=6"),
        ("*Never* do that. I *really* mean it.", "Never do that. I really mean it."),
        ("a < b and c > d, 3 <5", "a < b and c > d, 3 <5"),
    ],
)
def test_stage_directions_go_and_plain_brackets_and_sums_stay(written: str, spoken: str) -> None:
    assert speakable_text(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("<think>hm\n[[ok]]</think>Yes!", "Yes!"),
        ("<think>never closed", ""),
        ("I said <b>no</b><|im_end|>", "I said no"),
        ("Fine 😀 👨‍👩‍👧 1️⃣ 👍🏽.", "Fine 1."),
        ("20 °C, $5, €3, 50 %", "20 °C, $5, €3, 50 %"),
        ("नमस्ते, कैसे हैं? สวัสดี 你好。", "नमस्ते, कैसे हैं? สวัสดี 你好。"),
        ("क्‍ष stays joined", "क्‍ष stays joined"),
        ("as shown [1] here", "as shown here"),
        ("say [[h@loU]] now", "say now"),
        ("never [[closed", "never closed"),
    ],
)
def test_only_what_can_be_said_is_left(written: str, spoken: str) -> None:
    assert speakable_text(written) == spoken


@pytest.mark.parametrize("mark", ["*", "(", "[", "[[", "<a", "_", "!["])
def test_an_open_mark_holds_the_reply_back_for_a_while_only(mark: str) -> None:
    speech = SpeechFilter()
    assert "the end" in speech.push(f"{mark}{'word ' * 60}the end. ")


@given(texts_cut_in_two_ways())
def test_the_same_is_spoken_however_the_reply_was_cut(case: tuple[str, list[str]]) -> None:
    text, deltas = case
    assert streamed(deltas) == speakable_text(text)


@given(MARKED)
def test_no_square_bracket_and_no_doubled_space_ever_passes(text: str) -> None:
    spoken = speakable_text(text)
    assert not set("[]") & set(spoken)
    assert "  " not in spoken
    assert spoken == spoken.strip()


@given(st.lists(st.sampled_from(["Hello", "you", "7", "it's", "fine."]), min_size=1))
def test_plain_prose_passes_unchanged(words: list[str]) -> None:
    assert speakable_text(" ".join(words)) == " ".join(words)
