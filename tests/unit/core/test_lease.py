"""One computes at a time; urgent requests go first and make less urgent ones stop."""

from __future__ import annotations

import asyncio

import pytest

from assistant.engines.lease import ComputeLease, Priority, threads_for
from virtual_time import run


def nothing() -> None:
    """Cannot be interrupted."""


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 2), (4, 2), (8, 4), (24, 8)])
def test_no_more_engine_threads_run_than_there_are_cores(cores: int, threads: int) -> None:
    assert threads_for(cores) == threads


def test_waiting_requests_are_served_by_urgency_then_by_age() -> None:
    async def scenario() -> None:
        lease, order = ComputeLease(), list[str]()

        async def compute(name: str, priority: Priority) -> None:
            give_back = await lease.acquire(priority, nothing)
            order.append(name)
            await asyncio.sleep(1)
            give_back()

        async with asyncio.TaskGroup() as group:
            for name, priority in (
                ("first", Priority.WARM_UP),
                ("prefill", Priority.PREFILL),
                ("reply a", Priority.REPLY),
                ("reply b", Priority.REPLY),
                ("transcript", Priority.FINAL_TRANSCRIPT),
            ):
                group.create_task(compute(name, priority))
                await asyncio.sleep(0)
        assert order == ["first", "transcript", "reply a", "reply b", "prefill"]

    run(scenario())


def test_only_a_less_urgent_holder_is_told_to_stop() -> None:
    async def scenario() -> None:
        lease, told = ComputeLease(), list[str]()
        give_back = await lease.acquire(Priority.REPLY, lambda: told.append("reply"))
        waiting = [
            asyncio.create_task(lease.acquire(p, nothing))
            for p in (Priority.PREFILL, Priority.REPLY)
        ]
        await asyncio.sleep(0)
        assert told == []
        waiting.append(asyncio.create_task(lease.acquire(Priority.FINAL_TRANSCRIPT, nothing)))
        await asyncio.sleep(0)
        assert told == ["reply"]
        assert not any(task.done() for task in waiting)
        give_back()
        await asyncio.sleep(0)
        assert [task.done() for task in waiting] == [False, False, True]
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)

    run(scenario())


def test_who_stops_waiting_leaves_no_trace_and_giving_back_twice_is_harmless() -> None:
    async def scenario() -> None:
        lease = ComputeLease()
        give_back = await lease.acquire(Priority.REPLY, nothing)
        waiting = asyncio.create_task(lease.acquire(Priority.REPLY, nothing))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        give_back()
        give_back()
        other = await lease.acquire(Priority.REPLY, nothing)
        late = asyncio.create_task(lease.acquire(Priority.REPLY, nothing))
        await asyncio.sleep(0)
        give_back()
        await asyncio.sleep(0)
        assert not late.done()
        other()
        (await late)()

    run(scenario())


def test_a_grant_that_arrives_with_a_cancellation_goes_to_the_next() -> None:
    async def scenario() -> None:
        lease = ComputeLease()
        give_back = await lease.acquire(Priority.REPLY, nothing)
        first = asyncio.create_task(lease.acquire(Priority.REPLY, nothing))
        second = asyncio.create_task(lease.acquire(Priority.REPLY, nothing))
        await asyncio.sleep(0)
        give_back()
        first.cancel()
        await asyncio.wait({first})
        assert first.cancelled()
        (await second)()

    run(scenario())
