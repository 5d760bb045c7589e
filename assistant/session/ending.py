"""How turns end: completed, cut, failed. What was heard is what is remembered."""

from __future__ import annotations

from dataclasses import replace

from assistant.events import (
    BargedIn,
    Cancel,
    Hear,
    Line,
    Prefill,
    Say,
    Settle,
    TurnClosed,
    TurnOpened,
)
from assistant.session.state import CLOSE_S, Next, Orders, Phase, Session, begin_take
from assistant.session.turn import Turn, lines, report, said

SORRY = "Sorry, something went wrong. Please say that again."
HISTORY_BYTES = 5000
"""History beyond this loses its oldest half, so that the prompt's prefix breaks rarely."""
LINE_BYTES = 2000
"""Of a longer line only the end is remembered."""


def settle(s: Session) -> Next:
    """Let go of the utterance; a file that waited is read on."""
    orders: Orders = (Settle(session=s.id),) if s.unsettled else ()
    if s.rules.paced:
        orders = (*orders, Hear(session=s.id))
    return replace(s, unsettled=False, clip=None), orders


def go_idle(s: Session) -> Next:
    """Return to idle with no turn open."""
    s, orders = settle(s)
    return replace(s, phase=Phase.IDLE, turn=None, phase_until_s=None), orders


def announce(s: Session, turn: Turn) -> tuple[Session, Turn, Orders]:
    """Open the turn for everybody, once; a spoken one answers the `listen` that waits."""
    if turn.announced:
        return s, turn, ()
    if s.window is not None and turn.opened_by == "voice":
        turn = replace(turn, request=s.window.request)
        s = replace(s, window=None, window_until_s=None)
    opened = TurnOpened(
        session=s.id,
        turn=turn.id,
        opened_by=turn.opened_by,
        request=turn.request,
        heard=turn.heard,
    )
    return s, replace(turn, announced=True), (opened,)


def close(s: Session, turn: Turn, *, whole: bool) -> Next:
    """Remember the turn as far as it was heard, and report it.

    whole: the reply was heard to its end.
    """
    if not turn.announced:
        return s, ()
    reply = said(turn, whole=whole) if turn.aloud else turn.written.strip()
    history = _trimmed((*s.history, *map(_shortened, lines(turn, reply))))
    closed = TurnClosed(
        session=s.id,
        turn=turn.id,
        report=report(turn, session=s.id, persona=s.persona, reply=reply, whole=whole),
    )
    ahead = Prefill(session=s.id, history=history)
    s = replace(s, history=history, cut_short=not whole and turn.heard is not None)
    return s, (closed, ahead)


def complete(s: Session, turn: Turn, *, whole: bool = True) -> Next:
    """Close the open turn and go idle."""
    s, closed = close(s, turn, whole=whole)
    s, idle = go_idle(s)
    return s, (*closed, *idle)


def cut(s: Session, reason: str, now_s: float, *, by_voice: bool) -> Next:
    """Silence the open turn. It closes when the loudspeaker has told where it was cut."""
    turn = s.turn
    if turn is None:
        return s, ()
    cancel = Cancel(session=s.id, turn=turn.id, take=s.take, reason=reason)
    s, earlier = finish_closing(s)
    orders: Orders = (*earlier, cancel)
    if by_voice:
        turn = replace(turn, barged_in_s=now_s)
        orders = (*orders, BargedIn(session=s.id, turn=turn.id, take=s.take))
    s = replace(s, turn=None)
    if turn.times.first_sound is None:
        s, closed = close(s, turn, whole=False)
        return s, (*orders, *closed)
    s = replace(s, closing=turn, closing_take=s.take, closing_until_s=now_s + CLOSE_S)
    return s, orders


def finish_closing(s: Session) -> Next:
    """Close a cut turn with what is known of how far it was heard."""
    if s.closing is None:
        return s, ()
    turn = s.closing
    return close(replace(s, closing=None, closing_until_s=None), turn, whole=False)


def fail(s: Session, error: str, now_s: float) -> Next:
    """Apologise in a new take; a turn whose apology fails too is closed."""
    turn = s.turn
    if turn is None:
        return go_idle(s) if s.phase is not Phase.IDLE else (s, ())
    cancel = Cancel(session=s.id, turn=turn.id, take=s.take, reason=error)
    s, turn, opened = announce(s, turn)
    if turn.error is not None or not turn.aloud:
        s, done = complete(s, replace(turn, error=turn.error or error), whole=False)
        return s, (*opened, cancel, *done)
    heard_so_far = said(turn, whole=False)
    turn = replace(turn, error=error, handled_by="apology", said_before=heard_so_far)
    s, turn, release = begin_take(s, turn)
    say = Say(session=s.id, turn=turn.id, take=s.take, text=SORRY)
    s = replace(s, phase=Phase.THINKING, phase_until_s=s.answer_by(now_s))
    return s, (*opened, cancel, say, release)


def _trimmed(history: tuple[Line, ...]) -> tuple[Line, ...]:
    while sum(len(line.text.encode()) for line in history) > HISTORY_BYTES:
        history = history[(len(history) + 1) // 2 :]
    return history


def _shortened(line: Line) -> Line:
    data = line.text.encode()
    if len(data) <= LINE_BYTES:
        return line
    return replace(line, text=f"... {data[-LINE_BYTES:].decode(errors='ignore')}")
