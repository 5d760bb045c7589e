"""The few macros of persona texts, replaced by a scanner of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

KNOWN: Final = ("char", "user", "original")
_MACRO: Final = re.compile(r"\{\{\s*([^{}\n]*?)\s*\}\}|<(user|bot|char)>", re.IGNORECASE)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `{{name}}`, `<USER>` and `<BOT>` by their values, in any case; once, not again.

    An unknown macro goes; `loader` has told of it.
    """

    def value(match: re.Match[str]) -> str:
        name = (match[1] or match[2] or "").lower()
        return values.get("char" if name == "bot" else name, "")

    return _MACRO.sub(value, text)


def unknown(text: str, *, original: bool = False) -> tuple[str, ...]:
    """Return the macros of `text` that mean nothing here.

    original: whether `{{original}}` means something, as it does in prompt.system.
    """
    known = KNOWN if original else KNOWN[:2]
    found = (match[1] for match in _MACRO.finditer(text) if match[1] is not None)
    return tuple(name for name in found if name.lower() not in known)
