"""What the language model has read of each conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from assistant.engines.native.prefixes import Held, Prefixes

if TYPE_CHECKING:
    from assistant.engines.native.llama_library import Library


class Memory:
    """Keeps the tokens of conversations in the model's memory and reads on from there.

    A recurrent memory cannot rewind: a conversation then only ever grows by finished messages, and
    the newest message, the opening of a reply and the reply go into a scratch copy of it.

    slots:   conversations that are kept; the library has one sequence more, the scratch
    batch:   tokens read at once
    rewinds: whether a sequence can be cut anywhere
    """

    def __init__(self, library: Library, *, slots: int, batch: int, rewinds: bool) -> None:
        self._library = library
        self._batch = batch
        self._scratch = slots
        self.rewinds = rewinds
        self._prefixes = Prefixes(slots=slots, room=library.room, shares=rewinds)

    def recall(
        self, conversation: str, prompt: Sequence[int], spare: int, *, whole: bool = False
    ) -> Held:
        """Return a conversation with as much of a prompt as is in memory already.

        spare: tokens that shall fit in behind the prompt, where they can
        whole: nothing of an unchanged prompt is to be read again
        Raises RequestError for a prompt that is longer than the context.
        """
        plan = self._prefixes.plan(conversation, prompt, spare, whole=whole)
        held, library = plan.held, self._library
        library.cut(self._scratch, 0)
        if plan.fresh:
            library.cut(held.sequence, 0)
        if plan.donor is not None:
            library.share(plan.donor, held.sequence, len(held.tokens))
        for sequence in plan.evict:
            library.cut(sequence, 0)
        self._settle(held)
        return held

    def branch(self, held: Held) -> Held:
        """Return where a reply to a conversation is written."""
        if self.rewinds:
            return held
        self._library.cut(self._scratch, 0)
        self._library.share(held.sequence, self._scratch, len(held.tokens))
        return Held(self._scratch, list(held.tokens))

    def read(self, held: Held, prompt: Sequence[int], stopped: Callable[[], bool]) -> Iterator[int]:
        """Read the rest of a prompt; yield after each batch how many tokens are in memory.

        Ends early, with less than the prompt in memory, when stopped() turned true.
        """
        while (at := len(held.tokens)) < len(prompt):
            if stopped() or not self.add(held, prompt[at : at + self._batch], stopped):
                return
            yield len(held.tokens)

    def add(self, held: Held, tokens: Sequence[int], stopped: Callable[[], bool]) -> bool:
        """Read at most `batch` tokens; False when stopped() turned true: then none was read."""
        lasting = not self.rewinds and held.sequence != self._scratch
        done = False
        try:
            done = self._library.read(
                held.sequence, tokens, len(held.tokens), _never if lasting else stopped
            )
        finally:
            if not done:
                self._settle(held)
        if done:
            held.tokens += tokens
        return done

    def forget(self, conversation: str) -> None:
        """Drop a conversation that is over."""
        sequence = self._prefixes.forget(conversation)
        if sequence is not None:
            self._library.cut(sequence, 0)

    def warm(self, tokens: Sequence[int], stopped: Callable[[], bool]) -> None:
        """Read a few tokens and forget them."""
        self._library.cut(self._scratch, 0)
        self._library.read(self._scratch, tokens[: self._batch], 0, stopped)
        self._library.cut(self._scratch, 0)

    def _settle(self, held: Held) -> None:
        """Take out of memory what is not held, and the other way round."""
        del held.tokens[self._library.cut(held.sequence, len(held.tokens)) :]


def _never() -> bool:
    return False
