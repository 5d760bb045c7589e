"""From a request on the bus to the answers that come of it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from assistant.bridges.host import Host
from assistant.bridges.messages import Answer, Delta, Dropped, Heard, Report
from assistant.errors import RequestError
from assistant.events import (
    Event,
    Fault,
    ReplyDelta,
    RequestDropped,
    Requested,
    SessionEnded,
    SessionId,
    StageFailed,
    TurnClosed,
    TurnId,
    TurnOpened,
)

INBOX_SIZE = 4096
"""Pieces of the reply that a slow client may fall behind."""
ENDS_A_LINE = frozenset({"no_microphone", "no_loudspeaker", "audio_gone", "bad_command"})
"""Faults after which a private conversation hears or says nothing more."""


def new_request_id() -> str:
    """Return an id that no other request has."""
    return uuid.uuid4().hex


async def follow(host: Host, wanted: Requested) -> AsyncGenerator[Answer, None]:
    """Publish the request; yield its reply as it comes, then its report or why there is none.

    Raises RequestError when the conversation crashed, BusOverflow when the caller is too slow.
    """
    with host.bus.subscribe(
        f"request {wanted.request}",
        TurnOpened,
        ReplyDelta,
        TurnClosed,
        RequestDropped,
        StageFailed,
        session=wanted.session,
        size=INBOX_SIZE,
    ) as inbox:
        host.bus.publish(wanted)
        turn: TurnId | None = None
        async for event in inbox:
            match event:
                case TurnOpened(request=wanted.request, heard=heard):
                    turn = event.turn
                    if event.opened_by == "voice" and heard:
                        yield Heard(text=heard)
                case ReplyDelta(text=text) if event.turn == turn and text:
                    yield Delta(text=text)
                case TurnClosed(report=report) if report.request == wanted.request:
                    yield Report(report=report.as_dict())
                    return
                case RequestDropped(request=wanted.request, reason=reason):
                    yield Dropped(reason=reason)
                    return
                case StageFailed():
                    _check_conversation(event)


async def follow_private(host: Host, wanted: Requested, out: Path) -> AsyncGenerator[Answer, None]:
    """Like follow(), in a conversation of its own whose sound goes into a file."""
    with _written(out):
        try:
            await host.open_private(wanted.session, None, out)
            async with aclosing(follow(host, wanted)) as answers:
                async for answer in answers:
                    yield answer
        finally:
            await host.close_session(wanted.session)


async def follow_recording(host: Host, wav: Path, out: Path | None) -> AsyncGenerator[Answer, None]:
    """Answer a recording in a conversation of its own; yield what comes of each turn.

    Raises RequestError when the recording cannot be read or the answer cannot be written.
    """
    session = host.new_session_id("wav")
    with (
        _written(out),
        host.bus.subscribe(
            f"recording {session}",
            TurnOpened,
            ReplyDelta,
            TurnClosed,
            SessionEnded,
            StageFailed,
            Fault,
            session=session,
            size=INBOX_SIZE,
        ) as inbox,
    ):
        try:
            await host.open_private(session, wav, out)
            async for event in inbox:
                if isinstance(event, SessionEnded):
                    return
                for answer in _of_recording(session, event):
                    yield answer
        finally:
            await host.close_session(session)


@contextmanager
def _written(out: Path | None) -> Iterator[None]:
    """Make sure that the file was written anew. Raises RequestError."""
    before = _identity(out)
    yield
    if out is not None and _identity(out) == before:
        raise RequestError(f"{out}: could not be written; is the folder writable, the disk full?")


def _identity(path: Path | None) -> tuple[int, int] | None:
    if path is None or not path.exists():
        return None
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _of_recording(session: SessionId, event: Event) -> list[Answer]:
    match event:
        case TurnOpened(heard=heard) if heard:
            return [Heard(text=heard)]
        case ReplyDelta(text=text) if text:
            return [Delta(text=text)]
        case TurnClosed(report=report):
            return [Report(report=report.as_dict())]
        case StageFailed():
            _check_conversation(event)
        case Fault(code=code, text=text) if event.session == session and code in ENDS_A_LINE:
            raise RequestError(text)
    return []


def _check_conversation(failed: StageFailed) -> None:
    if failed.stage == f"{failed.session}.conductor":
        raise RequestError(f"the conversation crashed: {failed.error}")
