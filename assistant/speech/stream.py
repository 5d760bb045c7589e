"""A streamed reply on its way to the voice: filtered and cut into clauses."""

from __future__ import annotations

from assistant.speech.clauses import ClauseSplitter
from assistant.speech.filter import SpeechFilter


class SpeechStream:
    """Turns the pieces of one reply into the clauses to voice."""

    def __init__(self) -> None:
        self._filter = SpeechFilter()
        self._splitter = ClauseSplitter()

    def push(self, delta: str) -> list[str]:
        """Take the next piece of the reply; return the clauses that are complete now."""
        return self._splitter.push(self._filter.push(delta))

    def end(self) -> list[str]:
        """Return the clauses that were still open when the reply ended."""
        return self._splitter.push(self._filter.end()) + self._splitter.end()
