"""An engine outlives its processes: requests wait for it, it stays warm, it comes back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assistant.engines.engine import IDLE_S, Engine
from assistant.engines.lease import ComputeLease, Priority
from assistant.errors import EngineGone
from assistant.supervisor import Child, Supervisor, Watcher


@pytest.fixture(autouse=True)
def toy_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


class NotingLease(ComputeLease):
    """Tells when an idle engine was called."""

    def __init__(self) -> None:
        super().__init__()
        self.warm_up = asyncio.Event()

    async def acquire(self, priority: Priority, preempt: Callable[[], None]) -> Callable[[], None]:
        give_back = await super().acquire(priority, preempt)

        def done() -> None:
            give_back()
            if priority is Priority.WARM_UP:
                self.warm_up.set()

        return done


@asynccontextmanager
async def running(
    lease: ComputeLease | None = None, *, idle_s: float = IDLE_S
) -> AsyncIterator[Engine]:
    engine = Engine("toy", "toy_engine", dict, lease or ComputeLease(), idle_s=idle_s)
    supervisor = Supervisor(Watcher(ready=lambda _: None, crashed=lambda *_: None))
    supervisor.start([Child(name="toy", run=engine.run)])
    try:
        async with asyncio.timeout(30):
            yield engine
    finally:
        await supervisor.stop(["toy"])


async def count(engine: Engine, n: int) -> list[int]:
    replies = engine.ask("count", priority=Priority.REPLY, n=n)
    return [r.fields["n"] async for r in replies if r.kind == "tick"]


def test_a_request_made_while_the_engine_starts_is_served() -> None:
    async def scenario() -> None:
        async with running() as engine:
            assert not engine.ready
            assert await count(engine, 2) == [0, 1]
            assert engine.facts["device"] == "cpu"

    asyncio.run(scenario())


def test_a_killed_engine_comes_back_and_serves_the_next_request() -> None:
    async def scenario() -> None:
        async with running() as engine:
            await count(engine, 1)
            first = engine.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            with pytest.raises(EngineGone):
                await count(engine, 1_000_000)
            assert await count(engine, 2) == [0, 1]
            assert engine.pid != first

    asyncio.run(scenario())


def test_an_idle_engine_is_called_so_that_it_stays_in_memory() -> None:
    async def scenario() -> None:
        lease = NotingLease()
        async with running(lease, idle_s=0.05) as engine:
            await lease.warm_up.wait()
            replies = engine.ask("warmed", priority=Priority.REPLY)
            assert [reply.fields["times"] async for reply in replies] >= [1]

    asyncio.run(scenario())
