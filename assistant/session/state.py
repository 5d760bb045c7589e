"""The state of one conversation, and the times that bound it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from assistant.events import NO_TAKE, Event, Line, Release, Requested, SessionId, TakeId
from assistant.session.turn import Turn
from audio.clip import Clip

Orders = tuple[Event, ...]
Next = tuple["Session", Orders]

LISTEN_S = 75.0
"""Longest time from a voice to its end: an utterance has at most 60 s."""
ANSWER_S = 30.0
"""Longest time without a sign of the answer."""
COLD_S = 90.0
"""The same while an engine is starting."""
SPEAK_S = 20.0
"""Longest time without a word from the loudspeaker."""
CLOSE_S = 2.0
"""Longest wait for the loudspeaker to tell where it was cut."""
SAME_TURN_S = 1.0
SAME_TURN_HEARD_MS = 300.0
"""A voice within 1 s of the turn's end, or before 300 ms of the reply, goes on with the turn."""
QUEUE = 8
"""Requests that may wait for the conversation to be idle."""


class Phase(Enum):
    """Where the conversation stands; the values are published."""

    IDLE = "idle"
    LISTENING = "listening"
    TRANSCRIBING = "transcribing"
    THINKING = "thinking"
    SPEAKING = "speaking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the configuration says about turns."""

    pause_ms: float = 600.0
    """Silence that ends a turn, ms of audio."""
    barge_in: bool = True
    """False: voices are ignored while the assistant speaks."""
    open_microphone: bool = True
    """False: voices count only after a `listen` request."""
    paced: bool = False
    """True: the source is a file that waits for the conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The whole conversation: small enough to print, immutable enough to trust."""

    id: SessionId
    persona: str = ""
    rules: Rules = field(default_factory=Rules)
    phase: Phase = Phase.IDLE
    turns: int = 0
    take: TakeId = NO_TAKE
    turn: Turn | None = None
    closing: Turn | None = None
    """A reply that was cut; the loudspeaker has not yet told where."""
    closing_take: TakeId = NO_TAKE
    clip: Clip | None = None
    """The utterance, while its voice pauses."""
    unsettled: bool = False
    """True while the ear would take a voice for more of the same utterance."""
    history: tuple[Line, ...] = ()
    cut_short: bool = False
    """True when the newest reply in the history was cut."""
    queue: tuple[Requested, ...] = ()
    window: Requested | None = None
    """The `listen` request that waits for a voice."""
    cold: frozenset[str] = frozenset()
    """Engines that are starting."""
    source_ended: bool = False
    phase_until_s: float | None = None
    closing_until_s: float | None = None
    window_until_s: float | None = None

    @property
    def deadline_s(self) -> float | None:
        """When the session wants a Tick; None: it can wait for ever."""
        times = (
            self.phase_until_s if self.phase is not Phase.IDLE else None,
            self.closing_until_s if self.closing is not None else None,
            self.window_until_s if self.window and self.phase is Phase.IDLE else None,
        )
        return min((t for t in times if t is not None), default=None)

    def answer_by(self, now_s: float) -> float:
        """Return the deadline of a phase that waits for engines."""
        return now_s + (COLD_S if self.cold else ANSWER_S)


def begin_take(s: Session, turn: Turn) -> tuple[Session, Turn, Release]:
    """Begin the next take of the turn; it is certain from the start, so it is released."""
    take = TakeId(s.take + 1)
    turn = turn.begin_take()
    release = Release(session=s.id, turn=turn.id, take=take)
    return replace(s, take=take, turn=turn), turn, release
