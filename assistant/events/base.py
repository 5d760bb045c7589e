"""What every event is, and the ids it carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NewType

SessionId = NewType("SessionId", str)
"""Names one conversation."""

TurnId = NewType("TurnId", int)
"""Counts up from 1 in its session."""

TakeId = NewType("TakeId", int)
"""Counts up from 1 in its session, across turns, for ever."""

NO_TAKE: Final = TakeId(0)
"""Lower than every take."""

MAIN: Final = SessionId("main")
"""The conversation on the machine's own microphone and loudspeaker."""

SYSTEM: Final = SessionId("system")
"""What concerns every session: engines, devices."""

PhaseName = Literal["idle", "listening", "transcribing", "thinking", "speaking"]
RequestKind = Literal["ask", "say", "listen", "stop"]
DropReason = Literal["busy", "timeout", "stopped", "empty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. Immutable: every subscriber shares it."""

    session: SessionId
    at_s: float | None = None
    """When it was published, s on the injected clock. The bus stamps what is not stamped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEvent(Event):
    """A report of what happened in a turn: published whatever became of its takes."""

    turn: TurnId


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeEvent(TurnEvent):
    """Something computed for a take: it dies with it."""

    take: TakeId


@dataclass(frozen=True, slots=True)
class Line:
    """One thing somebody said aloud."""

    speaker: Literal["user", "assistant"]
    text: str
