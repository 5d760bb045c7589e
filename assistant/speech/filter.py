"""Makes a streamed reply speakable: what is left may be handed to any voice.

Goes: markdown marks (their text stays), fenced code, thoughts, tags, stage directions, emoji,
citations, phoneme blocks and all but the first few of a long run of marks. No square bracket
passes, so `[[...]]` never reaches a voice.
"""

from __future__ import annotations

from typing import Final

from assistant.speech import marks
from assistant.speech.characters import is_picture, is_unheard
from assistant.speech.ends import CLOSERS, FULL, PAUSES, STOPS, WIDE_PAUSES

_BEGINNINGS: Final = STOPS + FULL + ":\n"
_HUGGING: Final = ".,;:!?…"
_MARKS: Final = frozenset(FULL + STOPS + PAUSES + WIDE_PAUSES)
_MOST_MARKS: Final = 4
"""Marks in a row that are said; spaces between them do not make them fewer."""


class SpeechFilter:
    """Filters a reply as it streams; how the stream was cut makes no difference."""

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._unread = ""
        self._skip: tuple[str, ...] = ()
        self._place = marks.Place(before="\n", begins=True, code=False)
        self._gap = ""
        self._said = ""
        self._dropped = False
        self._after_picture = False
        self._marks = 0

    def push(self, text: str) -> str:
        """Take the next piece of the reply; return what has become speakable."""
        said: list[str] = []
        for character in text:
            self._unread += "\n" if character == "\r" else character
            self._settle(said, final=False)
        return "".join(said)

    def end(self) -> str:
        """Return what was held back; an open thought or code block is dropped."""
        said: list[str] = []
        self._settle(said, final=True)
        self._restart()
        return "".join(said)

    def _settle(self, said: list[str], *, final: bool) -> None:
        while self._unread:
            if self._skip:
                if not self._skipped():
                    return
                continue
            step = marks.read(self._unread, self._place, final=final)
            if step is None:
                return
            self._take(step, said)

    def _skipped(self) -> bool:
        """Drop up to the closing mark; return whether it was found."""
        low = self._unread.lower()
        found = [(low.find(close), close) for close in self._skip if close in low]
        if not found:
            longest = max(len(close) for close in self._skip)
            self._unread = self._unread[-(longest - 1) :]
            return False
        at, close = min(found)
        self._unread = self._unread[at + len(close) :]
        self._skip = ()
        self._place = self._place._replace(before=" ")
        return True

    def _take(self, step: marks.Step, said: list[str]) -> None:
        taken = self._unread[: step.length]
        self._unread = step.again + self._unread[step.length :]
        for character in step.text:
            self._say(character, said)
        if not step.text:
            self._dropped = True
        self._skip = step.skip
        before = taken[-1] if step.before is None else step.before
        begins = not self._said or self._said in _BEGINNINGS or self._gap == "\n"
        code = self._place.code != step.toggles_code and before != "\n"
        self._place = marks.Place(before=before, begins=begins, code=code)

    def _say(self, character: str, said: list[str]) -> None:
        if character.isspace():
            self._gap = "\n" if "\n" in (character, self._gap) else " "
            self._after_picture = False
            return
        if is_picture(character) or is_unheard(character, after_picture=self._after_picture):
            self._after_picture = is_picture(character) or self._after_picture
            self._dropped = True
            return
        self._marks = self._marks + 1 if character in _MARKS else 0
        if self._marks > _MOST_MARKS:
            return
        if self._gap and self._said and not (self._dropped and character in _HUGGING):
            said.append(self._gap)
        said.append(character)
        if character not in CLOSERS or not self._said:
            self._said = character
        self._gap, self._dropped, self._after_picture = "", False, False


def speakable_text(text: str) -> str:
    """Return what of a whole `text` may be spoken."""
    speech = SpeechFilter()
    return speech.push(text) + speech.end()
