"""The MQTT bridge of a real daemon with a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.broker import Broker, Listener, free_port
from integration.lares import Lares
from integration.scripted import scripted

pytestmark = pytest.mark.broker

BASE = "lares/kitchen"
LONG = " ".join(f"word{n}" for n in range(400))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as running:
        yield running


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with Listener(broker.port) as client:
        yield client


def environment(tmp_path: Path, port: int) -> dict[str, str]:
    return {
        **scripted(tmp_path),
        "LARES_MQTT__HOST": "127.0.0.1",
        "LARES_MQTT__PORT": str(port),
        "LARES_MQTT__NODE": "kitchen",
    }


@pytest.fixture
def lares(tmp_path: Path, broker: Broker, listener: Listener) -> Iterator[Lares]:
    with Lares(tmp_path, environment(tmp_path, broker.port)) as running:
        listener.says(f"{BASE}/availability", "online")
        yield running


@pytest.mark.usefixtures("lares")
def test_a_question_gets_one_terminal_reply_with_answer_and_times(listener: Listener) -> None:
    listener.publish(f"{BASE}/ask", {"id": "a1", "text": "Who are you?", "colour": "red"})
    told = listener.result(f"{BASE}/reply/a1")
    assert told["status"] == "done"
    assert told["data"]["text"] == "You said: Who are you?"
    assert told["data"]["ms"]["first_token"] is not None
    assert told["warnings"] == ["unknown field 'colour'"]

    after = len(listener.messages)
    listener.publish(f"{BASE}/ask", {"id": "a1", "text": "Who are you?"})
    assert listener.result(f"{BASE}/reply/a1", after=after)["data"] == told["data"]
    assert listener.replies(f"{BASE}/reply/a1") == ["accepted", "done", "done"]


@pytest.mark.usefixtures("lares")
def test_plain_text_is_spoken_and_the_state_follows(listener: Listener) -> None:
    listener.publish(f"{BASE}/say", "Dinner is ready.")
    listener.says(f"{BASE}/state", "speaking")
    listener.wait(lambda m: m.topic.startswith(f"{BASE}/reply/") and b'"done"' in m.payload)
    spoken = len(listener.messages)
    listener.says(f"{BASE}/state", "idle", after=spoken - 3)


@pytest.mark.usefixtures("lares")
def test_the_reply_goes_where_mqtt_5_asks_for_it(listener: Listener) -> None:
    listener.publish(
        f"{BASE}/ask",
        "Here?",
        ResponseTopic="lares/panel/reply/7",
        CorrelationData=b"\x01\x02",
    )
    assert listener.result("lares/panel/reply/7")["data"]["text"] == "You said: Here?"
    properties = listener.wait(lambda m: m.topic == "lares/panel/reply/7").properties
    assert getattr(properties, "CorrelationData", None) == b"\x01\x02"


@pytest.mark.usefixtures("lares")
def test_stop_cancels_what_speaks_and_what_waits(listener: Listener) -> None:
    listener.publish(f"{BASE}/ask", {"id": "long", "text": LONG})
    listener.publish(f"{BASE}/say", {"id": "next", "text": "Later."})
    listener.says(f"{BASE}/state", "speaking")
    listener.publish(f"{BASE}/stop", {"id": "s"})
    assert listener.result(f"{BASE}/reply/s")["status"] == "done"
    assert listener.result(f"{BASE}/reply/next")["status"] == "cancelled"
    long = listener.result(f"{BASE}/reply/long")
    assert (long["status"], long["reason"]) == ("cancelled", "stopped")


@pytest.mark.usefixtures("lares")
def test_listening_that_hears_nobody_fails_with_timeout(listener: Listener) -> None:
    listener.publish(f"{BASE}/listen", {"id": "l", "timeout": 1})
    told = listener.result(f"{BASE}/reply/l")
    assert (told["status"], told["reason"]) == ("failed", "timeout")


@pytest.mark.usefixtures("lares")
def test_what_waited_too_long_is_not_said_any_more(listener: Listener) -> None:
    listener.publish(f"{BASE}/listen", {"id": "l", "timeout": 2})
    listener.publish(f"{BASE}/say", {"id": "old", "text": "Too late.", "expires": 0.5})
    assert listener.result(f"{BASE}/reply/old")["status"] == "expired"


@pytest.mark.usefixtures("lares")
def test_a_payload_that_is_no_command_is_rejected_with_the_reason(listener: Listener) -> None:
    listener.publish(f"{BASE}/say", {"id": "bad", "text": " "})
    told = listener.result(f"{BASE}/reply/bad")
    assert (told["status"], told["reason"]) == ("rejected", "text: is empty")


def test_a_retained_command_is_ignored(tmp_path: Path, broker: Broker, listener: Listener) -> None:
    listener.publish(f"{BASE}/ask", {"id": "old", "text": "Hello?"}, retain=True)
    with Lares(tmp_path, environment(tmp_path, broker.port)):
        listener.says(f"{BASE}/availability", "online")
        listener.publish(f"{BASE}/ask", {"id": "new", "text": "Hello?"})
        assert listener.result(f"{BASE}/reply/new")["status"] == "done"
    assert listener.replies(f"{BASE}/reply/old") == []


def test_state_and_availability_are_retained_and_an_orderly_end_says_offline(
    lares: Lares, broker: Broker, listener: Listener
) -> None:
    with Listener(broker.port) as late:
        state = late.says(f"{BASE}/state", "idle")
        assert state.retain
        assert late.says(f"{BASE}/availability", "online").retain
        code, took_s = lares.end()
        assert code == 0
        assert took_s < 5
        late.says(f"{BASE}/availability", "offline")


def test_the_will_says_offline_when_the_daemon_is_killed(lares: Lares, listener: Listener) -> None:
    lares.process.kill()
    listener.says(f"{BASE}/availability", "offline")


def test_a_broker_that_goes_and_comes_back_is_told_and_found_again(
    lares: Lares, broker: Broker
) -> None:
    broker.stop()
    fault = lares.event("Fault", where=lambda told: told["code"] == "mqtt_down")
    assert f"127.0.0.1:{broker.port}" in fault["text"]
    assert "mqtt_down" in [found["code"] for found in lares.status()["faults"]]
    assert lares.command("ask", "-q", "Still there?").returncode == 0
    broker.start()
    lares.event("Recovered", where=lambda told: told["code"] == "mqtt_down")
    with Listener(broker.port) as listener:
        listener.says(f"{BASE}/availability", "online")
        listener.publish(f"{BASE}/ask", {"id": "again", "text": "Back?"})
        assert listener.result(f"{BASE}/reply/again")["status"] == "done"


def test_without_a_broker_everything_else_works_and_it_ends_in_time(tmp_path: Path) -> None:
    with Lares(tmp_path, environment(tmp_path, free_port())) as lares:
        lares.wait(lambda: [fault["code"] for fault in lares.status()["faults"]] == ["mqtt_down"])
        assert lares.command("ask", "-q", "Alone?").returncode == 0
        assert "no MQTT broker at 127.0.0.1" in lares.errors()
        code, took_s = lares.end()
    assert code == 0
    assert took_s < 5
