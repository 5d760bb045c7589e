"""What the assistant does next in one conversation. No clock, no I/O, no asyncio, no logging.

::

    IDLE --VoiceStarted--> LISTENING --silence--> TRANSCRIBING --words--> THINKING --> SPEAKING
      ^                        ^                       |                     |            |
      |                        +-----VoiceResumed------+---------------------+------------+
      +----------------no words, end of the reply, stop, fault, deadline------------------+

Every phase but IDLE has a deadline. Time is the `at_s` of the events.
"""

from __future__ import annotations

from dataclasses import replace

from assistant.events import (
    ClauseVoiced,
    ClauseWritten,
    Event,
    Fault,
    PhaseChanged,
    PlaybackEnded,
    PlaybackStarted,
    Prefill,
    ReplyDelta,
    ReplyVoiced,
    Requested,
    SessionEnded,
    SilenceGrew,
    SourceEnded,
    StageFailed,
    StageReady,
    TakeEvent,
    TakeFailed,
    Tick,
    UtteranceTranscribed,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
    WordPlayed,
)
from assistant.session.ending import complete, cut, fail, finish_closing, go_idle
from assistant.session.listening import hear
from assistant.session.replying import compose, played, transcribed
from assistant.session.requests import close_window, next_request, request
from assistant.session.state import Next, Phase, Session

HEEDS: tuple[type[Event], ...] = (
    VoiceStarted,
    VoicePaused,
    VoiceResumed,
    SilenceGrew,
    SourceEnded,
    Requested,
    UtteranceTranscribed,
    ReplyDelta,
    ClauseWritten,
    ClauseVoiced,
    ReplyVoiced,
    PlaybackStarted,
    WordPlayed,
    PlaybackEnded,
    TakeFailed,
    StageFailed,
    StageReady,
    Fault,
    Tick,
)
"""What a session reacts to."""

SHARED = frozenset({"audio", "stt", "llm", "tts"})
"""What a conversation waits for while it starts; for sound only until it is given up."""

DEAF = frozenset({"microphone_lost", "backlog_dropped", "no_microphone"})
"""Faults after which the ear has forgotten the open utterance."""


def step(session: Session, event: Event) -> Next:
    """Return the next state, and the orders and facts to publish.

    An event that has no meaning in this phase changes nothing: facts arrive late.
    """
    if isinstance(event, TakeEvent) and event.take != session.take:
        return session, ()
    now_s = event.at_s or 0.0
    new, orders = _react(session, event, now_s)
    if new.phase is Phase.IDLE and new.queue and "audio" not in new.cold:
        new, more = next_request(new, now_s)
        orders = (*orders, *more)
    elif new.phase is Phase.IDLE and new.source_ended and new.closing is None:
        new = replace(new, source_ended=False)
        orders = (*orders, SessionEnded(session=new.id))
    if new.phase is Phase.IDLE and new.window and new.window_until_s is None:
        new = replace(new, window_until_s=now_s + new.window.timeout_s)
    if new.phase is not session.phase:
        orders = (*orders, PhaseChanged(session=new.id, phase=new.phase.value))
    return new, orders


def _react(s: Session, event: Event, now_s: float) -> Next:
    match event:
        case VoiceStarted() | VoicePaused() | VoiceResumed() | SilenceGrew():
            return hear(s, event, now_s)
        case SourceEnded():
            return replace(s, source_ended=True), ()
        case Requested():
            return request(s, event, now_s)
        case UtteranceTranscribed(final=True, text=text):
            return transcribed(s, text.strip(), now_s)
        case ReplyDelta() | ClauseWritten() | ClauseVoiced() | ReplyVoiced() if s.turn:
            return compose(s, s.turn, event, now_s)
        case PlaybackStarted() | WordPlayed() | PlaybackEnded():
            return played(s, event, now_s)
        case TakeFailed(take=s.take, error=error) if s.turn:
            return fail(s, error, now_s)
        case StageFailed(session=s.id, error=error) if s.phase is not Phase.IDLE:
            return fail(s, error, now_s)
        case StageFailed(stage="audio", given_up=True):
            return replace(s, cold=s.cold - {"audio"}), ()
        case StageFailed(stage=stage) if stage in SHARED:
            return replace(s, cold=s.cold | {stage}), ()
        case StageReady(stage=stage):
            ahead = (Prefill(session=s.id, history=s.history),) if stage == "llm" else ()
            return replace(s, cold=s.cold - {stage}), ahead
        case Fault(session=s.id, code="audio_gone"):
            return _lose_sound(s, now_s)
        case Fault(session=s.id, code=code) if code in DEAF and s.phase is Phase.LISTENING:
            return complete(s, s.turn, whole=False) if s.turn else go_idle(s)
        case Tick():
            return _tick(s, now_s)
    return s, ()


def _lose_sound(s: Session, now_s: float) -> Next:
    """The audio process ended: what sounded is over, what was being said is lost."""
    s, orders = cut(s, "the sound stopped", now_s, by_voice=False)
    s, closed = finish_closing(s)
    s, idle = go_idle(s)
    return s, (*orders, *closed, *idle)


def _tick(s: Session, now_s: float) -> Next:
    """Act on each deadline that has passed."""
    if s.closing is not None and _passed(s.closing_until_s, now_s):
        return finish_closing(s)
    if s.phase is Phase.IDLE:
        return close_window(s) if _passed(s.window_until_s, now_s) else (s, ())
    if not _passed(s.phase_until_s, now_s):
        return s, ()
    if s.phase is Phase.LISTENING:
        return complete(s, s.turn, whole=False) if s.turn else go_idle(s)
    if s.phase is Phase.SPEAKING:
        return _lose_sound(s, now_s)
    return fail(s, f"no answer came while {s.phase.value}", now_s)


def _passed(deadline_s: float | None, now_s: float) -> bool:
    return deadline_s is not None and now_s >= deadline_s
