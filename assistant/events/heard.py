"""What the ear hears."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.events.base import Event
from audio.clip import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceStarted(Event):
    """A voice began a new utterance. Published by: ears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePaused(Event):
    """The voice fell silent, perhaps only to breathe. Published by: ears."""

    clip: Clip
    """The utterance so far with its pre-roll and the silence up to now, 16 kHz."""
    speech_ms: float
    silence_ms: float
    """Silence since the last voiced sample, ms of audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceResumed(Event):
    """The voice went on with the same utterance. Published by: ears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceGrew(Event):
    """Another block of silence after a pause. Published by: ears."""

    silence_ms: float
    """Silence since the last voiced sample, ms of audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEnded(Event):
    """The sound source is used up; a file was read to its end. Published by: ears."""
