"""Which conversation holds which tokens in the model's memory. PURE."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant.errors import RequestError

_WORTH_SHARING = 16


@dataclass(slots=True)
class Held:
    """The tokens of one conversation that are in memory, in order.

    sequence: its number in the model's memory
    """

    sequence: int
    tokens: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What must happen in memory before a prompt can be read on.

    held:   the conversation; its tokens are already cut to what is kept
    fresh:  its sequence has to be emptied first
    donor:  sequence whose first len(held.tokens) tokens are then shared with it
    evict:  sequences that are emptied last
    """

    held: Held
    fresh: bool = False
    donor: int | None = None
    evict: tuple[int, ...] = ()


class Prefixes:
    """At most `slots` conversations in `room` tokens; the one not used for longest gives way.

    shares: whether a new conversation may begin with a part of what another one has in memory
    """

    def __init__(self, *, slots: int, room: int, shares: bool = True) -> None:
        self._room = room
        self._shares = shares
        self._free = list(range(slots - 1, -1, -1))
        self._held: OrderedDict[str, Held] = OrderedDict()

    def plan(
        self, conversation: str, prompt: Sequence[int], spare: int, *, whole: bool = False
    ) -> Plan:
        """Make room for a prompt and `spare` tokens more, as far as there is any.

        whole: an unchanged prompt is kept whole, for reading ahead; else its last token is read
        again in any case, as reading it gives the reply's first.
        Raises RequestError when the prompt alone is too long.
        """
        if len(prompt) >= self._room:
            raise RequestError(
                f"the prompt has {len(prompt)} tokens, the model's context {self._room}:"
                " shorten the persona or the history, or raise llm.context"
            )
        held = self._held.pop(conversation, None)
        fresh = held is None
        donor = None
        if held is None:
            if not self._free:
                self._evict()
            held = Held(self._free.pop())
            donor = self._share(held, prompt) if self._shares else None
        if not whole or held.tokens != prompt:
            del held.tokens[common(held.tokens, prompt[:-1]) :]
        needed = min(len(prompt) + spare, self._room)
        evict: list[int] = []
        while self._held and self.tokens + needed > self._room:
            evict.append(self._evict())
        self._held[conversation] = held
        return Plan(held, fresh, donor, tuple(evict))

    def forget(self, conversation: str) -> int | None:
        """Return the sequence that the conversation had; None where it had none."""
        held = self._held.pop(conversation, None)
        if held is None:
            return None
        self._free.append(held.sequence)
        return held.sequence

    @property
    def tokens(self) -> int:
        """Tokens of all conversations; those that are shared count for each."""
        return sum(len(held.tokens) for held in self._held.values())

    def _share(self, held: Held, prompt: Sequence[int]) -> int | None:
        """Give a new conversation the longest beginning that another one has in memory."""
        best = max(self._held.values(), key=lambda h: common(h.tokens, prompt), default=None)
        if best is None or common(best.tokens, prompt) < _WORTH_SHARING:
            return None
        held.tokens[:] = best.tokens[: common(best.tokens, prompt[:-1])]
        return best.sequence

    def _evict(self) -> int:
        _, held = self._held.popitem(last=False)
        self._free.append(held.sequence)
        return held.sequence


def common(a: Sequence[object], b: Sequence[object]) -> int:
    """Return how many tokens at the beginning are the same."""
    for i, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return i
    return min(len(a), len(b))
