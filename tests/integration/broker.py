"""A private mosquitto, and a client that remembers what it was told."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """mosquitto on a loopback port; it may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; return once it takes connections."""
        self._process = subprocess.Popen(
            ["mosquitto", "-c", str(self._config)], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "mosquitto did not start"
                time.sleep(0.02)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None


class Listener:
    """A client that subscribes to everything below `lares/`."""

    def __init__(self, port: int) -> None:
        self.messages: list[mqtt.MQTTMessage] = []
        self._changed = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._note
        self._subscribed = threading.Event()
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(
        self,
        topic: str,
        payload: str | dict[str, Any] = "",
        *,
        retain: bool = False,
        **properties: Any,
    ) -> None:
        """Publish text, or a table as JSON, with these MQTT 5 properties."""
        given = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        for name, value in properties.items():
            setattr(given, name, value)
        text = payload if isinstance(payload, str) else json.dumps(payload)
        self._client.publish(topic, text, qos=1, retain=retain, properties=given)

    def wait(
        self, true: Callable[[mqtt.MQTTMessage], bool], *, after: int = 0, within_s: float = 20.0
    ) -> mqtt.MQTTMessage:
        """Return the first message of which `true()` is, among those from number `after` on."""
        deadline = time.monotonic() + within_s
        with self._changed:
            while True:
                for message in self.messages[after:]:
                    if true(message):
                        return message
                told = [(m.topic, m.payload) for m in self.messages[-8:]]
                assert self._changed.wait(deadline - time.monotonic()), f"not told; last: {told}"

    def says(self, topic: str, payload: str, *, after: int = 0) -> mqtt.MQTTMessage:
        """Wait for this payload on this topic."""
        return self.wait(lambda m: m.topic == topic and m.payload == payload.encode(), after=after)

    def result(self, topic: str, *, after: int = 0) -> dict[str, Any]:
        """Wait for the terminal reply on a topic."""
        message = self.wait(
            lambda m: m.topic == topic and json.loads(m.payload)["status"] != "accepted",
            after=after,
        )
        found: dict[str, Any] = json.loads(message.payload)
        return found

    def replies(self, topic: str) -> list[str]:
        """Return the status of every reply on a topic so far."""
        return [json.loads(m.payload)["status"] for m in self.messages if m.topic == topic]

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe("lares/#", qos=1)

    def _note(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()
