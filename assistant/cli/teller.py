"""What `lares run` writes while it runs: turns to the terminal, troubles to standard error."""

from __future__ import annotations

from collections.abc import Callable

from assistant.bridges.eventlines import as_table
from assistant.cli.watch import trouble
from assistant.events import (
    MAIN,
    SYSTEM,
    Event,
    Fault,
    Recovered,
    StageFailed,
    StageReady,
    TurnClosed,
    TurnOpened,
)


class Teller:
    """A tap of the bus that writes lines for people."""

    def __init__(self, tell: Callable[[str], None] | None, complain: Callable[[str], None]) -> None:
        """Tell turns with `tell`, None for not at all; complain of what fails."""
        self._tell = tell
        self._complain = complain
        self._failing: set[str] = set()

    def note(self, event: Event) -> None:
        """Write the line of one event, if it has one."""
        match event:
            case StageFailed(stage=stage):
                self._failing.add(stage)
                self._trouble(event)
            case StageReady(stage=stage) if stage in self._failing:
                self._failing.discard(stage)
                self._complain(f"{stage} is ready again")
            case Fault() | Recovered() if event.session in (MAIN, SYSTEM):
                self._trouble(event)
            case TurnOpened(heard=heard) if heard and self._tell:
                self._tell(f"you: {heard}")
            case TurnClosed(report=report) if report.reply and self._tell:
                self._tell(f"{report.persona}: {report.reply}")

    def _trouble(self, event: Event) -> None:
        if line := trouble(as_table(event)):
            self._complain(line)
