"""What a stage is, and the loops that run stages and sources.

A stage turns one event into a stream of events. It never sees the bus, never spawns a task and
never asks whether its take was cancelled: when the take dies, the generator it returned is closed
at its current await. A source has no input: it is an endless stream of events.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import ClassVar, Protocol, Self

from assistant.bus import Bus, Inbox, Overflow
from assistant.errors import BusOverflow, EngineError
from assistant.events import (
    NO_TAKE,
    Cancel,
    Event,
    Release,
    SessionId,
    TakeEvent,
    TakeFailed,
    TakeId,
)

log = logging.getLogger(__name__)

Ready = Callable[[], None]
INBOX_SIZE = 1024
"""Events a stage may fall behind: a whole reply in single tokens fits."""


class Stage(Protocol):
    """One replaceable step of a conversation."""

    name: ClassVar[str]
    consumes: ClassVar[tuple[type[Event], ...]]
    overflow: ClassVar[Overflow]
    needs_release: ClassVar[bool]
    """True for what cannot be taken back: events of an unreleased take wait in the runner."""

    async def open(self) -> None:
        """Acquire what the stage needs. May be slow; nothing is delivered yet."""

    def handle(self, event: Event) -> AsyncGenerator[Event, None]:
        """Yield the events that follow from this one.

        An EngineError ends the take, or the work for an event that belongs to none; any other
        exception crashes the stage.
        """

    async def close(self) -> None:
        """Release what open() acquired. Must finish within a second."""


class Source(Protocol):
    """Where events come from."""

    name: ClassVar[str]

    def events(self, ready: Ready) -> AsyncGenerator[Event, None]:
        """Call ready() once there is something to hear, then yield facts for ever."""


class SourceRunner:
    """Publishes everything a source yields until cancelled."""

    def __init__(self, source: Source, bus: Bus) -> None:
        self._source = source
        self._bus = bus

    async def run(self, ready: Ready) -> None:
        """Open the source and publish its facts."""
        async with aclosing(self._source.events(ready)) as facts:
            async for fact in facts:
                self._bus.publish(fact)


class StageRunner:
    """Feeds one stage of one session from the bus.

    Keeps three promises to everyone else: once Cancel(n) is published, this stage publishes no
    TakeEvent of take n or below; a stage that needs a release sees no event before it; and what
    arrives while a crashed stage is made anew is waiting for it.
    """

    def __init__(self, make: Callable[[], Stage], bus: Bus, session: SessionId) -> None:
        """make: returns a fresh stage for every attempt to run."""
        self._make = make
        self._stage = make()
        self._bus = bus
        self._session = session
        self._dead = NO_TAKE
        self._released = NO_TAKE
        self._held: deque[TakeEvent] = deque()
        self._take: TakeId | None = None
        self._job: asyncio.Task[None] | None = None
        self._inbox: Inbox

    @contextmanager
    def attached(self) -> Iterator[Self]:
        """Take part in the session for as long as the block runs, whatever crashes meanwhile."""
        stage, bus = self._stage, self._bus
        kinds = {*stage.consumes, *({Release, Cancel} if stage.needs_release else ())}
        with (
            bus.subscribe(
                f"{self._session}.{stage.name}",
                *kinds,
                session=self._session,
                size=INBOX_SIZE,
                overflow=stage.overflow,
            ) as self._inbox,
            bus.tap(Cancel, self._cancel),
        ):
            yield self

    async def run(self, ready: Ready) -> None:
        """Open a fresh stage, call ready(), then handle events one at a time until cancelled.

        Only while attached.
        """
        stage = self._stage = self._make()
        self._inbox.revive()
        try:
            await stage.open()
            ready()
            async with asyncio.TaskGroup() as group:
                async for event in self._inbox:
                    for due in self._due(event):
                        if not self._stale(due):
                            await self._run_job(due, group)
        finally:
            await stage.close()

    def _due(self, event: Event) -> list[Event]:
        """Return what the stage may see now: a gate only for stages that need a release."""
        if not self._stage.needs_release:
            return [event]
        if isinstance(event, Release):
            self._released = max(self._released, event.take)
            freed: list[Event] = [e for e in self._held if e.take <= self._released]
            self._held = deque(e for e in self._held if e.take > self._released)
            return [*freed, event] if Release in self._stage.consumes else freed
        if isinstance(event, Cancel):
            self._held = deque(e for e in self._held if e.take > event.take)
            return [event] if Cancel in self._stage.consumes else []
        if isinstance(event, TakeEvent) and event.take > self._released:
            if len(self._held) >= INBOX_SIZE:
                raise BusOverflow(
                    f"{self._stage.name} holds {INBOX_SIZE} events of takes that nobody released"
                )
            self._held.append(event)
            return []
        return [event]

    async def _run_job(self, event: Event, group: asyncio.TaskGroup) -> None:
        self._take = event.take if isinstance(event, TakeEvent) else None
        self._job = group.create_task(self._handle(event), name=f"{self._stage.name}.job")
        try:
            await asyncio.wait({self._job})
        finally:
            self._job = self._take = None

    async def _handle(self, event: Event) -> None:
        try:
            async with aclosing(self._stage.handle(event)) as results:
                async for result in results:
                    if not self._stale(result):
                        self._bus.publish(result)
        except EngineError as error:
            if not isinstance(event, TakeEvent):
                log.warning("%s: %s", self._stage.name, error)
                return
            self._bus.publish(
                TakeFailed(
                    session=event.session,
                    turn=event.turn,
                    take=event.take,
                    stage=self._stage.name,
                    error=str(error),
                )
            )

    def _stale(self, event: Event) -> bool:
        return isinstance(event, TakeEvent) and event.take <= self._dead

    def _cancel(self, order: Cancel) -> None:
        if order.session != self._session:
            return
        self._dead = max(self._dead, order.take)
        if self._job is not None and self._take is not None and self._take <= self._dead:
            self._job.cancel()
