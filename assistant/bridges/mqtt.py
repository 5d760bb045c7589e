"""The MQTT bridge: say, ask, listen, stop; replies; retained state and availability.

The broker may be away for any time: the voice path never waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from assistant.bridges.host import Host
from assistant.bridges.mqtt_commands import (
    COMMANDS,
    TERMINAL,
    Command,
    Outcome,
    Rejected,
    parse,
    reply,
)
from assistant.bridges.mqtt_worker import Worker
from assistant.config import MqttConfig
from assistant.errors import ConfigError
from assistant.events import MAIN, SYSTEM, Fault, PhaseChanged, Recovered
from assistant.supervisor import root_cause

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
REFUSED_WAIT_S = 300.0
"""Wait after the broker refused user or password, s: trying again soon helps nobody."""
REFUSED = frozenset({4, 5, 134, 135, 138, 140})
JITTER = 0.2
KEEPALIVE_S = 30
OPERATION_S = 5.0
LAST_WORDS_S = 1.0
REPLIES = 100
REPLY_AGE_S = 60.0
"""Replies wait for a broker that is away, at most so many and so long."""


@dataclass(frozen=True, slots=True)
class _Message:
    """Something to publish."""

    topic: str
    payload: bytes
    made_s: float
    correlation: bytes | None = None


def bridge(settings: MqttConfig) -> Callable[[Host, Callable[[], None]], Awaitable[None]]:
    """Return the bridge to the broker that is configured."""
    return partial(_run, settings)


async def _run(settings: MqttConfig, host: Host, ready: Callable[[], None]) -> None:
    await MqttBridge(settings, host).run(ready)


def node_name(settings: MqttConfig) -> str:
    """Return the name of this machine in topics."""
    if settings.node:
        return settings.node
    name = socket.gethostname().split(".")[0].lower()
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in name)


class MqttBridge:
    """Connects again for ever, with back-off."""

    def __init__(self, settings: MqttConfig, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._base = f"lares/{node_name(settings)}"
        self._worker = Worker(host, self._tell)
        self._outbox: deque[_Message] = deque(maxlen=REPLIES)
        self._changed = asyncio.Event()
        self._phase: str | None = None
        self._down = False

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled. Raises ConfigError when the password cannot be read."""
        password = self._password()
        with self._host.bus.tap(PhaseChanged, self._note):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._worker.run(), name="mqtt.worker")
                ready()
                await self._stay_connected(password)

    async def _stay_connected(self, password: str | None) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            refused = False
            try:
                async with self._client(password) as client:
                    wait_s = FIRST_WAIT_S
                    await self._serve(client)
            except* (aiomqtt.MqttError, OSError) as errors:
                error = root_cause(errors)
                refused = _code(error) in REFUSED
                self._complain(error)
            pause_s = REFUSED_WAIT_S if refused else wait_s
            await asyncio.sleep(pause_s * random.uniform(1 - JITTER, 1 + JITTER))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Serve one connection; MqttError when it is lost."""
        for kind in COMMANDS:
            await client.subscribe(f"{self._base}/{kind}", qos=1)
        self._phase = None
        await self._publish_state(client)
        await client.publish(f"{self._base}/availability", b"online", qos=1, retain=True)
        if self._down:
            self._down = False
            self._host.bus.publish(Recovered(session=SYSTEM, code="mqtt_down"))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(client), name="mqtt.send")
                group.create_task(self._receive(client), name="mqtt.receive")
        except asyncio.CancelledError:
            with suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    topic = f"{self._base}/availability"
                    await client.publish(topic, b"offline", qos=1, retain=True)
            raise

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if message.retain:
                log.info("mqtt: %s was retained; ignored", message.topic)
                continue
            self._take(message)

    def _take(self, message: aiomqtt.Message) -> None:
        name = message.topic.value.removeprefix(f"{self._base}/")
        kind = next(known for known in COMMANDS if known == name)
        given = message.properties
        correlation = getattr(given, "CorrelationData", None)
        try:
            command = parse(
                kind,
                message.payload,
                content_type=getattr(given, "ContentType", ""),
                expires_s=getattr(given, "MessageExpiryInterval", None),
                response_topic=getattr(given, "ResponseTopic", ""),
                correlation=correlation,
            )
        except Rejected as error:
            refused = Command(id=error.id, kind=kind, correlation=correlation)
            self._tell(refused, Outcome(status="rejected", reason=str(error)))
        else:
            self._worker.take(command)

    def _tell(self, command: Command, outcome: Outcome) -> None:
        warnings = command.warnings if outcome.status in TERMINAL else ()
        self._outbox.append(
            _Message(
                command.reply_topic or f"{self._base}/reply/{command.id}",
                reply(command.id, command.kind, outcome, warnings),
                self._host.bus.now(),
                command.correlation,
            )
        )
        self._changed.set()

    def _note(self, event: PhaseChanged) -> None:
        if event.session == MAIN:
            self._changed.set()

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            self._changed.clear()
            await self._publish_state(client)
            while self._outbox:
                message = self._outbox[0]
                if self._host.bus.now() - message.made_s <= REPLY_AGE_S:
                    await _publish(client, message)
                if self._outbox and self._outbox[0] is message:
                    self._outbox.popleft()
            await self._changed.wait()

    async def _publish_state(self, client: aiomqtt.Client) -> None:
        phase = str(self._host.status()["phase"] or "starting")
        if phase != self._phase:
            await client.publish(f"{self._base}/state", phase.encode(), qos=1, retain=True)
            self._phase = phase

    def _client(self, password: str | None) -> aiomqtt.Client:
        settings = self._settings
        topic = f"{self._base}/availability"
        return aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username or None,
            password=password,
            identifier=self._base.replace("/", "-"),
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=KEEPALIVE_S,
            timeout=OPERATION_S,
            will=aiomqtt.Will(topic, b"offline", qos=1, retain=True),
            tls_context=ssl.create_default_context() if settings.tls else None,
            logger=log,
        )

    def _password(self) -> str | None:
        file = self._settings.password_file
        if file is None:
            return None
        try:
            return file.expanduser().read_text("utf-8").split("\n", 1)[0]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"mqtt.password_file: {file}: cannot be read: {error}") from error

    def _complain(self, error: BaseException) -> None:
        """Tell of the outage once, however often the broker is tried."""
        if self._down:
            return
        self._down = True
        where = f"{self._settings.host}:{self._settings.port}"
        refused = _code(error) in REFUSED
        hint = "check [mqtt] in lares.toml" if refused else "the bridge tries again by itself"
        text = f"no MQTT broker at {where}: {error}"
        self._host.bus.publish(Fault(session=SYSTEM, code="mqtt_down", text=text, hint=hint))


async def _publish(client: aiomqtt.Client, message: _Message) -> None:
    properties: Properties | None = None
    if message.correlation is not None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho has no types here
        properties.CorrelationData = message.correlation
    await client.publish(message.topic, message.payload, qos=1, properties=properties)


def _code(error: BaseException) -> int | None:
    """Return the broker's reason code, if it gave one."""
    given = getattr(error, "rc", None)
    value = getattr(given, "value", given)
    return value if isinstance(value, int) else None
