"""Words as the voices mark them, and a text cut at the last word heard."""

from __future__ import annotations

import re

_WORD = re.compile(r"\S+")


def words(text: str) -> tuple[str, ...]:
    """Return the words of `text`: what white space parts, as the word marks of a clip count."""
    return tuple(text.split())


def cut(text: str, words_heard: int) -> str:
    """Return `text` up to the end of its n-th word; all of it when it has no more words.

    words_heard: words whose last sample was heard; 0 or less for none.
    """
    if words_heard <= 0:
        return ""
    for number, word in enumerate(_WORD.finditer(text), start=1):
        if number == words_heard:
            return text[: word.end()]
    return text.rstrip()
