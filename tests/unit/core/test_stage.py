"""The runner cancels work at its await, holds what nobody released, publishes nothing stale."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from assistant.bus import Bus, Overflow
from assistant.errors import EngineError
from assistant.events import (
    MAIN,
    Cancel,
    ClauseWritten,
    Event,
    Prefill,
    Release,
    ReplyDelta,
    Say,
    SessionId,
    TakeFailed,
    TakeId,
    TurnId,
)
from assistant.stage import Stage, StageRunner
from virtual_time import run

TURN = TurnId(1)


def say(take: int, text: str = "", session: SessionId = MAIN) -> Say:
    return Say(session=session, turn=TURN, take=TakeId(take), text=text)


def cancel(take: int) -> Cancel:
    return Cancel(session=MAIN, turn=TURN, take=TakeId(take), reason="test")


def release(take: int) -> Release:
    return Release(session=MAIN, turn=TURN, take=TakeId(take))


class Talker:
    """Yields three clauses, one a second; a text of `fail` or `crash` does that instead."""

    name: ClassVar[str] = "talker"
    consumes: ClassVar[tuple[type[Event], ...]] = (Say,)
    overflow: ClassVar[Overflow] = Overflow.FAIL
    needs_release: ClassVar[bool] = False

    def __init__(self) -> None:
        self.log: list[str] = []

    async def open(self) -> None:
        self.log.append("open")

    async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
        assert isinstance(event, Say)
        if event.text == "fail":
            raise EngineError("the voice is gone")
        if event.text == "crash":
            raise RuntimeError("boom")
        try:
            for index in range(3):
                await asyncio.sleep(1)
                yield ClauseWritten(
                    session=event.session,
                    turn=event.turn,
                    take=event.take,
                    index=index,
                    text=event.text,
                )
        finally:
            self.log.append(f"closed {event.take}")

    async def close(self) -> None:
        self.log.append("close")


class Gated(Talker):
    """The same, but what it does cannot be taken back."""

    needs_release: ClassVar[bool] = True


@asynccontextmanager
async def running(stage: Stage) -> AsyncIterator[tuple[Bus, list[Event]]]:
    bus, seen = Bus(asyncio.get_running_loop().time), list[Event]()
    with (
        bus.tap(Event, seen.append),
        StageRunner(lambda: stage, bus, MAIN).attached() as runner,
    ):
        running = asyncio.create_task(runner.run(lambda: None))
        await asyncio.sleep(0)
        yield bus, seen
        running.cancel()
        await asyncio.wait({running})


def texts(seen: list[Event]) -> list[str]:
    return [f"{e.text} {e.index}" for e in seen if isinstance(e, ClauseWritten)]


def test_a_cancelled_take_stops_at_its_await_and_the_next_take_runs() -> None:
    async def scenario() -> None:
        stage = Talker()
        async with running(stage) as (bus, seen):
            bus.publish(say(1, "one"))
            await asyncio.sleep(1.5)
            bus.publish(cancel(1))
            bus.publish(say(1, "stale"))
            bus.publish(say(2, "two"))
            await asyncio.sleep(10)
        assert texts(seen) == ["one 0", "two 0", "two 1", "two 2"]
        assert stage.log == ["open", "closed 1", "closed 2", "close"]

    run(scenario())


@pytest.mark.parametrize("ticks", range(12))
def test_nothing_of_a_dead_take_is_published_whenever_it_dies(ticks: int) -> None:
    class Eager(Talker):
        async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
            assert isinstance(event, Say)
            for index in range(50):
                await asyncio.sleep(0)
                yield ClauseWritten(session=MAIN, turn=TURN, take=event.take, index=index, text="")

    async def scenario() -> None:
        async with running(Eager()) as (bus, seen):
            bus.publish(say(1))
            for _ in range(ticks):
                await asyncio.sleep(0)
            bus.publish(cancel(1))
            at = len(seen)
            await asyncio.sleep(1)
            assert seen[at:] == []
            bus.publish(say(2))
            await asyncio.sleep(1)
            assert len(texts(seen[at:])) == 50

    run(scenario())


def test_the_cancel_of_another_session_changes_nothing_here() -> None:
    async def scenario() -> None:
        async with running(Talker()) as (bus, seen):
            bus.publish(say(1, "one"))
            await asyncio.sleep(0.5)
            bus.publish(Cancel(session=SessionId("x"), turn=TURN, take=TakeId(9), reason="test"))
            await asyncio.sleep(10)
            assert texts(seen) == ["one 0", "one 1", "one 2"]

    run(scenario())


def test_a_stage_that_needs_a_release_sees_nothing_before_it_and_then_all_in_order() -> None:
    async def scenario() -> None:
        async with running(Gated()) as (bus, seen):
            bus.publish(say(1, "a"))
            bus.publish(say(1, "b"))
            await asyncio.sleep(10)
            assert texts(seen) == []
            bus.publish(release(1))
            await asyncio.sleep(10)
            assert texts(seen) == [f"{t} {i}" for t in "ab" for i in range(3)]
            bus.publish(say(1, "late"))
            await asyncio.sleep(10)
            assert texts(seen)[-1] == "late 2"

    run(scenario())


def test_what_waits_for_a_release_is_dropped_with_its_take() -> None:
    async def scenario() -> None:
        async with running(Gated()) as (bus, seen):
            bus.publish(say(1, "one"))
            bus.publish(say(2, "two"))
            bus.publish(cancel(1))
            bus.publish(release(2))
            await asyncio.sleep(10)
            assert texts(seen) == ["two 0", "two 1", "two 2"]

    run(scenario())


def test_an_engine_error_ends_the_take_and_not_the_stage() -> None:
    async def scenario() -> None:
        stage = Talker()
        async with running(stage) as (bus, seen):
            bus.publish(say(1, "fail"))
            await asyncio.sleep(1)
            bus.publish(say(2, "two"))
            await asyncio.sleep(10)
        failed = [e for e in seen if isinstance(e, TakeFailed)]
        assert [(e.take, e.stage, e.error) for e in failed] == [(1, "talker", "the voice is gone")]
        assert texts(seen) == ["two 0", "two 1", "two 2"]
        assert stage.log.count("close") == 1

    run(scenario())


def test_any_other_error_crashes_the_stage_after_it_was_closed() -> None:
    async def scenario() -> None:
        stage, bus = Talker(), Bus(lambda: 0.0)
        with StageRunner(lambda: stage, bus, MAIN).attached() as runner:
            running = asyncio.create_task(runner.run(lambda: None))
            await asyncio.sleep(0)
            bus.publish(say(1, "crash"))
            await asyncio.wait({running})
        error = running.exception()
        assert isinstance(error, ExceptionGroup)
        assert "boom" in repr(error)
        assert stage.log == ["open", "close"]

    run(scenario())


def test_what_arrives_while_a_crashed_stage_is_made_anew_waits_for_it() -> None:
    async def scenario() -> None:
        bus, seen = Bus(asyncio.get_running_loop().time), list[Event]()
        with (
            bus.tap(Event, seen.append),
            StageRunner(Gated, bus, MAIN).attached() as runner,
        ):
            first = asyncio.create_task(runner.run(lambda: None))
            await asyncio.sleep(0)
            bus.publish(release(1))
            bus.publish(say(1, "crash"))
            await asyncio.wait({first})
            bus.publish(say(1, "after"))
            bus.publish(say(2, "held"))
            second = asyncio.create_task(runner.run(lambda: None))
            await asyncio.sleep(10)
            assert texts(seen) == ["after 0", "after 1", "after 2"]
            bus.publish(release(2))
            await asyncio.sleep(10)
            assert texts(seen)[3:] == ["held 0", "held 1", "held 2"]
            second.cancel()
            await asyncio.wait({first, second})
            assert first.exception() is not None

    run(scenario())


def test_an_engine_error_in_work_for_no_take_is_only_logged() -> None:
    class Ahead(Talker):
        consumes: ClassVar[tuple[type[Event], ...]] = (Prefill, Say)

        async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
            if isinstance(event, Prefill):
                raise EngineError("llm was killed")
            yield ClauseWritten(session=MAIN, turn=TURN, take=TakeId(1), index=0, text="fine")

    async def scenario() -> None:
        stage = Ahead()
        async with running(stage) as (bus, seen):
            bus.publish(Prefill(session=MAIN, history=()))
            bus.publish(say(1))
            await asyncio.sleep(1)
            assert texts(seen) == ["fine 0"]
            assert not [e for e in seen if isinstance(e, TakeFailed)]
            assert stage.log == ["open"]

    run(scenario())


def test_a_whole_reply_in_single_tokens_fits_into_the_inbox_of_a_busy_stage() -> None:
    class Slow(Talker):
        consumes: ClassVar[tuple[type[Event], ...]] = (ReplyDelta,)

        async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
            await asyncio.sleep(1)
            self.log.append(event.text if isinstance(event, ReplyDelta) else "")
            return
            yield

    async def scenario() -> None:
        stage = Slow()
        async with running(stage) as (bus, _):
            for n in range(1000):
                bus.publish(
                    ReplyDelta(
                        session=MAIN, turn=TURN, take=TakeId(1), text=str(n), tokens=n, aloud=True
                    )
                )
            await asyncio.sleep(1001)
            assert stage.log == ["open", *map(str, range(1000))]

    run(scenario())
