"""What people ask for without speaking: ask, say, listen, stop."""

from __future__ import annotations

from dataclasses import replace

from assistant.events import DropReason, RequestDropped, Requested, Say, TurnId
from assistant.session.ending import announce, cut, finish_closing, go_idle
from assistant.session.replying import respond, think
from assistant.session.state import QUEUE, Next, Phase, Session, begin_take
from assistant.session.turn import Times, Turn


def request(s: Session, event: Requested, now_s: float) -> Next:
    """Serve the request now, queue it while the conversation is busy, or refuse it."""
    match event.kind:
        case "stop":
            return _stop(s, now_s)
        case "listen" if not event.text:
            s, dropped = _drop_window(s, "stopped")
            return replace(s, window=event), dropped
        case "ask" | "say" if not event.text.strip():
            return s, (_dropped(s, event, "empty"),)
    if len(s.queue) >= QUEUE:
        return s, (_dropped(s, event, "busy"),)
    return replace(s, queue=(*s.queue, event)), ()


def next_request(s: Session, now_s: float) -> Next:
    """Serve the oldest request of an idle session."""
    s, earlier = finish_closing(s)
    event, rest = s.queue[0], s.queue[1:]
    turn = Turn(
        id=TurnId(s.turns + 1),
        opened_by=event.opened_by,
        request=event.request if event.kind != "listen" else None,
        aloud=event.aloud,
        handled_by="model" if event.kind == "ask" else "local",
        heard=event.text.strip() if event.kind == "ask" else None,
        times=Times(ended=now_s),
    )
    s, turn, release = begin_take(replace(s, queue=rest, turns=turn.id), turn)
    if event.kind == "ask":
        s, orders = respond(s, turn, now_s)
        return s, (*earlier, *orders, release)
    if event.kind == "listen":
        s, dropped = _drop_window(s, "stopped")
        s = replace(s, window=replace(event, text=""))
        earlier = (*earlier, *dropped)
    s, turn, opened = announce(s, turn)
    say = Say(session=s.id, turn=turn.id, take=s.take, text=event.text)
    return think(s, turn, now_s), (*earlier, *opened, say, release)


def close_window(s: Session) -> Next:
    """Nobody spoke after `listen`."""
    return _drop_window(s, "timeout")


def _stop(s: Session, now_s: float) -> Next:
    dropped = tuple(_dropped(s, event, "stopped") for event in s.queue)
    s, window = _drop_window(replace(s, queue=()), "stopped")
    s, orders = cut(s, "stop", now_s, by_voice=False)
    if s.phase is Phase.IDLE:
        return s, (*dropped, *window, *orders)
    s, idle = go_idle(s)
    return s, (*dropped, *window, *orders, *idle)


def _drop_window(s: Session, reason: DropReason) -> Next:
    if s.window is None:
        return s, ()
    dropped = _dropped(s, s.window, reason)
    return replace(s, window=None, window_until_s=None), (dropped,)


def _dropped(s: Session, event: Requested, reason: DropReason) -> RequestDropped:
    return RequestDropped(session=s.id, request=event.request, reason=reason)
