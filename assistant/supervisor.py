"""Keeps children alive: side-by-side start, restart with back-off, reverse-order stop.

A rule borrowed from Erlang: a child that crashes is started anew; one that crashes more than
`max_restarts` times within `period_s` is given up. An essential child that is given up brings the
daemon down, so that the service manager sees a clear failure. Any other rests for `rest_s` and is
then tried again, while the daemon goes on without it: safe mode.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from assistant.errors import EngineTimeout, GaveUp

log = logging.getLogger(__name__)

Ready = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """How to run one child. `run` starts afresh on every attempt."""

    name: str
    run: Callable[[Ready], Awaitable[None]]
    essential: bool = False
    """True: the daemon ends when this child is given up."""
    ready_s: float = 60.0
    """Seconds a child may take to become ready before it counts as crashed."""
    stop_s: float = 3.5
    """Seconds a child may take to stop before it is abandoned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """How much crashing is too much."""

    max_restarts: int = 5
    period_s: float = 60.0
    backoff_s: float = 0.25
    """Wait before the first restart, s; doubled for each further one in the period."""
    rest_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who is told what becomes of the children."""

    ready: Callable[[str], None]
    crashed: Callable[[str, Exception, bool], None]
    """Name, error, and whether the child was given up."""


class Supervisor:
    """Runs children until cancelled or until an essential one cannot be kept alive."""

    def __init__(self, watcher: Watcher, intensity: Intensity | None = None) -> None:
        self._watcher = watcher
        self._intensity = intensity or Intensity()
        self._running: dict[asyncio.Task[None], Child] = {}
        self._ended: asyncio.Future[None] | None = None

    def start(self, children: Sequence[Child]) -> None:
        """Start these children side by side, at once."""
        for child in children:
            task = asyncio.create_task(self._keep_alive(child), name=child.name)
            self._running[task] = child
            task.add_done_callback(self._note_end)

    async def run(self) -> None:
        """Wait until an essential child is given up, then raise its GaveUp; stop all on the way."""
        self._ended = asyncio.get_running_loop().create_future()
        try:
            for task in [t for t in self._running if t.done()]:
                self._note_end(task)
            await self._ended
        finally:
            await self.stop([child.name for child in self._running.values()])

    async def stop(self, names: Sequence[str]) -> None:
        """Stop the children of these names, all told at once, the last started first."""
        tasks = [task for task, child in reversed(self._running.items()) if child.name in names]
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        _, stuck = await asyncio.wait(tasks, timeout=max(self._running[t].stop_s for t in tasks))
        for task in stuck:
            log.error("%s did not stop in time; abandoned", task.get_name())
        for task in tasks:
            self._running.pop(task, None)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._ended is None or self._ended.done():
            return
        if (error := task.exception()) is not None:
            self._ended.set_exception(error)

    async def _keep_alive(self, child: Child) -> None:
        crashes: deque[float] = deque()
        now = asyncio.get_running_loop().time
        limit = self._intensity
        while True:
            try:
                await self._attempt(child)
            except Exception as error:  # whatever a child dies of, it is started anew
                crashes.append(now())
                while crashes[0] < now() - limit.period_s:
                    crashes.popleft()
                given_up = len(crashes) > limit.max_restarts
                log.warning("%s crashed: %s", child.name, root_cause(error), exc_info=error)
                self._watcher.crashed(child.name, root_cause(error), given_up)
                if given_up and child.essential:
                    raise GaveUp(
                        f"{child.name} crashed {len(crashes)} times in {limit.period_s:g} s; "
                        f"last error: {root_cause(error)}"
                    ) from error
            else:
                return
            if given_up:
                crashes.clear()
                await asyncio.sleep(limit.rest_s)
            else:
                await asyncio.sleep(limit.backoff_s * 2 ** (len(crashes) - 1))

    async def _attempt(self, child: Child) -> None:
        deadline = asyncio.timeout(child.ready_s)

        def now_ready() -> None:
            deadline.reschedule(None)
            self._watcher.ready(child.name)

        try:
            async with deadline:
                await child.run(now_ready)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise EngineTimeout(f"it was not ready within {child.ready_s:g} s") from None


def root_cause(error: Exception) -> Exception:
    """Return the first real exception inside groups of groups."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
