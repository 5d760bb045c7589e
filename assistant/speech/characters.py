"""Which single characters of a reply can be spoken."""

from __future__ import annotations

import unicodedata
from typing import Final

_PICTURES: Final = (
    (0x2190, 0x21FF),
    (0x2300, 0x23FF),
    (0x2500, 0x27BF),
    (0x2900, 0x297F),
    (0x2B00, 0x2BFF),
    (0x3030, 0x3030),
    (0x303D, 0x303D),
    (0x3297, 0x3299),
    (0xFE00, 0xFE0F),
    (0x1F000, 0x1FAFF),
    (0xE0000, 0xE01EF),
)
"""Code points, first and last: arrows, symbols, emoji and their selectors and tags."""

_KEYCAP: Final = "\u20e3"
_JOINERS: Final = "\u200c\u200d"
_UNHEARD: Final = frozenset(("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"))


def is_picture(character: str) -> bool:
    """Return whether `character` is an emoji, an arrow, a dingbat or a part of one."""
    code = ord(character)
    if code < _PICTURES[0][0]:
        return character == _KEYCAP
    return any(first <= code <= last for first, last in _PICTURES)


def is_unheard(character: str, *, after_picture: bool) -> bool:
    """Return whether `character` is a control, a lone surrogate or another invisible sign.

    A joiner stays between letters, where Indic and Persian spelling needs it, and goes behind
    a picture, where it only glues emoji together.
    """
    if character in _JOINERS:
        return after_picture
    return unicodedata.category(character) in _UNHEARD
