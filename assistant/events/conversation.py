"""What becomes of the conversation and of the machinery."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.events.base import Event, PhaseName, TakeId, TurnEvent
from assistant.report import OpenedBy, TurnReport


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOpened(TurnEvent):
    """Somebody said or asked something. Published by: conductor."""

    opened_by: OpenedBy
    request: str | None
    heard: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded(TurnEvent):
    """The pause was long enough: the user is done. Published by: conductor."""

    pause_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BargedIn(TurnEvent):
    """The user spoke over the reply. Published by: conductor."""

    take: TakeId


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnClosed(TurnEvent):
    """The exchange is over. Published by: conductor."""

    report: TurnReport


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """The source is used up and all that was heard is answered. Published by: conductor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChanged(Event):
    """The conversation went on to another phase. Published by: conductor."""

    phase: PhaseName


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed(Event):
    """A stage or an engine crashed; it is started anew. Published by: supervisor."""

    stage: str
    error: str
    given_up: bool = False
    """True when it crashed too often: it rests before the next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReady(Event):
    """A stage or an engine does its work (again). Published by: supervisor."""

    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Event):
    """Something outside is wrong, such as a device. Published by: ears, mqtt."""

    code: str
    text: str
    hint: str = ""
    """What the user can do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Event):
    """A fault is gone. Published by: ears, mqtt."""

    code: str
