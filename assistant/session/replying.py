"""From the transcript to the last word heard."""

from __future__ import annotations

from dataclasses import replace

from assistant.events import (
    ClauseVoiced,
    ClauseWritten,
    Event,
    PlaybackEnded,
    PlaybackStarted,
    ReplyDelta,
    ReplyVoiced,
    Respond,
    Say,
    WordPlayed,
)
from assistant.session.ending import announce, complete, finish_closing, go_idle, settle
from assistant.session.state import (
    SAME_TURN_HEARD_MS,
    SAME_TURN_S,
    SPEAK_S,
    Next,
    Orders,
    Phase,
    Session,
)
from assistant.session.turn import Progress, Turn

ONE_MOMENT = "One moment."


def transcribed(s: Session, text: str, now_s: float) -> Next:
    """Answer the words, or let the utterance go when there are none."""
    turn = s.turn
    if s.phase is not Phase.TRANSCRIBING or turn is None:
        return s, ()
    if not text:
        return complete(s, replace(turn, handled_by="nobody")) if turn.announced else go_idle(s)
    return respond(s, replace(turn, heard=text).mark(transcribed=now_s), now_s)


def respond(s: Session, turn: Turn, now_s: float) -> Next:
    """Order the answer to what was heard."""
    s, turn, opened = announce(s, turn)
    turn, wait = ask_to_wait(s, turn, "llm")
    order = Respond(
        session=s.id,
        turn=turn.id,
        take=s.take,
        heard=turn.heard or "",
        history=s.history,
        cut_short=s.cut_short,
        aloud=turn.aloud,
    )
    return think(s, turn, now_s), (*opened, *wait, order)


def think(s: Session, turn: Turn, now_s: float) -> Session:
    """Return the session that waits for the first sound of this turn."""
    return replace(s, phase=Phase.THINKING, turn=turn, phase_until_s=s.answer_by(now_s))


def ask_to_wait(s: Session, turn: Turn, engine: str) -> tuple[Turn, Orders]:
    """Say "One moment." once when the engine is still starting."""
    if engine not in s.cold or not turn.aloud or turn.asked_to_wait:
        return turn, ()
    aside = Say(session=s.id, turn=turn.id, take=s.take, text=ONE_MOMENT, aside=True)
    return replace(turn, asked_to_wait=True), (aside,)


def compose(s: Session, turn: Turn, event: Event, now_s: float) -> Next:
    """Follow the reply as it is written and voiced."""
    until_s = now_s + SPEAK_S if s.phase is Phase.SPEAKING else s.answer_by(now_s)
    s = replace(s, phase_until_s=until_s)
    match event:
        case ReplyDelta(text=text, tokens=tokens, last=last):
            turn = replace(turn, written=turn.written + text, tokens=tokens)
            turn = turn.mark(first_token=now_s) if text else turn
            if last:
                turn = replace(turn, cache_hit=event.cache_hit)
            if last and not turn.aloud:
                return complete(s, turn)
        case ClauseWritten(aside=False):
            turn = turn.mark(first_clause=now_s)
        case ClauseVoiced():
            turn = replace(turn, voiced=(*turn.voiced, event))
        case ReplyVoiced() if not turn.voiced:
            return complete(s, turn)
    return replace(s, turn=turn), ()


def played(s: Session, event: Event, now_s: float) -> Next:
    """Follow the loudspeaker."""
    match event:
        case PlaybackEnded(take=take) if s.closing is not None and take == s.closing_take:
            return finish_closing(replace(s, closing=_heard(s.closing, event)))
        case PlaybackStarted(take=s.take) if s.turn is not None:
            only_asides = all(piece.aside for piece in s.turn.voiced)
            turn = s.turn if only_asides else s.turn.mark(first_sound=now_s)
            return replace(s, phase=Phase.SPEAKING, turn=turn, phase_until_s=now_s + SPEAK_S), ()
        case WordPlayed(take=s.take) if s.turn is not None:
            turn = _heard(s.turn, event)
            if (began_s := _word_began_s(turn, event, now_s)) is not None:
                turn = turn.mark(first_sound=began_s)
            s = replace(s, turn=turn, phase_until_s=now_s + SPEAK_S)
            return settle(s) if _reply_is_heard(s, event, now_s) else (s, ())
        case PlaybackEnded(take=s.take) if s.turn is not None:
            return complete(s, _heard(s.turn, event), whole=event.completed)
    return s, ()


def _heard(turn: Turn, event: WordPlayed | PlaybackEnded) -> Turn:
    progress = Progress(clause=event.clause, word=event.word, heard_ms=event.heard_ms)
    return replace(turn, progress=progress)


def _word_began_s(turn: Turn, event: WordPlayed, now_s: float) -> float | None:
    """Return when the word that was just heard began; None for a word of an aside."""
    for piece in turn.voiced:
        if piece.index == event.clause and not piece.aside and event.word < len(piece.words):
            mark = piece.words[event.word]
            return now_s - (mark.end_ms - mark.start_ms) / 1000
    return None


def _reply_is_heard(s: Session, event: WordPlayed, now_s: float) -> bool:
    """Tell whether a voice would now be an interruption, no longer the same turn."""
    ended_s = s.turn.times.ended if s.turn else None
    return (
        s.unsettled
        and not s.rules.paced
        and event.heard_ms >= SAME_TURN_HEARD_MS
        and (ended_s is None or now_s - ended_s >= SAME_TURN_S)
    )
