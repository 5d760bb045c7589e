from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np

from audio.alarm import Alarm
from audio.clip import Clip, Samples, WordMark
from audio.ear import Ear, Listening
from audio.errors import AudioError
from audio.line import Line
from audio.sinks import RATE, FileSink, Sink
from audio.sources import Source
from audio.wire import Packet
from audio.worker import guarded

SOUND = np.full(RATE // 10, 0.25, np.float32)
WORDS = [WordMark("word", 0.0, 100.0)]


class Opener:
    """Opens nothing to hear, and a file that nobody keeps, when the test allows it."""

    def __init__(self) -> None:
        self.may_open = threading.Event()
        self.hears: Source | None = None
        self.missing = False

    def source(self, forget: Callable[[], None]) -> Source | None:
        del forget
        if self.missing:
            raise AudioError("no microphone")
        return self.hears

    def wait(self, gone: threading.Event) -> bool:
        self.missing = False
        return not gone.is_set()

    def sink(self) -> Sink:
        assert self.may_open.wait(5.0)
        return FileSink(None, fast=True)


class Told:
    """What a line told."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self._news = threading.Condition()

    def __call__(self, packet: Packet) -> None:
        with self._news:
            self.packets.append(packet)
            self._news.notify_all()

    def wait(self, kind: str, **fields: object) -> Packet:
        def found() -> Packet | None:
            return next((p for p in self.packets if p.kind == kind and _has(p, fields)), None)

        with self._news:
            assert self._news.wait_for(found, timeout=5.0), self.packets
            packet = found()
        assert packet is not None
        return packet


def _has(packet: Packet, fields: dict[str, object]) -> bool:
    return fields.items() <= packet.fields.items()


class Interrupting:
    """A clip during whose replay the next command comes."""

    rate = RATE

    def __init__(self, command: Callable[[], None]) -> None:
        self._command = command

    @property
    def samples(self) -> Samples:
        self._command()
        return SOUND


def make(opener: Opener, told: Told) -> Line:
    return Line("main", opener, lambda: Ear(Listening()), Alarm(told, "main"), told, guarded)


def test_what_was_asked_while_the_loudspeaker_opened_is_said_before_what_came_later() -> None:
    told, opener = Told(), Opener()
    line = make(opener, told)

    def later() -> None:
        line.play(1, 0, 1, Clip(SOUND, RATE), WORDS)
        line.end(0)

    line.start()
    line.play(1, 0, 0, cast(Clip, Interrupting(later)), WORDS)
    opener.may_open.set()
    ended = told.wait("ended")
    line.close()
    clauses = [packet.fields["clause"] for packet in told.packets if packet.kind == "played"]
    assert clauses == [0, 1]
    assert ended.fields["heard_ms"] == 200.0


class Broken:
    """A source that fails in a way nobody thought of."""

    name, rate, waits, used_up, latency_ms = "broken", 16_000, False, False, 0.0

    def __init__(self) -> None:
        self.closed = threading.Event()

    def blocks(self) -> Iterator[Samples]:
        raise RuntimeError("no such thing")

    def stats(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        self.closed.set()


def test_a_line_that_fails_in_an_unforeseen_way_tells_it_and_lets_its_source_go() -> None:
    told, opener, source = Told(), Opener(), Broken()
    opener.may_open.set()
    opener.hears = source
    line = make(opener, told)
    line.start()
    fault = told.wait("fault", code="no_microphone")
    assert fault.fields["text"] == "listening failed: RuntimeError: no such thing"
    assert source.closed.wait(5.0)
    line.close()


def test_a_microphone_plugged_in_after_the_line_was_opened_is_used() -> None:
    told, opener, source = Told(), Opener(), Broken()
    opener.may_open.set()
    opener.missing, opener.hears = True, source
    line = make(opener, told)
    line.start()
    told.wait("opened", source=None)
    told.wait("recovered", code="no_microphone")
    assert source.closed.wait(5.0)
    line.close()
