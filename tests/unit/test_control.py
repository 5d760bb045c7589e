from __future__ import annotations

import asyncio
import json
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import virtual_time
from assistant.bridges import control
from assistant.bridges.messages import LINE_BYTES, Ask, parse
from assistant.bus import Bus
from assistant.errors import RequestError
from assistant.events import (
    MAIN,
    Event,
    Fault,
    PhaseChanged,
    ReplyDelta,
    RequestDropped,
    Requested,
    SessionEnded,
    SessionId,
    StageFailed,
    TakeId,
    TurnClosed,
    TurnId,
    TurnOpened,
)
from assistant.report import TurnReport

TURN, TAKE = TurnId(1), TakeId(1)
Answers = list[dict[str, Any]]


@dataclass
class FakeHost:
    """A daemon without engines: a real bus, and what was asked of it."""

    bus: Bus = field(default_factory=lambda: Bus(lambda: 1.0))
    opened: list[tuple[SessionId, Path | None, Path | None]] = field(default_factory=list)
    closed: list[SessionId] = field(default_factory=list)
    plays: tuple[Event, ...] = ()
    """Published when a private session opens."""

    def status(self) -> dict[str, Any]:
        return {"phase": "idle"}

    def new_session_id(self, kind: str) -> SessionId:
        return SessionId(f"{kind}-1")

    async def open_private(self, session: SessionId, wav: Path | None, out: Path | None) -> None:
        self.opened.append((session, wav, out))
        _answer_into(out)
        for event in self.plays:
            self.bus.publish(event)

    async def close_session(self, session: SessionId) -> None:
        self.closed.append(session)

    def answer(self, wanted: Requested) -> None:
        """Answer a request the way a conversation does."""
        if wanted.text == "busy":
            dropped = RequestDropped(session=MAIN, request=wanted.request, reason="busy")
            self.bus.publish(dropped)
        if wanted.kind != "ask" or wanted.text != "Hello?":
            return
        other = ReplyDelta(session=MAIN, turn=TurnId(9), take=TAKE, text="no", tokens=1, aloud=True)
        self.bus.publish(other)
        for event in turn(MAIN, wanted.request):
            self.bus.publish(event)


def _answer_into(out: Path | None) -> None:
    if out is not None and out.parent.is_dir():
        out.write_bytes(b"RIFF")


def turn(session: SessionId, request: str | None) -> tuple[Event, ...]:
    about: dict[str, Any] = {"session": session, "turn": TURN}
    report = TurnReport(
        session=session, turn=1, persona="Nova", opened_by="text", request=request, reply="Hi you."
    )
    return (
        TurnOpened(**about, opened_by="text", request=request, heard="Hello?"),
        ReplyDelta(**about, take=TAKE, text="Hi ", tokens=1, aloud=True),
        ReplyDelta(**about, take=TAKE, text="you.", tokens=2, aloud=True, last=True),
        TurnClosed(**about, report=report),
    )


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "c.sock"


@asynccontextmanager
async def serving(path: Path, host: FakeHost | None = None) -> AsyncIterator[FakeHost]:
    host = host or FakeHost()
    ready = asyncio.Event()
    with host.bus.tap(Requested, host.answer):
        task = asyncio.create_task(control.serve(host, ready.set, path=path))
        try:
            await ready.wait()
            yield host
        finally:
            task.cancel()
            await asyncio.wait({task})


@asynccontextmanager
async def connected(path: Path, line: bytes) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(line)
    try:
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def send(path: Path, line: bytes) -> Answers:
    async with connected(path, line) as reader:
        return [json.loads(answer) async for answer in reader]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def command(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def test_a_question_streams_its_own_reply_and_ends_with_the_report(path: Path) -> None:
    async def test() -> None:
        async with serving(path):
            answers = await send(path, command(command="ask", text="Hello?"))
        assert [answer["kind"] for answer in answers] == ["delta", "delta", "report", "done"]
        assert "".join(answer.get("text", "") for answer in answers) == "Hi you."
        assert answers[2]["report"]["reply"] == "Hi you."

    virtual_time.run(test())


def test_a_dropped_request_says_why(path: Path) -> None:
    async def test() -> None:
        async with serving(path):
            answers = await send(path, command(command="say", text="busy"))
        assert answers == [{"kind": "dropped", "reason": "busy"}, {"kind": "done"}]

    virtual_time.run(test())


def test_a_conversation_that_crashes_fails_the_request(path: Path) -> None:
    async def test() -> None:
        async with serving(path) as host:
            asking = asyncio.create_task(send(path, command(command="ask", text="Nobody?")))
            await asyncio.sleep(1)
            host.bus.publish(StageFailed(session=MAIN, stage="main.conductor", error="a bug"))
            answers = await asking
        assert answers == [{"kind": "failed", "text": "the conversation crashed: a bug"}]

    virtual_time.run(test())


def test_a_client_that_waits_long_is_told_that_the_daemon_lives(path: Path) -> None:
    async def test() -> None:
        async with serving(path) as host:
            asking = asyncio.create_task(send(path, command(command="ask", text="Nobody?")))
            await asyncio.sleep(11)
            host.bus.publish(StageFailed(session=MAIN, stage="main.conductor", error="a bug"))
            assert [answer["kind"] for answer in await asking] == ["alive", "alive", "failed"]

    virtual_time.run(test())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"nonsense\n", "bad command: "),
        (b'{"command": "dance"}\n', "bad command: "),
        (command(command="ask"), "bad command: ask.text: Field required"),
        (command(command="ask_wav", path="a.wav"), "name an absolute path"),
        (command(command="listen", timeout_s=1000), "bad command: listen.timeout_s"),
        (b"x" * (3 * LINE_BYTES) + b"\n", f"longer than {LINE_BYTES} bytes"),
    ],
)
def test_what_is_no_command_is_refused_in_one_line(path: Path, line: bytes, text: str) -> None:
    async def test() -> None:
        async with serving(path):
            (answer,) = await send(path, line)
        assert answer["kind"] == "failed"
        assert text in answer["text"]
        assert "\n" not in answer["text"]

    virtual_time.run(test())


