"""Serves the commands that came by MQTT, whether or not the broker is there just now."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from assistant.bridges.host import Host
from assistant.bridges.mqtt_commands import Command, Outcome, of_report
from assistant.bridges.requests import new_request_id
from assistant.errors import BusOverflow
from assistant.events import MAIN, RequestDropped, Requested, StageFailed, TurnClosed

WAITING = 16
"""Commands that may wait; further ones are rejected."""
REMEMBERED = 256
REMEMBERED_S = 600.0
"""A command with an id that was answered so recently gets that answer again, s."""

Tell = Callable[[Command, Outcome], None]


@dataclass(slots=True)
class _Known:
    """An id that was seen."""

    since_s: float
    outcome: Outcome | None = None


class Worker:
    """One command after the other; `stop` at once. Each id is answered exactly once."""

    def __init__(self, host: Host, tell: Tell) -> None:
        """Answer with `tell`."""
        self._host = host
        self._tell = tell
        self._waiting: deque[tuple[float, Command]] = deque()
        self._changed = asyncio.Event()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def take(self, command: Command) -> None:
        """Queue the command, or answer it at once. Never waits."""
        now_s = self._host.bus.now()
        known = self._known.get(command.id)
        if known is not None and now_s - known.since_s < REMEMBERED_S:
            if known.outcome is not None:
                self._tell(command, known.outcome)
            return
        self._known[command.id] = _Known(now_s)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        if command.kind == "stop":
            self._stop(command)
        elif len(self._waiting) >= WAITING:
            self._finish(command, Outcome(status="rejected", reason="busy"))
        else:
            self._tell(command, Outcome(status="accepted"))
            self._waiting.append((now_s, command))
            self._changed.set()

    async def run(self) -> None:
        """Serve commands until cancelled."""
        while True:
            while self._waiting:
                since_s, command = self._waiting.popleft()
                waited_s = self._host.bus.now() - since_s
                if command.expires_s is not None and waited_s > command.expires_s:
                    self._finish(command, Outcome(status="expired"))
                else:
                    self._finish(command, await self._serve(command))
            self._changed.clear()
            await self._changed.wait()

    async def _serve(self, command: Command) -> Outcome:
        wanted = Requested(
            session=MAIN,
            request=new_request_id(),
            kind=command.kind,
            text=command.text,
            aloud=command.aloud,
            opened_by="mqtt",
            timeout_s=command.timeout_s,
        )
        with self._host.bus.subscribe(
            f"mqtt {command.id}", TurnClosed, RequestDropped, StageFailed, session=MAIN
        ) as inbox:
            self._host.bus.publish(wanted)
            try:
                async for event in inbox:
                    match event:
                        case TurnClosed(report=report) if report.request == wanted.request:
                            return of_report(report)
                        case RequestDropped(request=wanted.request, reason="stopped"):
                            return Outcome(status="cancelled", reason="stopped")
                        case RequestDropped(request=wanted.request, reason=reason):
                            return Outcome(status="failed", reason=reason)
                        case StageFailed(error=error) if event.stage == f"{MAIN}.conductor":
                            return Outcome(status="failed", reason=error)
            except BusOverflow as error:
                return Outcome(status="failed", reason=str(error))
        raise AssertionError("an inbox never ends")

    def _stop(self, command: Command) -> None:
        waiting, self._waiting = self._waiting, deque()
        for _, dropped in waiting:
            self._finish(dropped, Outcome(status="cancelled", reason="stopped"))
        stop = Requested(session=MAIN, request=new_request_id(), kind="stop", opened_by="mqtt")
        self._host.bus.publish(stop)
        self._finish(command, Outcome(status="done"))

    def _finish(self, command: Command, outcome: Outcome) -> None:
        if (known := self._known.get(command.id)) is not None:
            known.outcome = outcome
        self._tell(command, outcome)
