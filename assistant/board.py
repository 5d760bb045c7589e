"""What `lares status` tells: engines, devices, faults, the last turn. Fed by the bus."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.events import (
    MAIN,
    SYSTEM,
    Event,
    Fault,
    Recovered,
    SessionId,
    StageFailed,
    StageReady,
    TurnClosed,
)
from assistant.report import TurnReport


@dataclass(slots=True)
class Board:
    """The newest state of everything; `note` is a tap of the bus."""

    last: TurnReport | None = None
    turns: int = 0
    faults: dict[str, Fault] = field(default_factory=dict)
    failing: dict[str, StageFailed] = field(default_factory=dict)
    crashes: dict[str, int] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case TurnClosed(report=report):
                self.last = report
                self.turns += 1
            case StageFailed(stage=stage):
                self.failing[stage] = event
                self.crashes[stage] = self.crashes.get(stage, 0) + 1
            case StageReady(stage=stage):
                self.failing.pop(stage, None)
            case Fault(session=session, code=code) if session in (MAIN, SYSTEM):
                self.faults[code] = event
            case Recovered(session=session, code="audio_gone"):
                self.faults = {c: f for c, f in self.faults.items() if f.session != session}
            case Recovered(session=session, code=code) if session in (MAIN, SYSTEM):
                self.faults.pop(code, None)

    def forget(self, session: SessionId) -> None:
        """Drop what is kept of the stages of a session that is over."""
        for kept in (self.failing, self.crashes):
            for stage in [name for name in kept if name.startswith(f"{session}.")]:
                del kept[stage]

    def state_of(self, stage: str, *, ready: bool) -> str:
        """Return `ready`, `starting`, `restarting` or `resting` for an engine."""
        if ready:
            return "ready"
        failed = self.failing.get(stage)
        if failed is None:
            return "starting"
        return "resting" if failed.given_up else "restarting"
