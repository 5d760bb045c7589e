"""Turns the byte pieces of a language model into the text that may be shown. PURE."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"


class VisibleText:
    """Text as it comes, without broken characters, thoughts, or anything from a stop string on.

    stops:    strings that end the text; they are not part of it
    thinking: whether the prompt already opened a thought
    """

    def __init__(self, stops: Sequence[str] = (), *, thinking: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops = tuple(stop for stop in stops if stop)
        self._thinking = thinking
        self._held = ""
        self._begun = False
        self.stopped = False
        """Whether a stop string was met: everything after it is ignored."""

    def push(self, piece: bytes) -> str:
        """Take the next piece; return what may be shown now, often nothing."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(piece)
        return self._begin(self._release())

    def close(self) -> str:
        """Return what was held back, at the end of the reply."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(b"", final=True)
        shown = self._release()
        rest = "" if self._thinking or self.stopped else self._held
        self._held = ""
        return self._begin(shown + rest)

    def _begin(self, text: str) -> str:
        """Return the text, without white space before its first word."""
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        return text

    def _release(self) -> str:
        """Return the part of the held text that no longer depends on what follows."""
        shown = ""
        while True:
            if self._thinking:
                _, met, after = self._held.partition(THINK_CLOSE)
                if not met:
                    self._held = self._held[len(self._held) - _overlap(self._held, [THINK_CLOSE]) :]
                    return shown
                self._held, self._thinking = after.lstrip(), False
            marks = (THINK_OPEN, THINK_CLOSE, *self._stops)
            place, mark = _first(self._held, marks)
            if mark is None:
                keep = len(self._held) - _overlap(self._held, marks)
                shown, self._held = shown + self._held[:keep], self._held[keep:]
                return shown
            shown += self._held[:place]
            self._held = self._held[place + len(mark) :]
            if mark in self._stops:
                self.stopped, self._held = True, ""
                return shown
            self._thinking = mark == THINK_OPEN


def _first(text: str, marks: Sequence[str]) -> tuple[int, str | None]:
    """Return where the first of the marks begins, and which it is."""
    found = [(place, mark) for mark in marks if (place := text.find(mark)) >= 0]
    return min(found, default=(-1, None), key=lambda item: item[0])


def _overlap(text: str, marks: Sequence[str]) -> int:
    """Return the length of the longest end of the text with which a mark begins."""
    longest = 0
    for mark in marks:
        for size in range(min(len(mark) - 1, len(text)), longest, -1):
            if text.endswith(mark[:size]):
                longest = size
                break
    return longest
