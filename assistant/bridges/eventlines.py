"""Events as JSON-ready tables, for `lares talk` and other watchers."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from assistant.events import (
    BargedIn,
    ClauseWritten,
    Event,
    Fault,
    PhaseChanged,
    PlaybackEnded,
    PlaybackStarted,
    Recovered,
    ReplyDelta,
    RequestDropped,
    Requested,
    SessionEnded,
    StageFailed,
    StageReady,
    TakeFailed,
    TurnClosed,
    TurnEnded,
    TurnOpened,
    UtteranceTranscribed,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
    WordPlayed,
)
from assistant.report import TurnReport
from audio.clip import Clip

WATCHED: tuple[type[Event], ...] = (
    VoiceStarted,
    VoicePaused,
    VoiceResumed,
    Requested,
    RequestDropped,
    UtteranceTranscribed,
    TurnOpened,
    TurnEnded,
    ReplyDelta,
    ClauseWritten,
    PlaybackStarted,
    WordPlayed,
    PlaybackEnded,
    BargedIn,
    TakeFailed,
    TurnClosed,
    SessionEnded,
    PhaseChanged,
    StageFailed,
    StageReady,
    Fault,
    Recovered,
)
"""What a watcher is told: all but orders, sound and the blocks of a silence."""


def as_table(event: Event) -> dict[str, Any]:
    """Return the event as `{"event": name, ...its fields}`; sound becomes its length, ms."""
    return {"event": type(event).__name__, **_fields(event)}


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, TurnReport):
        return value.as_dict()
    if isinstance(value, Clip):
        return {"ms": round(value.duration_s * 1000)}
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value
