"""What a voice means: a new turn, more of the same, an interruption, or nothing."""

from __future__ import annotations

from dataclasses import replace

from assistant.events import (
    Cancel,
    Event,
    Hear,
    Settle,
    SilenceGrew,
    TakeId,
    Transcribe,
    TurnEnded,
    TurnId,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
)
from assistant.session.ending import cut, finish_closing
from assistant.session.replying import ask_to_wait
from assistant.session.state import LISTEN_S, Next, Orders, Phase, Session, begin_take
from assistant.session.turn import Times, Turn
from audio.clip import Clip


def hear(s: Session, event: Event, now_s: float) -> Next:
    """React to the ear."""
    match event:
        case VoiceStarted() if _heeds(s):
            return _listen(s, now_s)
        case VoiceResumed() if s.phase is Phase.LISTENING:
            return replace(s, clip=None), ()
        case VoiceResumed() if s.turn is not None and s.unsettled and _heeds(s):
            return _same_turn(s, s.turn, now_s)
        case VoicePaused() if s.phase is Phase.LISTENING:
            return replace(s, clip=event.clip), _read_on(s)
        case VoicePaused() if not s.unsettled:
            return s, (Settle(session=s.id), *_read_on(s))
        case SilenceGrew(silence_ms=ms) if s.phase is Phase.LISTENING and s.clip is not None:
            ended = ms >= s.rules.pause_ms
            return _end_turn(s, s.clip, ms, now_s) if ended else (s, _read_on(s))
        case SilenceGrew() if s.phase is Phase.IDLE:
            return s, _read_on(s)
    return s, ()


def _heeds(s: Session) -> bool:
    if s.phase is Phase.SPEAKING:
        return s.rules.barge_in
    own_turn = s.turn is not None and s.turn.opened_by == "voice"
    return own_turn or s.rules.open_microphone or s.window is not None


def _listen(s: Session, now_s: float) -> Next:
    s, orders = cut(s, "the user spoke", now_s, by_voice=True)
    s = replace(s, phase=Phase.LISTENING, clip=None, unsettled=True, phase_until_s=now_s + LISTEN_S)
    return s, orders


def _same_turn(s: Session, turn: Turn, now_s: float) -> Next:
    cancel = Cancel(session=s.id, turn=turn.id, take=s.take, reason="the user went on")
    turn = replace(turn, error=None, handled_by="model", said_before="")
    s = replace(s, take=TakeId(s.take + 1), turn=turn, phase=Phase.LISTENING, clip=None)
    return replace(s, phase_until_s=now_s + LISTEN_S), (cancel,)


def _end_turn(s: Session, clip: Clip, silence_ms: float, now_s: float) -> Next:
    s, orders = finish_closing(s)
    turns = s.turns if s.turn else s.turns + 1
    turn = s.turn or Turn(id=TurnId(turns), opened_by="voice")
    turn = replace(
        turn,
        pause_ms=silence_ms,
        clip_s=clip.duration_s,
        times=Times(ended=now_s),
    )
    s, turn, release = begin_take(replace(s, turns=turns, clip=None), turn)
    turn, wait = ask_to_wait(s, turn, "stt")
    order = Transcribe(session=s.id, turn=turn.id, take=s.take, clip=clip)
    ended = TurnEnded(session=s.id, turn=turn.id, pause_ms=silence_ms)
    s = replace(
        s,
        phase=Phase.TRANSCRIBING,
        turn=turn,
        phase_until_s=s.answer_by(now_s),
    )
    return s, (*orders, ended, *wait, order, release)


def _read_on(s: Session) -> Orders:
    return (Hear(session=s.id),) if s.rules.paced else ()
