"""The audio process as the daemon sees it: lines that survive its restarts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from assistant.engines.child import ChildProcess, open_child
from assistant.engines.protocols import Notice
from assistant.errors import EngineGone
from audio.wire import Packet

BACKLOG = 512
"""Facts a line may fall behind, some 16 s of blocks: beyond that its reader hangs."""
CLOSE_S = 1.5
"""Longest wait for a line to finish its file, s."""


class SoundProcess:
    """Runs the audio process and shares it between sessions."""

    def __init__(
        self,
        environment: Callable[[], Mapping[str, str]] = dict,
        logs: Path | None = None,
    ) -> None:
        """Run with these variables added.

        logs: folder for what the process writes to standard error; see open_child.
        """
        self.pid: int | None = None
        self._environment = environment
        self._logs = logs
        self._child: ChildProcess | None = None
        self._is_live = asyncio.Event()
        self._lines: dict[str, _Facts] = {}

    @property
    def ready(self) -> bool:
        """Tell whether the audio process runs."""
        return self._child is not None

    def line(self, name: str, spec: Mapping[str, object]) -> Line:
        """Return the line of a session; spec: source, sink and listen tables of `open`."""
        return Line(self, name, spec)

    async def run(self, ready: Callable[[], None]) -> None:
        """Run one process until it ends. A child of the supervisor."""
        async with open_child(
            "audio",
            ["audio.worker"],
            extra_environment=self._environment(),
            logs=self._logs,
        ) as child:
            self.pid = child.pid
            try:
                await child.hello()
                self._child = child
                self._is_live.set()
                ready()
                while True:
                    self._deliver(await child.read())
            except EngineGone as gone:
                for facts in self._lines.values():
                    facts.end(gone)
                raise
            finally:
                self._is_live.clear()
                self._child = self.pid = None
                for facts in self._lines.values():
                    facts.closed.set()

    def write(self, kind: str, fields: Mapping[str, object], payload: bytes = b"") -> None:
        """Send a command; without a process there is nothing that it could change."""
        if self._child is not None:
            self._child.write(Packet(kind, 0, dict(fields), payload))

    @asynccontextmanager
    async def attach(
        self, name: str, spec: Mapping[str, object]
    ) -> AsyncIterator[AsyncGenerator[Notice, None]]:
        """Open a line once the process runs; at the end close it and let it finish its file."""
        await self._is_live.wait()
        facts = self._lines[name] = _Facts(name)
        self.write("open", {"line": name, **spec})
        try:
            yield facts.stream()
        finally:
            self.write("close", {"line": name})
            if self._child is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_S):
                        await facts.closed.wait()
            del self._lines[name]

    def _deliver(self, packet: Packet) -> None:
        if packet.kind == "stats" and self._child is not None:
            self._child.trim_log()
        name = packet.fields.get("line")
        targets = list(self._lines.values()) if name is None else [self._lines.get(name)]
        for facts in targets:
            if facts is not None:
                facts.put(Notice(packet.kind, packet.fields, packet.payload))


class _Facts:
    """The facts of one line on their way to its reader."""

    def __init__(self, name: str) -> None:
        self.closed = asyncio.Event()
        """Set once the line is closed, its file finished."""
        self._name = name
        self._notices: deque[Notice] = deque()
        self._failure: EngineGone | None = None
        self._changed = asyncio.Event()

    def put(self, notice: Notice) -> None:
        if notice.kind == "stats" and notice.fields.get("closed"):
            self.closed.set()
        if len(self._notices) >= BACKLOG:
            self.end(EngineGone(f"{self._name} fell {BACKLOG} facts of the audio process behind"))
            return
        self._notices.append(notice)
        self._changed.set()

    def end(self, failure: EngineGone) -> None:
        self._failure = failure
        self._changed.set()

    async def stream(self) -> AsyncGenerator[Notice, None]:
        while True:
            while self._notices:
                yield self._notices.popleft()
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()


class Line:
    """One session's microphone and loudspeaker."""

    def __init__(self, process: SoundProcess, name: str, spec: Mapping[str, object]) -> None:
        self._process = process
        self._name = name
        self._spec = spec

    def listen(self) -> AbstractAsyncContextManager[AsyncGenerator[Notice, None]]:
        """Open the line; iterate its facts. EngineGone when the audio process ends."""
        return self._process.attach(self._name, self._spec)

    def send(self, kind: str, payload: bytes = b"", **fields: object) -> None:
        """Give the line an order, at once and without an answer."""
        self._process.write(kind, {"line": self._name, **fields}, payload)
