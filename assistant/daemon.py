"""The composition root: the only file that knows concrete classes."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from assistant.board import Board
from assistant.bus import Bus
from assistant.choices import KINDS, Choices, Chooser
from assistant.clock import Clock, monotonic
from assistant.conductor import Conductor
from assistant.config import Config
from assistant.engines import registry
from assistant.engines.engine import Engine
from assistant.engines.lease import ENOUGH_CORES, ComputeLease
from assistant.engines.local import LocalChatModel, LocalSynthesizer, LocalTranscriber
from assistant.engines.protocols import Notice
from assistant.engines.sound import SoundProcess
from assistant.errors import EngineError, GaveUp
from assistant.events import MAIN, SYSTEM, Event, SessionId, StageFailed, StageReady
from assistant.lines import LineSpec, private_spec
from assistant.session import Rules, Session
from assistant.stage import SourceRunner, StageRunner
from assistant.stages.ears import Ears
from assistant.stages.parts import Parts
from assistant.supervisor import Child, Supervisor, Watcher

Bridge = Callable[["Daemon", Callable[[], None]], Awaitable[None]]
"""Runs one way in and out until cancelled; calls its second argument once it serves."""

LOAD_S = 300.0
"""Longest time an engine may take to load its model, s."""
FORGET_S = 0.5
"""Longest wait for the language model to forget a conversation, s; it forgets by itself too."""


@dataclass(slots=True)
class Hosted:
    """A running session."""

    conductor: Conductor
    children: Sequence[str]
    attached: ExitStack = field(default_factory=ExitStack)
    """Keeps its stages on the bus while they crash and come back."""
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    devices: dict[str, Any] = field(default_factory=dict)

    def note_opened(self, notice: Notice) -> None:
        """Remember which devices the line really has."""
        self.devices = {key: notice.fields.get(key) for key in ("source", "sink", "latency_ms")}
        self.opened.set()


class Daemon:
    """Engines, sessions and bridges under one supervisor."""

    def __init__(
        self,
        config: Config,
        chooser: Chooser,
        choices: Choices,
        *,
        clock: Clock = monotonic,
        logs: Path | None = None,
    ) -> None:
        """Prepare what was chosen; nothing starts before run().

        logs: folder for what the child processes write to standard error; None: they share ours.
        """
        self.config = config
        self.choices = choices
        self.bus = Bus(clock)
        self.board = Board()
        self.sessions: dict[SessionId, Hosted] = {}
        self.started_s = clock()
        self._supervisor = Supervisor(Watcher(ready=self._on_ready, crashed=self._on_crash))
        self._sound = SoundProcess(logs=logs)
        self._engines = _engines(chooser, choices, logs)
        self._numbers = itertools.count(1)
        self._awaited: dict[str, asyncio.Future[None]] = {}

    async def run(
        self, main: LineSpec, bridges: Mapping[str, Bridge], on_ready: Callable[[], None]
    ) -> None:
        """Serve until cancelled. `on_ready` is called once the main session can hear.

        Raises GaveUp when an essential part cannot be kept alive.
        """
        with self.bus.tap(Event, self.board.note):
            self._supervisor.start(self._shared_children())
            serving = asyncio.create_task(self._supervisor.run(), name="supervisor")
            try:
                await self._start_main(main, bridges, serving)
                on_ready()
                await serving
            finally:
                serving.cancel()
                await asyncio.wait({serving})

    async def open_session(self, session: SessionId, spec: LineSpec) -> Hosted:
        """Start a conversation; return once it can be spoken to."""
        rules = Rules(
            pause_ms=self.config.session.pause_ms,
            barge_in=self.config.session.barge_in,
            open_microphone=spec.paced or self.config.session.microphone == "open",
            paced=spec.paced,
        )
        cold = frozenset(kind for kind, engine in self._engines.items() if not engine.ready)
        state = Session(id=session, persona=self.choices.persona.called, rules=rules, cold=cold)
        conductor = Conductor(self.bus, state)
        hosted = Hosted(conductor, [])
        children = self._session_children(session, spec, hosted)
        hosted.children = [child.name for child in children]
        self.sessions[session] = hosted
        await self._start(children)
        return hosted

    async def close_session(self, session: SessionId) -> None:
        """End a conversation and forget it; does nothing when there is none."""
        hosted = self.sessions.pop(session, None)
        if hosted is None:
            return
        await self._supervisor.stop(hosted.children)
        hosted.attached.close()
        self.bus.forget(session)
        self.board.forget(session)
        if self._engines["llm"].ready:
            with suppress(EngineError, TimeoutError):
                async with asyncio.timeout(FORGET_S):
                    await LocalChatModel(self._engines["llm"]).forget(session)

    async def open_private(self, session: SessionId, wav: Path | None, out: Path | None) -> None:
        """Start a conversation with a recording, or with requests alone.

        out: absolute path of a file for the answers; None: the loudspeaker.
        """
        await self.open_session(session, private_spec(self.config.audio, wav, out))

    def new_session_id(self, kind: str) -> SessionId:
        """Return a fresh id for a private session."""
        return SessionId(f"{kind}-{next(self._numbers)}")

    def status(self) -> dict[str, Any]:
        """Return what `lares status --json` prints."""
        main = self.sessions.get(MAIN)
        return {
            "pid": os.getpid(),
            "uptime_s": round(self.bus.now() - self.started_s, 1),
            "persona": self.choices.persona.id,
            "models": {"set": self.choices.defaults.set_name, **self.choices.models},
            "phase": main.conductor.session.phase.value if main else None,
            "turns": self.board.turns,
            "engines": {kind: self._engine_status(kind) for kind in KINDS},
            "audio": {
                "state": self.board.state_of("audio", ready=self._sound.ready),
                "pid": self._sound.pid,
                "crashes": self.board.crashes.get("audio", 0),
                **(main.devices if main else {}),
            },
            "faults": [
                {"code": f.code, "text": f.text, "hint": f.hint} for f in self.board.faults.values()
            ],
            "last": self.board.last.as_dict() if self.board.last else None,
        }

    def _engine_status(self, kind: str) -> dict[str, Any]:
        engine = self._engines[kind]
        failed = self.board.failing.get(kind)
        return {
            "state": self.board.state_of(kind, ready=engine.ready),
            "pid": engine.pid,
            "crashes": self.board.crashes.get(kind, 0),
            "error": failed.error if failed else None,
            **engine.facts,
        }

    async def _start_main(
        self, spec: LineSpec, bridges: Mapping[str, Bridge], serving: asyncio.Task[None]
    ) -> None:
        async def start() -> None:
            children = [Child(name=n, run=partial(run, self)) for n, run in bridges.items()]
            await self._start([c for c in children if c.name == "control"])
            self._supervisor.start([c for c in children if c.name != "control"])
            hosted = await self.open_session(MAIN, spec)
            await hosted.opened.wait()

        starting = asyncio.create_task(start(), name="start")
        try:
            await asyncio.wait({starting, serving}, return_when=asyncio.FIRST_COMPLETED)
            for task in (serving, starting):
                if task.done():
                    task.result()
        finally:
            starting.cancel()
            await asyncio.wait({starting})

    async def _start(self, children: Sequence[Child]) -> None:
        """Start children and wait until each of them was ready once.

        Raises GaveUp when one of them crashes again and again instead.
        """
        loop = asyncio.get_running_loop()
        waits = {child.name: loop.create_future() for child in children}
        self._awaited |= waits
        self._supervisor.start(children)
        try:
            for ready in waits.values():
                await ready
        finally:
            for name, ready in waits.items():
                self._awaited.pop(name, None)
                ready.cancel()

    def _shared_children(self) -> list[Child]:
        engines = [
            Child(name=kind, run=engine.run, ready_s=LOAD_S)
            for kind, engine in self._engines.items()
        ]
        return [Child(name="audio", run=self._sound.run), *engines]

    def _session_children(self, session: SessionId, spec: LineSpec, hosted: Hosted) -> list[Child]:
        listen = {"threshold": self.config.audio.speech_threshold}
        table = {"source": spec.source, "sink": spec.sink, "listen": listen}
        language = self.config.session.language
        parts = Parts(
            session=session,
            persona=self.choices.persona,
            language=language,
            transcriber=LocalTranscriber(self._engines["stt"], language),
            chat=LocalChatModel(self._engines["llm"]),
            synthesizer=LocalSynthesizer(self._engines["tts"]),
            voice=self.choices.voice,
            line=self._sound.line(session, table),
            on_opened=hosted.note_opened,
        )
        children = [
            Child(
                name=f"{session}.conductor",
                run=hosted.conductor.run,
                essential=session == MAIN,
            )
        ]
        for name in self.config.session.stages:
            build = registry.find(registry.STAGES, name, "session.stages").load().build
            runner = StageRunner(partial(build, parts), self.bus, session)
            hosted.attached.enter_context(runner.attached())
            children.append(Child(name=f"{session}.{name}", run=runner.run))
        ears = SourceRunner(Ears.build(parts), self.bus)
        return [*children, Child(name=f"{session}.ears", run=ears.run)]

    def _on_ready(self, name: str) -> None:
        if (awaited := self._awaited.get(name)) is not None and not awaited.done():
            awaited.set_result(None)
        self.bus.publish(StageReady(session=_owner(name), stage=name))

    def _on_crash(self, name: str, error: Exception, given_up: bool) -> None:
        text = str(error) or type(error).__name__
        awaited = self._awaited.get(name)
        if given_up and awaited is not None and not awaited.done():
            awaited.set_exception(GaveUp(f"{name} cannot start: {text}"))
        self.bus.publish(
            StageFailed(session=_owner(name), stage=name, error=text, given_up=given_up)
        )


def _engines(chooser: Chooser, choices: Choices, logs: Path | None) -> dict[str, Engine]:
    """Return stt, llm and tts; where cores are scarce, stt and llm share one lease."""
    scarce = (os.cpu_count() or 1) < ENOUGH_CORES
    brain = ComputeLease()
    leases = {
        "stt": brain,
        "llm": brain if scarce else ComputeLease(),
        "tts": ComputeLease(),
    }
    return {
        kind: Engine(
            kind, choices.modules[kind], partial(chooser.options, kind), leases[kind], logs
        )
        for kind in KINDS
    }


def _owner(name: str) -> SessionId:
    session, dot, _ = name.partition(".")
    return SessionId(session) if dot else SYSTEM
