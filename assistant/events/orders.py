"""What people ask for, and what the session orders."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.events.base import DropReason, Event, Line, RequestKind, TakeEvent, TakeId, TurnId
from assistant.report import OpenedBy
from audio.clip import Clip


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