def test_a_client_that_says_nothing_is_let_go(path: Path) -> None:
    async def test() -> None:
        async with serving(path):
            (answer,) = await send(path, b"")
        assert "no command came" in answer["text"]

    virtual_time.run(test())


def test_a_crowd_is_refused_and_the_others_are_served_on(path: Path) -> None:
    async def test() -> None:
        async with serving(path) as host, AsyncExitStack() as stack:
            watching = [
                await stack.enter_async_context(connected(path, command(command="watch")))
                for _ in range(control.MAX_CLIENTS)
            ]
            for reader in watching:
                await reader.readline()
            (answer,) = await send(path, command(command="status"))
            assert "clients are connected" in answer["text"]
            host.bus.publish(PhaseChanged(session=MAIN, phase="listening"))
            for reader in watching:
                told = json.loads(await reader.readline())
                assert told["event"]["phase"] == "listening"

    virtual_time.run(test())


def test_a_watcher_that_leaves_makes_room_for_another(path: Path) -> None:
    async def test() -> None:
        async with serving(path):
            for _ in range(2 * control.MAX_CLIENTS):
                async with connected(path, command(command="watch")) as reader:
                    assert json.loads(await reader.readline())["kind"] == "status"
                await asyncio.sleep(0.1)

    virtual_time.run(test())


def test_a_slow_watcher_loses_events_and_learns_how_many(path: Path) -> None:
    async def test() -> None:
        watching = command(command="watch")
        async with serving(path) as host, connected(path, watching) as reader:
            await reader.readline()
            for _ in range(control.WATCH_SIZE + 5):
                host.bus.publish(PhaseChanged(session=MAIN, phase="listening"))
            told = [json.loads(await reader.readline()) for _ in range(2)]
        assert told[0] == {"kind": "lost", "events": 5}
        assert told[1]["event"]["event"] == "PhaseChanged"

    virtual_time.run(test())


def test_a_recording_is_answered_in_a_session_that_is_closed_again(
    path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "reply.wav"
    private = SessionId("wav-1")
    host = FakeHost(plays=(*turn(private, None), SessionEnded(session=private)))

    async def test() -> None:
        async with serving(path, host):
            answers = await send(path, command(command="ask_wav", path="/a.wav", out=str(out)))
        kinds = [answer["kind"] for answer in answers]
        assert kinds == ["heard", "delta", "delta", "report", "done"]
        assert host.opened == [(private, Path("/a.wav"), out)]
        assert host.closed == [private]

    virtual_time.run(test())


def test_an_answer_that_could_not_be_written_is_told(path: Path) -> None:
    private = SessionId("wav-1")
    host = FakeHost(plays=(*turn(private, None), SessionEnded(session=private)))

    async def test() -> None:
        async with serving(path, host):
            asked = command(command="ask_wav", path="/a.wav", out="/nowhere/b.wav")
            answers = await send(path, asked)
        assert answers[-1]["kind"] == "failed"
        assert "/nowhere/b.wav: could not be written" in answers[-1]["text"]

    virtual_time.run(test())


def test_a_recording_that_cannot_be_read_fails_with_the_fault(path: Path) -> None:
    private = SessionId("wav-1")
    fault = Fault(session=private, code="no_microphone", text="/a.wav: not a wav file")
    host = FakeHost(plays=(fault,))

    async def test() -> None:
        async with serving(path, host):
            answers = await send(path, command(command="ask_wav", path="/a.wav"))
        assert answers == [{"kind": "failed", "text": "/a.wav: not a wav file"}]
        assert host.closed == [private]

    virtual_time.run(test())


def test_a_client_that_leaves_ends_its_private_session(path: Path) -> None:
    host = FakeHost()

    async def test() -> None:
        async with serving(path, host):
            async with connected(path, command(command="ask_wav", path="/a.wav")):
                await asyncio.sleep(1)
                assert (len(host.opened), host.closed) == (1, [])
            await asyncio.sleep(1)
            assert host.closed == [SessionId("wav-1")]

    virtual_time.run(test())


def test_the_socket_replaces_a_stale_one_is_private_and_goes_with_the_daemon(path: Path) -> None:
    async def test() -> None:
        async with serving(path):
            modes.append(mode(path))

    modes: list[int] = []
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    for _ in range(2):
        virtual_time.run(test())
        assert not path.exists()
    assert modes == [0o600, 0o600]


def test_a_file_in_the_place_of_the_socket_is_not_touched(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(RequestError, match="is not a socket; remove it"):
        virtual_time.run(control.serve(FakeHost(), lambda: None, path=path))
    assert path.read_text() == "mine"


def test_a_command_is_read_with_its_defaults() -> None:
    assert parse(b'{"command": "ask", "text": "Hi"}') == Ask(command="ask", text="Hi")
