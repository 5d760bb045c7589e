"""Reads the marks of markdown, tags and stage directions at the head of a text, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from assistant.speech.directions import is_action, is_aside

HOLD_CHARS = 160
"""Characters that are held at most while a closing mark is awaited."""


class Place(NamedTuple):
    """Where in a reply the reader stands."""

    before: str
    """The character read last; a new line at the start of the reply."""
    begins: bool
    """Whether a sentence begins here."""
    code: bool
    """Whether it is inside inline code, which ends with its line."""


class Step(NamedTuple):
    """What is to be done with the head of a text."""

    length: int
    """Characters read."""
    text: str = ""
    """What is said for them."""
    again: str = ""
    """What is to be read next in their stead."""
    skip: tuple[str, ...] = ()
    """Drop everything up to the first of these, lower case; empty for nothing."""
    before: str | None = None
    """The character to remember as read last; None for the last one read."""
    toggles_code: bool = False
    """Whether inline code begins or ends here."""


_THOUGHTS: Final = ("think", "thinking", "thought", "reasoning")
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][\w-]*)(?:\s+[\w-]+=(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_CONTROL: Final = re.compile(r"<\|[^<>|\n]*\|>")
_OPEN_LINE: Final = re.compile(r"[ \t#>*+\-•=_|:]{0,80}\Z")
_RULE: Final = re.compile(r"[ \t]*[-*_=|:+][-*_=|: \t+]*(?P<end>\n|\Z)")
_LINE_MARKS: Final = re.compile(r"[ \t]*(?:(?:#{1,6}|>|[-+*•])[ \t]+)+")
_RUN: Final = re.compile(r"`+|\*+|_+|~+")
_LINK_TARGET: Final = re.compile(r"\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:[ ]\"[^\"\n]*\")?\)")


def read(head: str, place: Place, *, final: bool) -> Step | None:
    """Return the next step at the head of `head`, or None when more text has to come first.

    head: not empty. final: no more text comes, so that a step is returned in any case.
    """
    if place.before == "\n":
        line = _line(head, final=final)
        if line is None or line.length:
            return line
    reader = _READERS.get(head[0])
    if reader is None or (place.code and head[0] not in "`[]"):
        return Step(1, head[0])
    return reader(head, place, final)


def _line(head: str, *, final: bool) -> Step | None:
    """Drop what only marks the line: heading, quotation, list item, rule of a table."""
    rule = _RULE.match(head)
    if rule and (rule["end"] or final):
        return Step(rule.end(), before="\n")
    if not final and _OPEN_LINE.match(head):
        return None
    marks = _LINE_MARKS.match(head)
    return Step(marks.end(), before=" ") if marks else Step(0)


def _run(head: str, place: Place, final: bool) -> Step | None:
    """Read a run of backticks, asterisks, underscores or tildes."""
    run = _RUN.match(head)
    assert run is not None
    mark, length = head[0], run.end()
    if length == len(head) < HOLD_CHARS and not final:
        return None
    after = head[length : length + 1] or "\n"
    if mark in "`~" and length > 2:
        return Step(length, skip=(mark * 3,))
    if mark == "`":
        return Step(length, before=place.before, toggles_code=True)
    if mark == "~":
        return Step(length, head[0] if length == 1 else "")
    spaced = place.before.isspace() and after.isspace()
    joined = place.before.isalnum() and after.isalnum()
    if spaced or (joined and (mark == "_" or length == 1)):
        return Step(length, head[:length])
    if length > 1 or after.isspace() or (mark == "_" and place.before.isalnum()):
        return Step(length, before=place.before)
    return _starred(head, place, final)


def _starred(head: str, place: Place, final: bool) -> Step | None:
    """Read *...* or _..._: an action is dropped, a stressed word is said."""
    mark = re.escape(head[0])
    whole = re.match(rf"{mark}([^{mark}\n]*[^{mark}\s]){mark}", head[: HOLD_CHARS + 2])
    if whole is None:
        if not final and _may_close(head, "\n"):
            return None
        return Step(1, before=place.before)
    inside = whole[1]
    if is_action(inside, begins=place.begins):
        return Step(whole.end(), before=" ")
    return Step(whole.end(), again=inside, before=place.before)


def _parenthesis(head: str, place: Place, final: bool) -> Step | None:
    whole = re.match(r"\(([^()\n]*)\)", head[: HOLD_CHARS + 2])
    if whole and is_aside(whole[1].strip("*_ ")):
        return Step(whole.end(), before=" ")
    if whole or final or not _may_close(head, "(\n"):
        return Step(1, "(")
    return None


def _bracket(head: str, place: Place, final: bool) -> Step | None:
    """Read a phoneme block, a link, a citation, a direction; else its words are said."""
    if len(head) == 1 and not final:
        return None
    if head.startswith("[["):
        block = re.match(r"\[\[[^\n]*?\]\]+", head)
        if block:
            if block.end() == len(head) < HOLD_CHARS and not final:
                return None
            return Step(block.end(), " ", before=" ")
        return None if not final and _may_close(head, "\n") else Step(2, " ", before=" ")
    whole = re.match(r"\[([^\[\]\n]*)\]", head[: HOLD_CHARS + 2])
    if whole is None:
        return None if not final and _may_close(head, "[\n") else Step(1, " ", before=" ")
    inside, rest = whole[1], head[whole.end() :]
    target = _LINK_TARGET.match(rest)
    if target:
        return Step(whole.end() + target.end(), again=inside, before=place.before)
    if not final and (not rest or (rest[0] == "(" and _may_close(rest, "\n"))):
        return None
    if inside.strip() in ("", "x", "X") or inside.isdigit() or is_aside(inside):
        return Step(whole.end(), before=" ")
    return Step(whole.end(), again=f" {inside} ", before=" ")


def _image(head: str, place: Place, final: bool) -> Step | None:
    """Read the exclamation mark of an image, whose text is said, or a plain one."""
    if len(head) == 1 and not final:
        return None
    if head.startswith("!["):
        whole = re.match(r"!\[[^\[\]\n]*\]\(", head)
        if whole:
            return Step(1, before=place.before)
        if not final and _may_close(head[1:], "[(\n"):
            return None
    return Step(1, "!")


def _tag(head: str, place: Place, final: bool) -> Step | None:
    tag = _TAG.match(head) or _CONTROL.match(head)
    if tag is None:
        begun = head == "<" or head[1:2] in "/|" or head[1:2].isalpha()
        return None if not final and begun and _may_close(head, "<>\n") else Step(1, "<")
    name = tag[2].lower() if tag.re is _TAG else ""
    if name in _THOUGHTS and not tag[1] and not tag[0].endswith("/>"):
        return Step(tag.end(), skip=(f"</{name}>",))
    return Step(tag.end(), " ", before=" ")


def _bar(head: str, place: Place, final: bool) -> Step | None:
    """Read a bar or a closing bracket as a space."""
    return Step(1, " ")


def _may_close(head: str, barriers: str) -> bool:
    """Return whether a closing mark may still come for the one that `head` begins with."""
    return len(head) <= HOLD_CHARS and not any(barrier in head[1:] for barrier in barriers)


_READERS: Final[dict[str, Callable[[str, Place, bool], Step | None]]] = {
    "`": _run,
    "*": _run,
    "_": _run,
    "~": _run,
    "(": _parenthesis,
    "[": _bracket,
    "]": _bar,
    "|": _bar,
    "!": _image,
    "<": _tag,
}
