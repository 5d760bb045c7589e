"""A daemon in this process, driven step by step: recordings in, reports and events out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from assistant.choices import Chooser
from assistant.config import Config
from assistant.daemon import Daemon
from assistant.events import MAIN, Event, Requested, SessionEnded, SessionId, TurnClosed
from assistant.lines import SILENCE, LineSpec, file_spec
from assistant.paths import find_paths
from assistant.report import TurnReport

NOWHERE: dict[str, object] = {"kind": "null", "pace": "fast"}
"""A sink for replies that nobody needs to hear."""

_DEAF = LineSpec(source=SILENCE, sink=NOWHERE)
EARS_ONLY = Config.model_validate(
    {"llm": {"engine": "scripted-llm"}, "tts": {"engine": "scripted-tts"}}
)
"""For tests of what is heard: nothing but the transcriber costs time."""
_START_S = 30.0
_TURN_S = 60.0

E = TypeVar("E", bound=Event)


class Inside:
    """A running daemon whose main session hears nothing."""

    def __init__(self, daemon: Daemon, runner: asyncio.Runner) -> None:
        self.daemon = daemon
        self.events: list[Event] = []
        self._runner = runner
        self._changed = asyncio.Event()

    def note(self, event: Event) -> None:
        """Take in one event."""
        self.events.append(event)
        self._changed.set()

    def of(self, kind: type[E], session: SessionId | None = None) -> list[E]:
        """Return the events of this kind so far."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and session in (None, event.session)
        ]

    def wait(self, true: Callable[[], bool], *, within_s: float = _TURN_S) -> None:
        """Let the daemon run until `true()` is; raise TimeoutError after `within_s`."""
        self._runner.run(self._until(true, within_s))

    def hear(self, wav: Path, sink: dict[str, object] | None = None) -> list[TurnReport]:
        """Let a private session hear a recording; return the reports of its turns."""
        return self._runner.run(self._hear(wav, sink or NOWHERE))

    def ask(self, text: str, *, aloud: bool = False) -> TurnReport:
        """Ask the main session; return the report of the turn."""
        request = f"test-{len(self.events)}"
        self.daemon.bus.publish(
            Requested(session=MAIN, request=request, kind="ask", text=text, aloud=aloud)
        )
        found: list[TurnReport] = []

        def closed() -> bool:
            found[:] = [e.report for e in self.of(TurnClosed) if e.report.request == request]
            return bool(found)

        self.wait(closed)
        return found[0]

    async def _hear(self, wav: Path, sink: dict[str, object]) -> list[TurnReport]:
        session = self.daemon.new_session_id("file")
        await self.daemon.open_session(session, file_spec(wav, sink))
        try:
            await self._until(lambda: bool(self.of(SessionEnded, session)), _TURN_S)
        finally:
            await self.daemon.close_session(session)
        return [event.report for event in self.of(TurnClosed, session)]

    async def _until(self, true: Callable[[], bool], within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while not true():
                self._changed.clear()
                await self._changed.wait()


@contextmanager
def inside(config: Config | None = None, main: LineSpec = _DEAF) -> Iterator[Inside]:
    """Run a daemon; it is ready, engines included, when the block begins."""
    config = config or Config()
    chooser = Chooser(config, find_paths())
    with asyncio.Runner() as runner:
        daemon = Daemon(config, chooser, chooser.choose())
        host = Inside(daemon, runner)
        with daemon.bus.tap(Event, host.note):
            ready = asyncio.Event()
            running: list[asyncio.Task[None]] = []

            async def start() -> None:
                running.append(asyncio.create_task(daemon.run(main, {}, ready.set)))
                waiting = asyncio.create_task(ready.wait())
                await asyncio.wait({waiting, *running}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if running[0].done():
                    running[0].result()

            async def stop() -> None:
                running[0].cancel()
                await asyncio.wait(running)

            runner.run(start())
            try:
                engines = ("stt", "llm", "tts")
                host.wait(
                    lambda: all(_is_ready(daemon, name) for name in engines), within_s=_START_S
                )
                yield host
            finally:
                runner.run(stop())


def _is_ready(daemon: Daemon, engine: str) -> bool:
    state: str = daemon.status()["engines"][engine]["state"]
    return state == "ready"
