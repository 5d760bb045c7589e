"""A sound library whose devices do what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from audio.devices import Device, OnInput, OnOutput, Stream
from audio.errors import AudioError
from audio.pulse import Place

DEVICE = Device("fake", "Fake", 1, 1, 16_000, True, True)
SAMPLES = 256
"""A device's block: 16 ms at 16 kHz."""


class Clock:
    """Stands still until told, except for what each reading takes."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.now = 1_000.0
        self.step_s = step_s

    def stand_still(self) -> None:
        self.step_s = 0.0

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


@dataclass
class HangingStream:
    """A stream whose close never returns."""

    latency_s: float = 0.01
    closing: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        self.closing.set()
        threading.Event().wait()


@dataclass
class FakeBackend:
    """Delivers `first` as soon as a microphone is opened; fails to open `failures` times."""

    first: list[bytes] = field(default_factory=lambda: [bytes(2 * SAMPLES)])
    failures: int = 0
    primed: int = 6
    opened: int = 0
    on_open: Callable[[], None] = lambda: None
    block: OnInput | None = None
    fill: OnOutput | None = None
    streams: list[HangingStream] = field(default_factory=list)
    reopened: threading.Event = field(default_factory=threading.Event)

    def devices(self) -> list[Device]:
        return [DEVICE]

    def open_input(self, device: Device, samples: int, block: OnInput) -> Stream:
        self._open()
        self.block = block
        for data in self.first:
            block(data)
        return self.streams[-1]

    def open_output(self, device: Device, samples: int, block: OnOutput) -> Stream:
        self._open()
        self.fill = block
        for _ in range(self.primed):
            block(samples, 0.0)
        return self.streams[-1]

    def _open(self) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise AudioError("the device is busy")
        self.opened += 1
        self.on_open()
        self.streams.append(HangingStream())
        if self.opened > 1:
            self.reopened.set()


@dataclass
class FakeServer:
    """Says what it is told to say."""

    place: Place | None = None
    others: bool = False
    found: bool = True

    def recording_from(self) -> Place | None:
        return self.place

    def playing_to(self) -> Place | None:
        return self.place

    def has_microphone(self) -> bool:
        return self.others
