from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import virtual_time
from assistant.bridges.mqtt_commands import (
    PAYLOAD_BYTES,
    TERMINAL,
    Command,
    Outcome,
    Rejected,
    of_report,
    parse,
    reply,
)
from assistant.bridges.mqtt_worker import WAITING, Worker
from assistant.bus import Bus
from assistant.events import MAIN, RequestDropped, Requested, SessionId, TurnClosed, TurnId
from assistant.report import BargeIn, Cut, OpenedBy, TurnReport


def test_plain_text_is_the_main_field() -> None:
    command = parse("say", "Dinner is ready — come!".encode())
    assert (command.kind, command.text, command.aloud) == ("say", "Dinner is ready — come!", True)
    assert command.id


def test_a_json_object_is_options_and_unknown_ones_are_named() -> None:
    payload = json.dumps({"id": "x.1", "text": "Hi", "speak": False, "expires": 3, "mood": 1})
    command = parse("ask", payload.encode())
    assert command == Command(
        id="x.1",
        kind="ask",
        text="Hi",
        aloud=False,
        expires_s=3.0,
        warnings=("unknown field 'mood'",),
    )


def test_text_that_only_looks_like_json_is_text_unless_it_says_that_it_is_json() -> None:
    assert parse("say", b"{smile} hello").text == "{smile} hello"
    with pytest.raises(Rejected, match="not JSON"):
        parse("say", b"{smile} hello", content_type="application/json")
    with pytest.raises(Rejected, match="no object"):
        parse("say", b"[1]", content_type="application/json")


def test_listen_speaks_its_prompt_first_and_an_empty_payload_is_enough() -> None:
    assert parse("listen", b'{"prompt": "Yes?", "timeout": 5}').text == "Yes?"
    assert parse("listen", b"").timeout_s == 8.0
    assert parse("stop", b"").kind == "stop"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", "text: is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a" * (PAYLOAD_BYTES + 1), "at most"),
        (b'{"id": "a/b", "text": "x"}', "id: 1 to 64"),
        (b'{"text": "x", "expires": -1}', "expires: "),
        (b'{"text": 7}', "text: "),
        (b'{"text": "x", "timeout": "soon"}', "timeout: "),
    ],
)
def test_what_is_no_command_is_rejected_with_the_reason(payload: bytes, text: str) -> None:
    with pytest.raises(Rejected, match=text) as caught:
        parse("say", payload)
    assert caught.value.id


def test_properties_of_mqtt_5_win_and_foreign_reply_topics_are_refused() -> None:
    payload = b'{"text": "x", "reply_to": "lares/a/reply/1", "expires": 9}'
    command = parse("ask", payload, response_topic="lares/b/reply/2", expires_s=1.0)
    assert (command.reply_topic, command.expires_s) == ("lares/b/reply/2", 1.0)
    foreign = parse("ask", b"x", response_topic="lares/b/say")
    assert foreign.reply_topic is None
    assert "lares/b/say" in foreign.warnings[0]


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_no_payload_does_anything_but_parse_or_be_rejected(payload: bytes) -> None:
    try:
        command = parse("ask", payload)
    except Rejected:
        return
    assert command.text.strip()
    told = json.loads(reply(command.id, "ask", Outcome(status="accepted"), command.warnings))
    assert told["id"] == command.id


def report(**fields: Any) -> TurnReport:
    opened: OpenedBy = "mqtt"
    return TurnReport(session="main", turn=3, persona="Nova", opened_by=opened, **fields)


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"reply": "Hi."}, "done", None),
        ({"error": "llm died"}, "failed", "llm died"),
        ({"cut_at": Cut(word="Hi", ms=1.0)}, "cancelled", "stopped"),
        (
            {"cut_at": Cut(word="Hi", ms=1.0), "barge_in": BargeIn(verdict="cut")},
            "cancelled",
            "interrupted",
        ),
    ],
)
def test_the_report_says_how_a_command_ended(
    fields: dict[str, Any], status: str, reason: str | None
) -> None:
    outcome = of_report(report(**fields))
    assert (outcome.status, outcome.reason) == (status, reason)


class FakeHost:
    """A bus that answers each request after a second."""

    def __init__(self) -> None:
        self.bus = Bus(asyncio.get_running_loop().time)
        self.requests: list[Requested] = []
        self.told: list[tuple[str, str, str | None]] = []

    def status(self) -> dict[str, Any]:
        return {}

    def new_session_id(self, kind: str) -> SessionId:
        return SessionId(kind)

    async def open_private(self, session: SessionId, wav: Path | None, out: Path | None) -> None:
        raise AssertionError

    async def close_session(self, session: SessionId) -> None:
        raise AssertionError

    def note(self, wanted: Requested) -> None:
        self.requests.append(wanted)
        if wanted.kind == "stop":
            for one in self.requests:
                dropped = RequestDropped(session=MAIN, request=one.request, reason="stopped")
                self.bus.publish(dropped)
            return
        closed = TurnClosed(
            session=MAIN, turn=TurnId(3), report=report(request=wanted.request, reply="Hi.")
        )
        asyncio.get_running_loop().call_later(1.0, self.bus.publish, closed)

    def tell(self, command: Command, outcome: Outcome) -> None:
        self.told.append((command.id, outcome.status, outcome.reason))


def with_worker(test: Callable[[FakeHost, Worker], Any]) -> None:
    async def run() -> None:
        host = FakeHost()
        worker = Worker(host, host.tell)
        with host.bus.tap(Requested, host.note):
            task = asyncio.create_task(worker.run())
            try:
                await test(host, worker)
            finally:
                task.cancel()
                await asyncio.wait({task})

    virtual_time.run(run())


def test_commands_are_served_in_order_each_answered_once() -> None:
    async def test(host: FakeHost, worker: Worker) -> None:
        worker.take(Command(id="a", kind="ask", text="1"))
        worker.take(Command(id="b", kind="say", text="2"))
        worker.take(Command(id="a", kind="ask", text="1"))
        await asyncio.sleep(5)
        assert [wanted.text for wanted in host.requests] == ["1", "2"]
        terminal = [told for told in host.told if told[1] in TERMINAL]
        assert terminal == [("a", "done", None), ("b", "done", None)]
        worker.take(Command(id="a", kind="ask", text="1"))
        assert host.told[-1] == ("a", "done", None)
        assert len(host.requests) == 2

    with_worker(test)


def test_a_full_queue_rejects_and_stop_empties_it() -> None:
    async def test(host: FakeHost, worker: Worker) -> None:
        worker.take(Command(id="first", kind="ask", text="0"))
        await asyncio.sleep(0.1)
        for number in range(WAITING + 1):
            worker.take(Command(id=str(number), kind="ask", text="x"))
        assert host.told[-1] == (str(WAITING), "rejected", "busy")
        worker.take(Command(id="s", kind="stop"))
        await asyncio.sleep(5)
        cancelled = [told[0] for told in host.told if told[1:] == ("cancelled", "stopped")]
        assert sorted(cancelled) == sorted(["first", *map(str, range(WAITING))])
        assert ("s", "done", None) in host.told
        assert [wanted.kind for wanted in host.requests] == ["ask", "stop"]

    with_worker(test)


def test_a_command_that_could_not_begin_in_time_expires() -> None:
    async def test(host: FakeHost, worker: Worker) -> None:
        worker.take(Command(id="a", kind="ask", text="1"))
        worker.take(Command(id="late", kind="say", text="2", expires_s=0.5))
        await asyncio.sleep(5)
        assert ("late", "expired", None) in host.told
        assert [wanted.text for wanted in host.requests] == ["1"]

    with_worker(test)
