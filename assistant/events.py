"""Every event that travels on the bus. Read this first.

Facts are named in the past tense and published by whoever made them true. Orders are named in the
imperative and published by the conductor alone. A *turn* is one exchange; a *take* is one
speculation on how to answer it. After `Cancel(take=n)` no `TakeEvent` of takes up to n is
published any more; a `TurnEvent` reports what already happened, so it still is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NewType

from assistant.report import OpenedBy, TurnReport
from audio.clip import Clip, WordMark

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


# --- heard -----------------------------------------------------------------


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


# --- asked -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested(Event):
    """Somebody asks for something. Published by: control, mqtt."""

    request: str
    """Unique id; the turn that follows carries it."""
    kind: RequestKind
    text: str = ""
    """The question, the words to say, or the prompt before listening."""
    aloud: bool = True
    """False: the answer is shown, not spoken."""
    opened_by: OpenedBy = "text"
    timeout_s: float = 8.0
    """How long `listen` waits for a voice, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDropped(Event):
    """A request came to nothing: refused, timed out or stopped. Published by: conductor."""

    request: str
    reason: DropReason


# --- orders ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribe(TakeEvent):
    """Turn this utterance into text."""

    clip: Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond(TakeEvent):
    """Answer in the persona's words."""

    heard: str
    history: tuple[Line, ...]
    """What was said aloud before, oldest first."""
    cut_short: bool
    """True when the listener interrupted the reply before this one."""
    aloud: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefill(Event):
    """Read the prompt of the next turn ahead, as far as it is known."""

    history: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(TakeEvent):
    """Voice these words."""

    text: str
    aside: bool = False
    """True for a word in between ("One moment."): more follows, and it is not remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(TakeEvent):
    """The take proved right: what it has ready may be heard and done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Event):
    """Stop all work for this take and every take before it."""

    turn: TurnId
    take: TakeId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(Event):
    """The utterance is over: the next voice begins a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear(Event):
    """A file that waited for the session may be read on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Event):
    """The session's deadline is reached. Published by: conductor."""


# --- computed --------------------------------------------------------------


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


# --- played ----------------------------------------------------------------


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


# --- the conversation ------------------------------------------------------


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


# --- the machinery ---------------------------------------------------------


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
