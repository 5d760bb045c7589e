"""Lets a reply pass until it has had its share of sentences."""

from __future__ import annotations

from assistant.speech.ends import MARKS, end_before_last, speakable

_MEMORY_CHARS = 80
"""Characters of the running sentence kept to tell an abbreviation from an end."""


class SentenceLimit:
    """Passes streamed text on up to the end of the n-th sentence and drops the rest.

    most: sentences allowed, 1 or more; None lets everything pass. White space behind a mark is
    held until the next character shows whether the sentence has ended.
    """

    def __init__(self, most: int | None) -> None:
        self._left = most
        self._sentence = ""
        self._held = ""

    @property
    def reached(self) -> bool:
        """Whether the last allowed sentence has ended and another one has begun."""
        return self._left == 0

    def push(self, text: str) -> str:
        """Return the part of `text`, and of what was held, that may be spoken."""
        if self._left is None:
            return text
        return "".join(self._read(character) for character in text)

    def _read(self, character: str) -> str:
        if self.reached:
            return ""
        self._sentence += character
        if character.isspace() and character != "\n":
            self._held += character
            return ""
        self._count()
        if self.reached:
            self._held = ""
            return ""
        passed, self._held = self._held + character, ""
        return passed

    def _count(self) -> None:
        end = end_before_last(self._sentence) if self._may_have_ended() else None
        if end and end.sentence and speakable(self._sentence[: end.at]):
            self._left = (self._left or 1) - 1
            self._sentence = self._sentence[end.at :].lstrip()
        else:
            self._sentence = self._sentence[-_MEMORY_CHARS:]

    def _may_have_ended(self) -> bool:
        return self._sentence.endswith("\n") or self._sentence[:-1].rstrip()[-1:] in MARKS
