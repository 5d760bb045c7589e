"""A streamed reply on its way to the voice: filtered, limited and cut into clauses."""

from __future__ import annotations

from assistant.speech.clauses import ClauseSplitter
from assistant.speech.filter import SpeechFilter
from assistant.speech.limits import SentenceLimit


class SpeechStream:
    """Turns the pieces of one reply into the clauses to voice.

    max_sentences: sentences that may be spoken; None for no limit.
    """

    def __init__(self, max_sentences: int | None = None) -> None:
        self._filter = SpeechFilter()
        self._limit = SentenceLimit(max_sentences)
        self._splitter = ClauseSplitter()

    @property
    def full(self) -> bool:
        """Whether the reply has had all its sentences: what still comes is not spoken."""
        return self._limit.reached

    def push(self, delta: str) -> list[str]:
        """Take the next piece of the reply; return the clauses that are complete now."""
        return self._splitter.push(self._limit.push(self._filter.push(delta)))

    def end(self) -> list[str]:
        """Return the clauses that were still open when the reply ended."""
        clauses = self._splitter.push(self._limit.push(self._filter.end()))
        return clauses + self._splitter.end()
