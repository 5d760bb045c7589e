"""The control socket: how commands on this machine reach the daemon.

A Unix socket that only its owner may open. A client sends one command and reads answers.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from functools import partial
from pathlib import Path

from assistant.bridges.eventlines import WATCHED, as_table
from assistant.bridges.host import Host
from assistant.bridges.messages import (
    LINE_BYTES,
    Alive,
    Answer,
    Ask,
    AskWav,
    Command,
    Done,
    Failed,
    Happened,
    Listen,
    Lost,
    Say,
    Status,
    StatusIs,
    Stop,
    Watch,
    encode,
    parse,
)
from assistant.bridges.requests import follow, follow_private, follow_recording, new_request_id
from assistant.bus import Overflow
from assistant.errors import AssistantError, RequestError
from assistant.events import MAIN, Requested, RequestKind
from assistant.supervisor import root_cause

MAX_CLIENTS = 16
COMMAND_S = 5.0
"""Longest wait for a client's command, s."""
SEND_S = 5.0
"""A client that takes nothing for so long is left, s."""
ALIVE_EVERY_S = 5.0
WATCH_SIZE = 1024
"""Events a watcher may fall behind before it loses the oldest."""


def bridge(path: Path) -> Callable[[Host, Callable[[], None]], Awaitable[None]]:
    """Return the bridge that serves the socket at `path`."""
    return partial(serve, path=path)


async def serve(host: Host, ready: Callable[[], None], *, path: Path) -> None:
    """Serve clients until cancelled. Raises RequestError when the socket cannot be made."""
    with _bound(path) as listener:
        async with asyncio.TaskGroup() as group:
            clients = _Clients(host, group)
            server = await asyncio.start_unix_server(
                clients.welcome, sock=listener, limit=LINE_BYTES
            )
            ready()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                server.close()


@contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    """Make the socket, mode 0600, in place of one that a dead daemon left; remove it at the end."""
    if path.exists() and not path.is_socket():
        raise RequestError(f"{path}: is not a socket; remove it")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise RequestError(f"{path}: cannot be made: {error.strerror or error}") from error
    finally:
        os.umask(before)
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


class _Left(Exception):
    """The client closed its end."""


class _Clients:
    """Everybody who is connected."""

    def __init__(self, host: Host, group: asyncio.TaskGroup) -> None:
        self._host = host
        self._group = group
        self._count = 0

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._group.create_task(self._serve(reader, writer), name="control.client")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        try:
            command = parse(await _read_command(reader))
            if self._count > MAX_CLIENTS:
                raise RequestError(f"busy: {MAX_CLIENTS} clients are connected; try again soon")
            await self._answer(command, reader, writer)
        except AssistantError as error:
            with suppress(TimeoutError, OSError):
                await _send(writer, Failed(text=str(error)))
        except (TimeoutError, OSError):
            pass  # the client left, or takes nothing
        finally:
            self._count -= 1
            writer.close()

    async def _answer(
        self, command: Command, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(_until_left(reader), name="control.left"),
                    group.create_task(_keep_alive(writer), name="control.alive"),
                ]
                async with aclosing(answers(self._host, command)) as stream:
                    async for answer in stream:
                        await _send(writer, answer)
                await _send(writer, Done())
                for task in beside:
                    task.cancel()
        except* _Left:
            pass
        except* (AssistantError, TimeoutError, OSError) as errors:
            raise root_cause(errors) from None


async def answers(host: Host, command: Command) -> AsyncGenerator[Answer, None]:
    """Yield what comes of a command. Raises RequestError, BusOverflow."""
    match command:
        case Status():
            yield StatusIs(status=host.status())
        case Watch():
            async with aclosing(_watch(host)) as events:
                async for event in events:
                    yield event
        case AskWav(path=path, out=out):
            async with aclosing(follow_recording(host, path, out)) as stream:
                async for answer in stream:
                    yield answer
        case Stop():
            host.bus.publish(Requested(session=MAIN, request=new_request_id(), kind="stop"))
        case Ask() | Say() | Listen():
            async with aclosing(_request(host, command)) as stream:
                async for answer in stream:
                    yield answer


def _request(host: Host, command: Ask | Say | Listen) -> AsyncGenerator[Answer, None]:
    kind: RequestKind
    match command:
        case Ask(text=text, aloud=aloud, out=out):
            kind, timeout_s = "ask", 0.0
        case Say(text=text, out=out):
            kind, aloud, timeout_s = "say", True, 0.0
        case Listen(prompt=text, timeout_s=timeout_s):
            kind, aloud, out = "listen", True, None
    wanted = Requested(
        session=host.new_session_id("file") if out else MAIN,
        request=new_request_id(),
        kind=kind,
        text=text,
        aloud=aloud,
        timeout_s=timeout_s,
    )
    return follow_private(host, wanted, out) if out else follow(host, wanted)


async def _watch(host: Host) -> AsyncGenerator[Answer, None]:
    yield StatusIs(status=host.status())
    with host.bus.subscribe(
        "watch", *WATCHED, size=WATCH_SIZE, overflow=Overflow.DROP_OLDEST
    ) as inbox:
        told = 0
        async for event in inbox:
            if inbox.dropped > told:
                yield Lost(events=inbox.dropped - told)
                told = inbox.dropped
            yield Happened(event=as_table(event))


async def _read_command(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(COMMAND_S):
            return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        raise RequestError("bad command: its line has no end") from error
    except asyncio.LimitOverrunError as error:
        await _discard(reader)
        raise RequestError(f"bad command: longer than {LINE_BYTES} bytes") from error
    except TimeoutError as error:
        raise RequestError(f"no command came within {COMMAND_S:g} s") from error


async def _discard(reader: asyncio.StreamReader) -> None:
    """Read away the rest of a line: a socket closed with unread bytes loses its answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            while piece := await reader.read(LINE_BYTES):
                if piece.endswith(b"\n"):
                    return


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(encode(answer))
    async with asyncio.timeout(SEND_S):
        await writer.drain()


async def _keep_alive(writer: asyncio.StreamWriter) -> None:
    while True:
        await asyncio.sleep(ALIVE_EVERY_S)
        await _send(writer, Alive())


async def _until_left(reader: asyncio.StreamReader) -> None:
    while await reader.read(LINE_BYTES):
        pass
    raise _Left
