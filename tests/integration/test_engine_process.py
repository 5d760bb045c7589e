"""Requests to a real child process: streams, cancels, crashes, hangs, heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.engines.child import ChildProcess, open_child
from assistant.engines.process import EngineProcess, Preempted
from assistant.errors import EngineError, EngineGone, EngineTimeout

HERE = str(Path(__file__).parent)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario

    asyncio.run(bounded())


@asynccontextmanager
async def child(**options: object) -> AsyncIterator[ChildProcess]:
    async with open_child(
        "toy",
        ["audio.host", "toy_engine"],
        options=options,
        extra_environment={"PYTHONPATH": HERE},
    ) as process:
        yield process


@asynccontextmanager
async def toy() -> AsyncIterator[tuple[EngineProcess, asyncio.Task[None]]]:
    async with child() as process:
        await process.hello()
        engine = EngineProcess(process)
        serving = asyncio.create_task(engine.serve())
        try:
            yield engine, serving
        finally:
            serving.cancel()
            await asyncio.wait({serving})


async def count(engine: EngineProcess, n: int, **fields: Any) -> list[int]:
    replies = engine.ask(engine.new_id(), "count", gap_s=10, n=n, **fields)
    return [r.fields["n"] async for r in replies if r.kind == "tick"]


def test_replies_stream_with_their_payloads_and_end_with_the_facts_of_done() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            replies = engine.ask(engine.new_id(), "count", gap_s=10, n=2, payload=b"x" * 300_000)
            got = [(r.kind, len(r.payload), r.fields) async for r in replies]
            assert got == [
                ("tick", 300_000, {"n": 0}),
                ("tick", 300_000, {"n": 1}),
                ("done", 0, {"total": 2}),
            ]

    run(scenario())


def test_many_callers_at_once_each_get_their_own_replies() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            asked = [count(engine, n) for n in range(1, 9)]
            assert await asyncio.gather(*asked) == [list(range(n)) for n in range(1, 9)]

    run(scenario())


def test_a_request_that_waits_for_a_slow_one_is_not_taken_for_a_dead_engine() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            slow = asyncio.create_task(count(engine, 20, step_s=0.05))
            replies = engine.ask(engine.new_id(), "count", gap_s=0.5, n=1)
            assert [r.kind async for r in replies] == ["tick", "done"]
            assert len(await slow) == 20

    run(scenario())


def test_closing_early_really_stops_the_engine_and_the_next_request_is_served() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            ended = asyncio.Event()
            replies = engine.ask(
                engine.new_id(), "count", gap_s=10, on_end=ended.set, n=100_000, step_s=0.01
            )
            async with aclosing(replies):
                async for reply in replies:
                    if reply.fields["n"] == 2:
                        break
            await ended.wait()
            assert await count(engine, 2) == [0, 1]

    run(scenario())


def test_a_queued_request_that_is_cancelled_never_starts() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            slow = asyncio.create_task(count(engine, 10, step_s=0.02))
            queued = asyncio.create_task(count(engine, 100_000, step_s=1))
            await asyncio.sleep(0)
            queued.cancel()
            await asyncio.wait({queued})
            assert len(await slow) == 10
            assert await count(engine, 1) == [0]

    run(scenario())


def test_a_preempted_request_tells_its_reader() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            ident = engine.new_id()
            replies = engine.ask(ident, "count", gap_s=10, n=100_000, step_s=0.01)
            async with aclosing(replies):
                assert (await anext(replies)).fields == {"n": 0}
                engine.cancel(ident)
                with pytest.raises(Preempted, match="more urgent"):
                    async for _ in replies:
                        pass

    run(scenario())


def test_a_read_cancelled_within_a_packet_does_not_put_the_pipe_out_of_step() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            for ticks in range(6):
                payload = b"y" * 4_000_000
                task = asyncio.create_task(count(engine, 400, payload=payload))
                for _ in range(ticks):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait({task})
                assert await count(engine, 2) == [0, 1]

    run(scenario())


def test_a_slow_reader_slows_the_engine_and_stopping_is_still_prompt() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with toy() as (engine, _):
            replies = engine.ask(
                engine.new_id(), "count", gap_s=10, n=500, payload=b"z" * 1_000_000
            )
            await anext(replies)
            await replies.aclose()
            before = loop.time()
        assert loop.time() - before < 4

    run(scenario())


def test_what_libraries_print_does_not_reach_the_pipe() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            replies = engine.ask(engine.new_id(), "noise", gap_s=10)
            assert [r.kind async for r in replies] == ["tick", "done"]

    run(scenario())


def test_a_killed_engine_fails_every_call_in_flight_and_every_later_one() -> None:
    async def scenario() -> None:
        async with toy() as (engine, serving):
            ends: list[int] = []

            async def ask(kind: str, n: int) -> None:
                replies = engine.ask(
                    engine.new_id(), kind, gap_s=10, on_end=lambda: ends.append(n), n=10
                )
                async for _ in replies:
                    pass

            asked = [ask("kill", 1), ask("count", 2), ask("count", 3)]
            results = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(r) for r in results] == [EngineGone] * 3
            assert "killed by signal 9" in str(results[0])
            assert sorted(ends) == [1, 2, 3]
            await asyncio.wait({serving})
            assert isinstance(serving.exception(), EngineGone)
            with pytest.raises(EngineGone):
                await ask("count", 4)
            assert 4 in ends

    run(scenario())


def test_an_engine_that_hangs_is_given_up() -> None:
    async def scenario() -> None:
        async with toy() as (engine, serving):
            with pytest.raises(EngineTimeout, match=r"silent for 0\.3 s"):
                async for _ in engine.ask(engine.new_id(), "hang", gap_s=0.3):
                    pass
            await asyncio.wait({serving})
            assert isinstance(serving.exception(), EngineGone)

    run(scenario())


def test_an_engine_that_raises_fails_one_request_and_lives_on() -> None:
    async def scenario() -> None:
        async with toy() as (engine, _):
            with pytest.raises(EngineError, match="toy: bad model"):
                async for _ in engine.ask(engine.new_id(), "raise", gap_s=10):
                    pass
            assert await count(engine, 1) == [0]

    run(scenario())


@pytest.mark.parametrize(
    ("start", "kind", "text"),
    [
        ("die", EngineGone, "exited with status 3"),
        ("raise", EngineError, r"toy: model\.bin: truncated; run: lares models pull embedded"),
    ],
)
def test_an_engine_that_cannot_load_says_why(
    start: str, kind: type[EngineError], text: str
) -> None:
    async def scenario() -> None:
        async with child(start=start) as process:
            with pytest.raises(kind, match=text):
                await process.hello()

    run(scenario())


def test_a_child_that_never_loads_is_stopped_in_time() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with child(start="hang"):
            before = loop.time()
        assert loop.time() - before < 4

    run(scenario())
