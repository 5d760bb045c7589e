"""Cuts a streamed reply into clauses to voice: a short one first, then whole sentences."""

from __future__ import annotations

import unicodedata

from assistant.speech.ends import MARKS, End, end_before_last, speakable

FIRST_WORDS = 3
"""Words that the first clause has at least before a comma may end it."""
FIRST_WIDE = 6
"""The same for scripts without spaces, in characters."""
SHORT_CHARS = 16
"""Later sentences shorter than this wait for the next one."""


class ClauseSplitter:
    """Splits streamed text into clauses; how the stream was cut makes no difference.

    The first clause ends at the first comma or sentence end behind a few words, or at a word
    border near `first_chars`, so that the voice can begin. Later clauses are sentences, cut at
    their last pause or word border once longer than `chars`. Only white space and marks with
    nothing to speak around them are lost.
    """

    def __init__(self, *, first_chars: int = 60, chars: int = 200) -> None:
        self._first_chars = first_chars
        self._chars = chars
        self._first = True
        self._text = ""
        self._pause = 0
        self._last = ""

    def push(self, text: str) -> list[str]:
        """Take the next piece of the reply; return the clauses that are complete now."""
        clauses: list[str] = []
        unread = list(reversed(text))
        while unread:
            cut = self._read(unread.pop())
            if cut:
                rest = self._text[cut:].lstrip()
                clauses.append(" ".join(self._text[:cut].split()))
                self._restart()
                unread.extend(reversed(rest))
        return clauses

    def end(self) -> list[str]:
        """Return what is left, as one clause or none; the splitter starts over."""
        rest = " ".join(self._text.split())
        self._restart()
        self._first = True
        return [rest] if speakable(rest) else []

    def _restart(self) -> None:
        self._first = False
        self._text = self._last = ""
        self._pause = 0

    def _read(self, character: str) -> int:
        """Append one character; return where the clause is to be cut, 0 for nowhere."""
        if not self._text and character.isspace():
            return 0
        self._text += character
        if self._last in MARKS or character == "\n":
            end = end_before_last(self._text)
            if end and self._may_end(end):
                return end.at
            if end and speakable(self._text[: end.at]):
                self._pause = end.at
        if not character.isspace():
            self._last = character
        return self._forced()

    def _may_end(self, end: End) -> bool:
        clause = self._text[: end.at]
        if not speakable(clause):
            return False
        if not self._first:
            return end.sentence and len(clause) >= SHORT_CHARS
        if end.sentence:
            return True
        wide = sum(unicodedata.east_asian_width(character) == "W" for character in clause)
        return len(clause.split()) >= FIRST_WORDS or wide >= FIRST_WIDE

    def _forced(self) -> int:
        """Return where text that found no end in time is cut all the same."""
        limit = self._first_chars if self._first else self._chars
        if len(self._text) <= limit:
            return 0
        if not speakable(self._text[:limit]):
            self._text, self._pause = self._text[1:], 0
            return 0
        if self._pause >= limit // 3:
            return self._pause
        space = max(self._text.rfind(" ", 0, limit + 1), self._text.rfind("\t", 0, limit + 1))
        if space > 0 and speakable(self._text[:space]):
            return space
        whole_word = self._text[limit - 1].isascii() or self._text[limit].isascii()
        if whole_word and len(self._text) <= max(limit, self._chars):
            return 0
        return _grapheme_border(self._text, len(self._text) - 1)


def _grapheme_border(text: str, at: int) -> int:
    """Move `at` back so that no combining mark is parted from its letter."""
    border = at
    while border > 0 and unicodedata.category(text[border])[0] == "M":
        border -= 1
    return border or at
