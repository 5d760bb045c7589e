"""Where a clause may end: marks of English, Chinese, Japanese, Arabic and Hindi prose."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

FULL: Final = "。！？｡؟।"
"""Marks that end a sentence without a space behind them."""
STOPS: Final = ".!?…"
"""Marks that end a sentence when a space and no lower-case letter follows."""
PAUSES: Final = ",;:—–"
"""Marks that end a clause when a space follows."""
WIDE_PAUSES: Final = "，；、：،"
"""Marks that end a clause without a space behind them."""
CLOSERS: Final = "\"'”’)]}»」』）"
"""Characters that belong to the mark in front of them."""

MARKS: Final = frozenset(FULL + STOPS + PAUSES + WIDE_PAUSES + CLOSERS)

_ABBREVIATIONS: Final = (
    "mr mrs ms mx dr prof st mt jr sr rev hon gen col capt lt sgt gov pres rep sen vs e.g i.e cf "
    "approx est fig vol ca al inc ltd corp dept ave blvd rd jan feb mar apr jun jul aug sept sep "
    "oct nov dec usw bzw z.b d.h u.a"
)
_NUMBERED: Final = frozenset(("no", "nos", "nr", "p", "pp", "art", "ch", "sec"))

_TAIL: Final = 32
"""Characters at the end of a text that its last end is looked for in; mark, closers and gap fit."""

_CLOSING: Final = re.escape(CLOSERS)
_STOP: Final = re.compile(
    rf"(?P<marks>[{re.escape(STOPS)}]+)[{_CLOSING}]*(?P<gap>\s+)(?P<next>\S)\Z"
)
_FULL: Final = re.compile(rf"[{FULL}][{FULL}{re.escape(STOPS)}{_CLOSING}]*(?P<gap>)\S\Z")
_PAUSE: Final = re.compile(rf"[{re.escape(PAUSES)}][{_CLOSING}]*(?P<gap>\s)\Z")
_WIDE_PAUSE: Final = re.compile(rf"[{WIDE_PAUSES}][{_CLOSING}]*(?P<gap>)\S\Z")


class End(NamedTuple):
    """A place where a clause may end."""

    at: int
    """Index of the first character behind the mark and its closers."""
    sentence: bool
    """True for the end of a sentence, false for a pause inside one."""


def end_before_last(text: str) -> End | None:
    """Return the end that the last character of `text` has just made certain.

    Called once for each character appended, it finds every end exactly once. An abbreviation
    ("Dr."), an initial ("J."), a list number ("2."), a decimal, a time and a URL are no ends;
    neither is a stop that a lower-case letter follows ("at 9 a.m. sharp", "well... maybe").
    """
    if text.endswith("\n"):
        body = text.rstrip()
        return End(len(body), sentence=True)
    for pattern in (_FULL, _STOP, _PAUSE, _WIDE_PAUSE):
        match = pattern.search(text, max(len(text) - _TAIL, 0))
        if match is None:
            continue
        if not match["gap"] and text[-1] in CLOSERS + FULL + STOPS:
            continue
        if pattern is _STOP and not _ends_sentence(text[: match.start()], match):
            continue
        return End(match.start("gap"), sentence=pattern in (_FULL, _STOP))
    return None


def _ends_sentence(before: str, match: re.Match[str]) -> bool:
    if match["next"].islower():
        return False
    if match["marks"] != ".":
        return True
    words = before.split()
    word = words[-1].lstrip("\"'“‘([{«") if words and not before[-1:].isspace() else ""
    if word.isdigit() and len(words) == 1:
        return False
    if word.lower() in _ABBREVIATIONS.split():
        return False
    if word.lower() in _NUMBERED and match["next"].isdigit():
        return False
    return not (len(word) == 1 and word.isalpha() and word.isupper() and word != "I")


def speakable(text: str) -> bool:
    """Return whether `text` holds a letter or a digit."""
    return any(character.isalnum() for character in text)
