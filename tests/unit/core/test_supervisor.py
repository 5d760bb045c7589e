"""Children start side by side, come back after a crash, rest or bring the daemon down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from assistant.errors import GaveUp
from assistant.supervisor import Child, Intensity, Ready, Supervisor, Watcher
from virtual_time import run


class Log:
    """Remembers what the supervisor told."""

    def __init__(self) -> None:
        self.ready: list[str] = []
        self.crashed: list[tuple[str, str, bool]] = []

    @property
    def watcher(self) -> Watcher:
        return Watcher(
            ready=self.ready.append,
            crashed=lambda name, error, up: self.crashed.append((name, str(error), up)),
        )


def crashing(after_s: float) -> Callable[[Ready], Awaitable[None]]:
    async def body(ready: Ready) -> None:
        ready()
        await asyncio.sleep(after_s)
        raise ValueError("boom")

    return body


async def steady(ready: Ready) -> None:
    ready()
    await asyncio.Event().wait()


def test_an_essential_child_that_keeps_crashing_brings_the_daemon_down() -> None:
    async def scenario() -> None:
        log, stopped = Log(), list[str]()

        async def good(ready: Ready) -> None:
            try:
                await steady(ready)
            finally:
                stopped.append("good")

        sup = Supervisor(log.watcher, Intensity(max_restarts=3, period_s=60))
        sup.start(
            [Child(name="good", run=good), Child(name="bad", run=crashing(1), essential=True)]
        )
        with pytest.raises(GaveUp, match="bad crashed 4 times in 60 s; last error: boom"):
            await sup.run()
        assert [up for _, _, up in log.crashed] == [False, False, False, True]
        assert stopped == ["good"]

    run(scenario())


def test_any_other_child_rests_and_is_tried_again_while_the_rest_goes_on() -> None:
    async def scenario() -> None:
        log = Log()
        sup = Supervisor(log.watcher, Intensity(max_restarts=1, period_s=60, rest_s=600))
        sup.start([Child(name="good", run=steady), Child(name="bad", run=crashing(1))])
        serving = asyncio.create_task(sup.run())
        await asyncio.sleep(300)
        assert len(log.crashed) == 2
        assert not serving.done()
        await asyncio.sleep(600)
        assert len(log.crashed) == 4
        serving.cancel()
        await asyncio.wait({serving})

    run(scenario())


def test_back_off_doubles_and_is_forgotten_after_a_quiet_period() -> None:
    async def scenario() -> None:
        starts: list[float] = []
        now = asyncio.get_running_loop().time

        async def child(ready: Ready) -> None:
            starts.append(now())
            ready()
            await asyncio.sleep(0 if len(starts) < 4 else 1000)
            raise ValueError("boom")

        sup = Supervisor(Log().watcher, Intensity(backoff_s=1.0))
        sup.start([Child(name="child", run=child)])
        await asyncio.sleep(1100)
        assert starts == [0, 1, 3, 7, 1008]
        await sup.stop(["child"])

    run(scenario())


def test_a_child_that_is_not_ready_in_time_counts_as_crashed() -> None:
    async def scenario() -> None:
        async def hang(_: Ready) -> None:
            await asyncio.Event().wait()

        log = Log()
        sup = Supervisor(log.watcher, Intensity(max_restarts=0))
        sup.start([Child(name="hang", run=hang, ready_s=1, essential=True)])
        with pytest.raises(GaveUp):
            await sup.run()
        assert log.ready == []

    run(scenario())


def test_all_children_are_told_to_stop_at_once() -> None:
    async def scenario() -> None:
        def slow(name: str) -> Child:
            async def body(ready: Ready) -> None:
                try:
                    await steady(ready)
                finally:
                    await asyncio.sleep(1)

            return Child(name=name, run=body)

        sup = Supervisor(Log().watcher)
        sup.start([slow("a"), slow("b"), slow("c")])
        serving = asyncio.create_task(sup.run())
        await asyncio.sleep(1)
        serving.cancel()
        await asyncio.wait({serving})
        assert asyncio.get_running_loop().time() == pytest.approx(2)

    run(scenario())


def test_a_child_that_does_not_stop_is_abandoned() -> None:
    async def scenario() -> None:
        async def stubborn(ready: Ready) -> None:
            ready()
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    await asyncio.sleep(30)
                    return

        sup = Supervisor(Log().watcher)
        sup.start([Child(name="stubborn", run=stubborn, stop_s=2)])
        await asyncio.sleep(1)
        await sup.stop(["stubborn"])
        assert asyncio.get_running_loop().time() == pytest.approx(3)
        await asyncio.sleep(60)

    run(scenario())
