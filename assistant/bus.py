"""Typed publish/subscribe inside one event loop.

publish() never waits: it hands the event to every inbox that asked for its kind and returns. An
inbox that is full either drops its oldest event or fails its reader, as the subscriber declared.
So a slow stage can never stall the microphone, and an event that matters never vanishes in silence.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum, auto
from typing import Any, TypeVar

from assistant.clock import Clock
from assistant.errors import BusOverflow
from assistant.events import SYSTEM, Event, SessionId

E = TypeVar("E", bound=Event)


class Overflow(Enum):
    """What a full inbox does with one more event."""

    DROP_OLDEST = auto()
    FAIL = auto()


class Inbox:
    """A bounded mailbox. Iterate it to receive; one reader only."""

    __slots__ = ("_events", "_failed", "_overflow", "_reader", "_size", "dropped", "kinds", "name")

    def __init__(
        self, name: str, kinds: tuple[type[Event], ...], size: int, overflow: Overflow
    ) -> None:
        self.name = name
        self.kinds = kinds
        self.dropped = 0
        self._size = size
        self._overflow = overflow
        self._events: deque[Event] = deque()
        self._failed = False
        self._reader: asyncio.Future[None] | None = None

    def offer(self, event: Event) -> None:
        """Take the event in. Never waits, never raises."""
        if len(self._events) < self._size:
            self._events.append(event)
        elif self._overflow is Overflow.FAIL:
            self._failed = True
        else:
            self._events.popleft()
            self._events.append(event)
            self.dropped += 1
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def revive(self) -> None:
        """Start afresh after an overflow; otherwise keep what waits."""
        if self._failed:
            self._failed = False
            self._events.clear()

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Event:
        while not self._events and not self._failed:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if self._failed:
            raise BusOverflow(
                f"{self.name} fell {self._size} events behind and may not lose any; "
                f"its handler is stuck or its inbox is too small"
            )
        return self._events.popleft()


Sink = Callable[[Any], None]


class Bus:
    """Delivers each published event to every inbox that asked for its kind and session."""

    def __init__(self, clock: Clock) -> None:
        self.now = clock
        self._inboxes: list[tuple[Inbox, SessionId | None]] = []
        self._taps: list[tuple[type[Event], Sink]] = []
        self._routes: dict[tuple[type[Event], SessionId], tuple[Sink, ...]] = {}

    def publish(self, event: Event) -> None:
        """Stamp the event, run all taps, then deliver to all inboxes, in subscription order."""
        if event.at_s is None:
            event = replace(event, at_s=self.now())
        key = (type(event), event.session)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = self._route(*key)
        for sink in route:
            sink(event)

    @contextmanager
    def tap(self, kind: type[E], call: Callable[[E], None]) -> Iterator[None]:
        """Call `call` inside publish(), before any inbox sees the event.

        For cancellation and for recorders: a tap must not wait or raise.
        """
        entry = (kind, call)
        self._taps.append(entry)
        self._routes.clear()
        try:
            yield
        finally:
            self._taps.remove(entry)
            self._routes.clear()

    @contextmanager
    def subscribe(
        self,
        name: str,
        *kinds: type[Event],
        session: SessionId | None = None,
        size: int = 64,
        overflow: Overflow = Overflow.FAIL,
    ) -> Iterator[Inbox]:
        """Open an inbox for these kinds for as long as the block runs.

        session: take in this session's events and those of the system; None: everybody's.
        """
        inbox = Inbox(name, kinds, size, overflow)
        self._inboxes.append((inbox, session))
        self._routes.clear()
        try:
            yield inbox
        finally:
            self._inboxes.remove((inbox, session))
            self._routes.clear()

    def forget(self, session: SessionId) -> None:
        """Drop what is remembered about the routes of a session that is over."""
        self._routes = {key: route for key, route in self._routes.items() if key[1] != session}

    def _route(self, kind: type[Event], session: SessionId) -> tuple[Sink, ...]:
        taps = [call for wanted, call in self._taps if issubclass(kind, wanted)]
        inboxes = [
            inbox.offer
            for inbox, only in self._inboxes
            if issubclass(kind, inbox.kinds) and (only is None or session in (only, SYSTEM))
        ]
        return (*taps, *inboxes)
