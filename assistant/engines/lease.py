"""Who may compute when cores are scarce.

ggml threads spin. Measured on two cores: whisper and llama at once take 1 906 ms instead of 80, and
fall to 1 token/s instead of 86. So on fewer than four cores at most one of them computes at a time,
and a more urgent request makes a less urgent one stop. A cancelled request keeps its lease until
its engine says that it really stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

ENOUGH_CORES = 4
"""From this many cores on, each engine has a lease of its own and a share of the threads."""


class Priority(IntEnum):
    """Urgency of a request; lower is sooner."""

    FINAL_TRANSCRIPT = 0
    REPLY = 1
    PREFILL = 2
    PARTIAL = 3
    WARM_UP = 4


def threads_for(cores: int) -> int:
    """Return the threads each of stt and llm may use: never more running than cores.

    Scarce cores leave one for sound, speech and everybody else: a second spinning thread gains
    nothing there (122 tokens/s with one and with two), and on a busy machine it costs seconds.
    """
    return max(1, cores - 1 if cores < ENOUGH_CORES else min(cores // 2, 8))


@dataclass(slots=True, eq=False)
class _Claim:
    priority: Priority
    preempt: Callable[[], None]
    granted: asyncio.Event = field(default_factory=asyncio.Event)


class ComputeLease:
    """A right to compute that one request holds at a time. Urgent ones go first, then old ones."""

    def __init__(self) -> None:
        self._holder: _Claim | None = None
        self._waiting: list[_Claim] = []

    async def acquire(self, priority: Priority, preempt: Callable[[], None]) -> Callable[[], None]:
        """Wait for the lease; return the function that gives it back, harmless when called again.

        preempt: called when a more urgent request wants the lease; it must make the work stop.
        """
        claim = _Claim(priority, preempt)
        self._waiting.append(claim)
        self._waiting.sort(key=lambda c: c.priority)
        if self._holder is not None and self._holder.priority > priority:
            self._holder.preempt()
        self._grant()
        try:
            await claim.granted.wait()
        except asyncio.CancelledError:
            self._give_back(claim)
            raise
        return lambda: self._give_back(claim)

    def _give_back(self, claim: _Claim) -> None:
        if claim is self._holder:
            self._holder = None
            self._grant()
        elif claim in self._waiting:
            self._waiting.remove(claim)

    def _grant(self) -> None:
        if self._holder is None and self._waiting:
            self._holder = self._waiting.pop(0)
            self._holder.granted.set()
