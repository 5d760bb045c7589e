"""An engine as the daemon sees it: one name, whatever becomes of its processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from assistant.engines.child import open_child
from assistant.engines.lease import ComputeLease, Priority
from assistant.engines.process import EngineProcess
from assistant.errors import EngineError, EngineGone
from audio.wire import Packet

WAIT_S = 60.0
"""How long a request waits for an engine that is starting, s."""
GAP_S = 20.0
"""Longest silence of an engine in mid-request, s."""
IDLE_S = 600.0
"""After so long without a request the engine is called once, so that its weights stay in memory."""


class Engine:
    """Starts its process under the supervisor; requests wait while it starts anew."""

    def __init__(
        self,
        name: str,
        module: str,
        options: Callable[[], Mapping[str, object]],
        lease: ComputeLease,
        logs: Path | None = None,
        *,
        idle_s: float = IDLE_S,
    ) -> None:
        """Serve the engine module.

        options: called before each start; may raise ModelError with what the user should do.
        logs: folder for what its process writes to standard error; see open_child.
        idle_s: time without a request after which the engine is called to stay warm, s.
        """
        self.name = name
        self.facts: Mapping[str, Any] = {}
        """What the engine told of itself: device, model, library. Empty while it is not ready."""
        self.pid: int | None = None
        self._module = module
        self._options = options
        self._lease = lease
        self._logs = logs
        self._idle_s = idle_s
        self._live: EngineProcess | None = None
        self._is_live = asyncio.Event()
        self._used_s = 0.0

    @property
    def ready(self) -> bool:
        """Tell whether a request would be served at once."""
        return self._live is not None and not self._live.gone

    async def run(self, ready: Callable[[], None]) -> None:
        """Run one process until it ends. A child of the supervisor."""
        async with open_child(
            self.name,
            ["audio.host", self._module],
            options=self._options(),
            logs=self._logs,
        ) as child:
            self.pid = child.pid
            try:
                hello = await child.hello()
                process = EngineProcess(child)
                serving = asyncio.create_task(process.serve(), name=f"{self.name}.serve")
                try:
                    self.facts, self._live = hello.fields, process
                    self._is_live.set()
                    ready()
                    await asyncio.wait(
                        {serving, warming := asyncio.create_task(self._stay_warm())},
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                finally:
                    self._is_live.clear()
                    self._live = None
                    serving.cancel()
                    warming.cancel()
                    await asyncio.wait({serving, warming})
                serving.result()
            finally:
                self.pid, self.facts = None, {}

    async def ask(
        self, kind: str, *, priority: Priority, payload: bytes = b"", **fields: object
    ) -> AsyncGenerator[Packet, None]:
        """Send a request once the engine is ready and may compute; yield its replies.

        Raises EngineError, EngineTimeout, EngineGone, Preempted.
        """
        process = await self._process()
        ident = process.new_id()
        give_back = await self._lease.acquire(priority, lambda: process.cancel(ident))
        replies = process.ask(
            ident,
            kind,
            gap_s=GAP_S,
            payload=payload,
            on_end=give_back,
            priority=int(priority),
            **fields,
        )
        async with aclosing(replies):
            async for reply in replies:
                yield reply
        self._used_s = asyncio.get_running_loop().time()

    async def _process(self) -> EngineProcess:
        """Wait for a process that lives."""
        try:
            async with asyncio.timeout(WAIT_S):
                while self._live is None or self._live.gone:
                    self._is_live.clear()
                    await self._is_live.wait()
        except TimeoutError:
            raise EngineGone(f"{self.name} did not become ready within {WAIT_S:g} s") from None
        return self._live

    async def _stay_warm(self) -> None:
        loop = asyncio.get_running_loop()
        self._used_s = loop.time()
        while True:
            await asyncio.sleep(self._used_s + self._idle_s - loop.time())
            if loop.time() - self._used_s >= self._idle_s:
                self._used_s = loop.time()
                with suppress(EngineError):
                    async for _ in self.ask("warm", priority=Priority.WARM_UP):
                        pass
