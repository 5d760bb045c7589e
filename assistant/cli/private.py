"""A daemon for one command, in this process, where none runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from assistant.bridges.messages import Answer
from assistant.cli.problems import complain
from assistant.cli.setup import Prepared, prepare
from assistant.daemon import Daemon
from assistant.errors import RequestError
from assistant.events import MAIN, Event, Fault, StageFailed, StageReady
from assistant.lines import SILENCE, LineSpec, device_spec

START_S = 120.0
"""Longest wait for the engines, s."""

Work = Callable[[Daemon], AsyncGenerator[Answer, None]]


def in_private(
    work: Work,
    take: Callable[[Mapping[str, Any]], None],
    *,
    engines: frozenset[str],
    aloud: bool,
) -> None:
    """Start a daemon, hand each answer of `work` to `take`, stop it.

    engines: those that must be ready before the work begins
    aloud: whether the main conversation speaks through the loudspeaker
    Raises AssistantError when something cannot be started.
    """
    prepared = prepare()
    names = ", ".join(sorted(engines))
    complain(f"no daemon runs: starting {names} for this once (lares run keeps them)")
    asyncio.run(_run(prepared, work, take, engines, aloud=aloud))


async def _run(
    prepared: Prepared,
    work: Work,
    take: Callable[[Mapping[str, Any]], None],
    engines: frozenset[str],
    *,
    aloud: bool,
) -> None:
    daemon = prepared.daemon()
    sink = device_spec(prepared.config.audio).sink if aloud else SILENCE
    awaited = _Awaited(engines)
    with daemon.bus.tap(Event, awaited.note):
        main = LineSpec(source=SILENCE, sink=sink)
        serving = asyncio.create_task(daemon.run(main, {}, awaited.note_main), name="daemon")
        working = asyncio.create_task(_work(daemon, work, take, awaited), name="work")
        try:
            await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
            for task in (working, serving):
                if task.done():
                    task.result()
        finally:
            for task in (working, serving):
                task.cancel()
                await asyncio.wait({task})


async def _work(
    daemon: Daemon, work: Work, take: Callable[[Mapping[str, Any]], None], awaited: _Awaited
) -> None:
    try:
        async with asyncio.timeout(START_S):
            await awaited.all_ready
    except TimeoutError:
        raise RequestError(f"the engines did not start within {START_S:g} s") from None
    async with aclosing(work(daemon)) as answers:
        async for answer in answers:
            take(answer.model_dump())


class _Awaited:
    """Waits for the engines and the main conversation; fails with the first that cannot start."""

    def __init__(self, engines: frozenset[str]) -> None:
        self._missing = {*engines, MAIN}
        self.all_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note_main(self) -> None:
        """The main conversation is open."""
        self._tick_off(MAIN)

    def note(self, event: Event) -> None:
        """Take in one event of the bus."""
        match event:
            case StageReady(stage=stage):
                self._tick_off(stage)
            case StageFailed(stage=stage, error=error) if stage in self._missing:
                if not self.all_ready.done():
                    self.all_ready.set_exception(RequestError(error))
            case Fault(text=text, hint=hint) if event.session == MAIN:
                complain(f"{text}; {hint}" if hint else text)

    def _tick_off(self, name: str) -> None:
        self._missing.discard(name)
        if not self._missing and not self.all_ready.done():
            self.all_ready.set_result(None)
