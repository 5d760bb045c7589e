"""From the transcript to the last word heard."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.events.base import TakeEvent, TakeId, TurnEvent
from audio.clip import Clip, WordMark


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceTranscribed(TakeEvent):
    """What the user said; empty when nothing was intelligible. Published by: transcribe."""

    text: str
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDelta(TakeEvent):
    """A piece of the reply as the model writes it. Published by: respond."""

    text: str
    tokens: int
    """Tokens of the reply so far."""
    aloud: bool
    last: bool = False
    cache_hit: float | None = None
    """Part of the prompt found in the cache, 0..1; known with the last piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseWritten(TakeEvent):
    """A clause of the reply, ready to be voiced. Published by: speak."""

    index: int
    text: str
    aside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseVoiced(TakeEvent):
    """A clause, or a piece of a long one, as sound. Published by: speak."""

    index: int
    text: str
    clip: Clip
    words: tuple[WordMark, ...]
    aligned: bool
    """True when the voice gave the word marks, False when they are estimated."""
    voice: str
    aside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyVoiced(TakeEvent):
    """All of the reply is sound. Published by: speak."""

    clauses: int
    """How many clauses it has; 0 when nothing in it can be spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFailed(TurnEvent):
    """An engine failed while it worked for this take. Published by: the runner of that stage."""

    take: TakeId
    stage: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackStarted(TurnEvent):
    """The first sample of the take is heard now. Published by: ears."""

    take: TakeId


@dataclass(frozen=True, slots=True, kw_only=True)
class WordPlayed(TurnEvent):
    """The last sample of a word was heard. Published by: ears."""

    take: TakeId
    clause: int
    word: int
    heard_ms: float
    """Sound of this take that was heard so far, ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackEnded(TurnEvent):
    """The loudspeaker is done with the take. Published by: ears."""

    take: TakeId
    completed: bool
    clause: int
    """Clause of the last word heard; -1 when none was."""
    word: int
    heard_ms: float
