"""A microphone as a source: reopened when lost, silent about all that it should not hear."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import numpy as np

from audio.alarm import Alarm
from audio.clip import Samples
from audio.clock import Clock, elapsed_s
from audio.devices import Backend, Device, Stream
from audio.errors import AudioError
from audio.health import Freshness, Zeros
from audio.pulse import Server
from audio.resample import Blocks, Resampler
from audio.ring import Ring
from audio.vad import BLOCK, RATE

BLOCK_S = 0.016
"""Length of a device's block: some servers deliver two at a time."""

RING_S = 2.0
"""Sound kept for an ear that is late."""

OPEN_S = 6.0
"""Longest wait for the first block: only that proves that a stream is open."""

SILENT_S = 1.0
"""Time without a block after which a microphone counts as lost."""

RETRY_S = 2.0

_LOST = "microphone_lost"
_LOST_HINT = "plug it in again or choose another one; the assistant goes on as soon as it is back"
_ZEROS_HINT = (
    "System Settings > Privacy & Security > Microphone: allow it for this terminal, then restart it"
    if sys.platform == "darwin"
    else "is it muted, by a switch or in the mixer?"
)


class Microphone:
    """Captures at the device's own rate and delivers 16 kHz blocks. See Source.

    Everything but `close` runs in the ear's thread.
    """

    waits = False
    used_up = False

    def __init__(
        self,
        backend: Backend,
        device: Device,
        alarm: Alarm,
        server: Server,
        forget: Callable[[], None] = lambda: None,
        clock: Clock = elapsed_s,
    ) -> None:
        """Open the device and wait for its first block. Raises AudioError.

        server: tells what this process really records from
        forget: called when sound was lost, so that no utterance is joined across the gap
        """
        self._backend = backend
        self._device = device
        self._alarm = alarm
        self._server = server
        self._forget = forget
        self._clock = clock
        self._arrived = threading.Event()
        self._closed = threading.Event()
        self._doubted = threading.Event()
        self._stream: Stream | None = None
        self._latency_s = 0.0
        self._dropped = 0
        self._counted = 0
        self._refused_s = 0.0
        self._last_s = 0.0
        self.name = device.name
        self.rate = device.rate
        self._zeros = Zeros(device.rate)
        self._open()
        self._home = server.recording_from()
        if self._home is not None and self._home.monitor:
            self._abandon()
            raise AudioError("the only source of sound is the loudspeaker itself: no microphone")

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed.is_set()

    @property
    def latency_ms(self) -> float:
        """See Source."""
        return self._latency_s * 1000.0

    def doubt(self) -> None:
        """Hear nothing more until it is sure where the sound comes from. From any thread."""
        self._doubted.set()
        self._arrived.set()

    def stats(self) -> dict[str, object]:
        """See Source."""
        lost_ms = 1000.0 * (self._dropped * BLOCK_S + self._refused_s)
        return {"dropped_blocks": self._dropped, "dropped_ms": round(lost_ms)}

    def close(self) -> None:
        """See Source."""
        self._closed.set()
        self._arrived.set()
        self._abandon()

    def blocks(self) -> Iterator[Samples]:
        """See Source."""
        self._last_s = self._clock()
        while not self._closed.is_set():
            if self._doubted.is_set():
                self._look_round()
            if (data := self._ring.take()) is None:
                self._wait()
            else:
                self._last_s = self._clock()
                yield from self._hear(np.frombuffer(data, np.int16))

    def _wait(self) -> None:
        """Wait for the next block; give the device up when none has come for too long."""
        before_s = self._clock()
        self._arrived.wait(SILENT_S / 4)
        self._arrived.clear()
        now_s = self._clock()
        if now_s - before_s > SILENT_S:
            self._last_s = now_s  # this process slept: the device had no chance
        elif now_s - self._last_s > SILENT_S and not len(self._ring):
            self._lose(f"{self.name} gave no sound for {SILENT_S:g} s")
            self._reopen()
            self._last_s = self._clock()

    def _hear(self, sound: np.typing.NDArray[np.int16]) -> Iterator[Samples]:
        self._count_dropped()
        fresh = self._freshness.admit(len(sound), self._clock())
        if not fresh:
            return
        if (refused_s := self._freshness.take_refused_s()) > 0.0:
            self._skip(refused_s)
        self._zeros.push(sound)
        if self._zeros.silent:
            text = f"{self.name} gives nothing but exact silence"
            self._alarm.ring("microphone_silent", text, _ZEROS_HINT)
        else:
            self._alarm.still("microphone_silent")
        if self._away:
            return
        yield from self._cutter.push(self._resampler.push(sound.astype(np.float32) / 32768.0))

    def _count_dropped(self) -> None:
        lost = self._ring.dropped - self._counted
        if lost:
            self._counted = self._ring.dropped
            self._dropped += lost
            self._freshness.skip(lost * self._samples)

    def _skip(self, refused_s: float) -> None:
        self._refused_s += refused_s
        self._forget()
        text = f"{refused_s:.1f} s of sound were old when they came and were not listened to"
        self._alarm.note("backlog_dropped", text)

    def _look_round(self) -> None:
        """Find out where the sound comes from now."""
        self._doubted.clear()
        if self._away and self._server.has_microphone():
            self._reopen()
            return
        place = self._server.recording_from()
        if place is None or self._home is None:
            return
        if place.monitor:
            self._lose(f"{self._home.name} is gone; the system records {place.name} instead")
        elif place == self._home:
            self._find()
        else:
            text = f"listening to {place.name} instead of {self._home.name}"
            self._home = place
            self._find()
            self._alarm.note("other_device", text)

    def _lose(self, text: str) -> None:
        self._away = True
        self._forget()
        self._alarm.ring(_LOST, text, _LOST_HINT)

    def _find(self) -> None:
        self._away = False
        self._alarm.still(_LOST)

    def _reopen(self) -> None:
        """Try until it works or the source is closed."""
        while not self._closed.is_set():
            self._abandon()
            with suppress(AudioError):
                self._open()
                self._home = self._server.recording_from()
                self._away = self._home is not None and self._home.monitor
                if not self._away:
                    self._find()
                    return
            self._closed.wait(RETRY_S)

    def _open(self) -> None:
        self._samples = round(self._device.rate * BLOCK_S)
        self._counted = 0
        self._ring: Ring[bytes] = Ring(round(RING_S / BLOCK_S))
        self._freshness: Freshness = Freshness(self._device.rate)
        self._resampler = Resampler(self._device.rate, RATE)
        self._cutter = Blocks(BLOCK)
        self._away = False
        self._arrived.clear()
        ring, arrived, fresh = self._ring, self._arrived, self._freshness
        blocks = count()

        def block(data: bytes) -> None:
            if next(blocks) == 0:
                fresh.begin(len(data) // 2, self._clock())
            ring.put(data)
            arrived.set()

        stream = self._backend.open_input(self._device, self._samples, block)
        self._stream, self._latency_s = stream, stream.latency_s
        if not self._arrived.wait(OPEN_S):
            self._abandon()
            raise AudioError(f"{self._device.name} gave no sound within {OPEN_S:g} s")
        if self._closed.is_set():
            self._abandon()

    def _abandon(self) -> None:
        """Close the stream in a thread that nobody waits for: a lost device may hang for ever."""
        stream, self._stream = self._stream, None
        if stream is not None:
            threading.Thread(target=stream.close, name="closing", daemon=True).start()
