"""Requests to one engine process: many at once, each with its own bounded stream of replies."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Callable

from assistant.engines.child import ChildProcess
from assistant.errors import EngineError, EngineGone, EngineTimeout
from audio.wire import Packet

REPLIES_AHEAD = 64
"""Replies kept for a slow reader; beyond that the pipe fills and the engine waits."""
PING_EVERY_S = 5.0
SILENT_S = 15.0
"""A child that answers no heartbeat for so long is taken for dead, s."""
STOP_S = 10.0
"""A cancelled request that the engine still has not stopped after so long means it hangs, s."""
OVERSLEPT_S = 2.0
"""A timer that is later than this says that the machine slept, not that the engine is slow, s."""
TERMINAL = frozenset({"done", "stopped", "error"})


class Preempted(EngineError):
    """A more urgent request took the engine."""


class _Replies:
    """The replies of one request on their way to its reader."""

    def __init__(self) -> None:
        self.has_room = asyncio.Event()
        self.has_room.set()
        self._packets: deque[Packet] = deque()
        self._failure: EngineError | None = None
        self._changed = asyncio.Event()

    def put(self, packet: Packet) -> None:
        self._packets.append(packet)
        self._changed.set()
        if len(self._packets) >= REPLIES_AHEAD:
            self.has_room.clear()

    def fail(self, failure: EngineError) -> None:
        self._failure = failure
        self._changed.set()

    async def get(self) -> Packet:
        while not self._packets:
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()
        packet = self._packets.popleft()
        self.has_room.set()
        return packet


class EngineProcess:
    """A running engine. Any number of callers may ask at once."""

    def __init__(self, child: ChildProcess) -> None:
        self._child = child
        self._name = child.name
        self._ids = itertools.count(1)
        self._open: dict[int, _Replies] = {}
        self._on_end: dict[int, Callable[[], None]] = {}
        self._loop = asyncio.get_running_loop()
        self._heard_s = self._loop.time()
        self._hangs: asyncio.Future[None] = self._loop.create_future()
        self._gone: EngineGone | None = None

    @property
    def gone(self) -> bool:
        """Tell whether the engine has ended."""
        return self._gone is not None

    def new_id(self) -> int:
        """Return an id for the next request."""
        return next(self._ids)

    def cancel(self, ident: int) -> None:
        """Make the engine stop working on a request; its reader gets Preempted."""
        if ident in self._on_end:
            self._child.write(Packet("cancel", ident))
            self._loop.call_later(STOP_S, self._check_stopped, ident)

    async def ask(
        self,
        ident: int,
        kind: str,
        *,
        gap_s: float,
        payload: bytes = b"",
        on_end: Callable[[], None] = lambda: None,
        **fields: object,
    ) -> AsyncGenerator[Packet, None]:
        """Send a request; yield its replies, `done` with its fields last.

        gap_s: longest silence allowed between two packets once the engine has started on it, s.
        on_end: called once, when the engine is really done with the request or gone.
        Closing the generator early cancels the request in the engine.
        Raises EngineError, EngineTimeout, EngineGone, Preempted.
        """
        if self._gone is not None:
            on_end()
            raise self._gone
        replies = self._open[ident] = _Replies()
        self._on_end[ident] = on_end
        self._child.write(Packet(kind, ident, dict(fields), payload))
        finished, patience_s = False, None
        try:
            while not finished:
                reply = await self._next(replies, patience_s)
                patience_s = gap_s
                finished = reply.kind in TERMINAL
                match reply.kind:
                    case "error":
                        raise EngineError(f"{self._name}: {reply.fields.get('text')}")
                    case "stopped":
                        raise Preempted(f"{self._name} was needed for something more urgent")
                    case "started":
                        pass
                    case _:
                        yield reply
        finally:
            del self._open[ident]
            replies.has_room.set()
            if not finished:
                self.cancel(ident)

    async def _next(self, replies: _Replies, patience_s: float | None) -> Packet:
        while True:
            since_s = self._loop.time()
            try:
                async with asyncio.timeout(patience_s):
                    return await replies.get()
            except TimeoutError:
                assert patience_s is not None
                if self._loop.time() - since_s > patience_s + OVERSLEPT_S:
                    continue
                silent = f"{self._name} was silent for {patience_s:g} s"
                self._give_up(silent)
                raise EngineTimeout(silent) from None

    async def serve(self) -> None:
        """Read the pipe and keep the heartbeat for as long as the engine lives.

        Always ends with EngineGone, which is also raised in every request in flight.
        """
        pump = asyncio.create_task(self._pump(), name=f"{self._name}.pump")
        heart = asyncio.create_task(self._beat(), name=f"{self._name}.heart")
        end = EngineGone(f"{self._name} was stopped")
        try:
            await asyncio.wait({pump, heart, self._hangs}, return_when=asyncio.FIRST_COMPLETED)
            for future in (self._hangs, heart, pump):
                if future.done():
                    future.result()
        except EngineGone as gone:
            end = gone
            raise
        finally:
            for task in (pump, heart):
                task.cancel()
            self._hangs.cancel()
            await asyncio.wait({pump, heart})
            self._end(end)

    def _end(self, gone: EngineGone) -> None:
        self._gone = gone
        for replies in self._open.values():
            replies.fail(gone)
        ends, self._on_end = self._on_end, {}
        for on_end in ends.values():
            on_end()

    async def _pump(self) -> None:
        while True:
            packet = await self._child.read()
            self._heard_s = self._loop.time()
            if packet.kind in TERMINAL:
                self._on_end.pop(packet.id, lambda: None)()
            if (replies := self._open.get(packet.id)) is not None:
                replies.put(packet)
                await replies.has_room.wait()

    async def _beat(self) -> None:
        while True:
            self._child.write(Packet("ping", 0))
            self._child.trim_log()
            due_s = self._loop.time() + PING_EVERY_S
            await asyncio.sleep(PING_EVERY_S)
            if self._loop.time() > due_s + OVERSLEPT_S:
                self._heard_s = self._loop.time()
            if self._loop.time() - self._heard_s > SILENT_S:
                raise EngineGone(f"{self._name} answered no heartbeat for {SILENT_S:g} s")

    def _check_stopped(self, ident: int) -> None:
        if ident in self._on_end:
            self._give_up(f"{self._name} went on {STOP_S:g} s after it was told to stop")

    def _give_up(self, reason: str) -> None:
        if not self._hangs.done():
            self._hangs.set_exception(EngineGone(reason))
