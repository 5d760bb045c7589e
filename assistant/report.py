"""The report of one turn: what happened and how long each step took.

The same object is `TurnClosed.report`, `lares ask --json` and `lares status --last --json`.
A step that did not happen is None.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

OpenedBy = Literal["voice", "text", "mqtt"]
HandledBy = Literal["model", "local", "apology", "nobody"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where the listener stopped hearing the reply."""

    word: str | None
    """Last word heard whole; None when not one was."""
    ms: float
    """Sound of the reply that was heard, ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takes:
    """How much was speculated."""

    begun: int = 0
    released: int = 0
    tokens_wasted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Each step of the turn, ms."""

    pause_waited: float | None = None
    """Last voiced sample to the end of the turn, in audio time."""
    transcribe: float | None = None
    """Order to transcript."""
    first_token: float | None = None
    """Order to the first piece of the reply."""
    first_clause: float | None = None
    """First piece of the reply to the first clause ready to be voiced."""
    first_sound: float | None = None
    """First clause written to its first sample heard."""
    after_end: float | None = None
    """End of the turn to the first sample heard."""
    voice_to_voice: float | None = None
    """Last voiced sample of the user to the first sample heard: the pause and what came after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How the end of the turn was judged."""

    probability: float | None = None
    pause_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeIn:
    """How an interruption went, ms after the voice that interrupted was noticed."""

    suspected_ms: float | None = None
    ducked_ms: float | None = None
    decided_ms: float | None = None
    silent_ms: float | None = None
    verdict: Literal["cut", "dismissed"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """How much sound went through, s."""

    heard_s: float | None = None
    spoken_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnReport:
    """Everything worth knowing about one turn."""

    session: str
    turn: int
    persona: str
    opened_by: OpenedBy
    request: str | None = None
    """Id of the request that opened the turn, if one did."""
    heard: str | None = None
    reply: str | None = None
    """The reply as it was heard: cut at the last word when it was cut."""
    cut_at: Cut | None = None
    handled_by: HandledBy = "model"
    error: str | None = None
    takes: Takes = field(default_factory=Takes)
    cache_hit: float | None = None
    """Part of the prompt that was in the model's cache, 0..1."""
    ms: Durations = field(default_factory=Durations)
    end: End = field(default_factory=End)
    barge_in: BargeIn | None = None
    audio: Sound = field(default_factory=Sound)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values, rounded for reading."""
        return {key: _rounded(value) for key, value in asdict(self).items()}


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, float):
        return round(value, 3) if abs(value) < 10 else round(value, 1)
    return value
