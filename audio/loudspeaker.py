"""The machine's loudspeaker as a sink, shared by all lines: one speaks after the other."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import numpy as np

from audio.alarm import Alarm
from audio.clip import Samples
from audio.clock import Clock, elapsed_s, next_due
from audio.devices import Backend, Device, Stream
from audio.errors import AudioError
from audio.mouth import Mouth
from audio.pulse import Server
from audio.sinks import Report

BLOCK_S = 0.020
OPEN_S = 6.0
SILENT_S = 1.0
RETRY_S = 2.0
_PRIMING = 5
"""Blocks that a driver may ask for before the device takes any."""

TICK_S = 0.020
"""How often what was heard is told while somebody speaks."""

_LOST = "loudspeaker_lost"
_LOST_HINT = "plug it in again or choose another one; the assistant goes on as soon as it is back"


@dataclass(frozen=True, slots=True)
class _Mark:
    """At `at_s` the sample `position` was heard."""

    position: int
    at_s: float


class Loudspeaker:
    """Keeps the stream open until the last line leaves; knows which sample is heard now. See Sink.

    Without the device the words go on, unheard, at the pace of speech, until it is back.
    """

    def __init__(
        self,
        backend: Backend,
        device: Device,
        alarm: Alarm,
        server: Server,
        clock: Clock = elapsed_s,
    ) -> None:
        """Open the device and wait until it asks for sound. Raises AudioError.

        server: tells what this process really plays to
        """
        self._server = server
        self._backend = backend
        self._device = device
        self._alarm = alarm
        self._clock = clock
        self._lock = threading.Lock()
        self._lines: dict[Mouth, Report] = {}
        self._sharing = 0
        self._speaking: Mouth | None = None
        self._position = 0
        self._mark = _Mark(0, clock())
        self._asked = threading.Event()
        self._awake = threading.Event()
        self._doubted = threading.Event()
        self._closed = threading.Event()
        self._asked_s = clock()
        self._samples = round(device.rate * BLOCK_S)
        self._silence = bytes(2 * self._samples)
        self._generation = 0
        self._stream: Stream | None = None
        self._latency_s = 2 * BLOCK_S
        self.name = device.name
        self.rate = device.rate
        self._open()
        self._home = server.playing_to()
        threading.Thread(target=self._tell, name="loudspeaker", daemon=True).start()

    @property
    def latency_ms(self) -> float:
        """See Sink."""
        return self._latency_s * 1000.0

    @property
    def closed(self) -> bool:
        """Whether the last line has left."""
        return self._closed.is_set()

    def share(self) -> bool:
        """One more line will attach. Return False when the last one has left for good."""
        with self._lock:
            if not self._closed.is_set():
                self._sharing += 1
            return not self._closed.is_set()

    def attach(self, mouth: Mouth, report: Report) -> None:
        """See Sink."""
        with self._lock:
            self._lines[mouth] = report

    def wake(self) -> None:
        """See Sink."""
        self._awake.set()

    def doubt(self) -> None:
        """Find out soon where the sound goes now. From any thread."""
        self._doubted.set()
        self._awake.set()

    def detach(self, mouth: Mouth) -> None:
        """See Sink."""
        with self._lock:
            self._lines.pop(mouth, None)
            if self._speaking is mouth:
                self._speaking = None
            self._sharing -= 1
            if self._sharing > 0:
                return
            self._closed.set()
        self._awake.set()
        self._abandon()

    def _open(self) -> None:
        self._asked.clear()
        self._generation += 1
        generation, asked = self._generation, count(1)

        def fill(samples: int, delay_s: float) -> bytes:
            if generation != self._generation:
                return bytes(2 * samples)
            self._asked_s = self._clock()
            if next(asked) > _PRIMING:
                self._asked.set()
            return self._render(samples, self._delay(delay_s))

        stream = self._backend.open_output(self._device, self._samples, fill)
        self._stream, self._latency_s = stream, stream.latency_s
        if not self._asked.wait(OPEN_S):
            self._abandon()
            raise AudioError(f"{self._device.name} did not ask for sound within {OPEN_S:g} s")
        if self._closed.is_set():
            self._abandon()

    def _delay(self, told_s: float) -> float:
        """Return the driver's word on its delay where that can be true, else its estimate."""
        return told_s if 0.0 < told_s < 2.0 else self._latency_s

    def _render(self, samples: int, delay_s: float) -> bytes:
        with self._lock:
            at = self._position
            self._position += samples
            self._mark = _Mark(at, self._clock() + delay_s)
            mouth = self._next()
            if mouth is None:
                return self._silence if samples == self._samples else bytes(2 * samples)
            block = mouth.render(samples, at)
        return _int16(block)

    def _next(self) -> Mouth | None:
        """Return who speaks: the same as before while it has a take, else the next with a clip."""
        if self._speaking is None or not self._speaking.busy:
            self._speaking = next((mouth for mouth in self._lines if mouth.queued), None)
        return self._speaking

    def _heard(self) -> int:
        """Return how many samples have reached the ear."""
        since_s = self._clock() - self._mark.at_s
        return min(self._position, self._mark.position + int(since_s * self.rate))

    def _tell(self) -> None:
        """Report what was heard, and go on without the device when it stops asking for sound."""
        while not self._closed.is_set():
            self._awake.clear()
            unheard = self._report()
            if self._doubted.is_set():
                self._look_round()
            slept = not self._awake.wait(TICK_S if unheard else SILENT_S / 4)
            if slept and not self._closed.is_set():
                self._check()

    def _report(self) -> bool:
        with self._lock:
            lines = list(self._lines.items())
            heard = self._heard()
        for mouth, report in lines:
            if facts := mouth.heard(heard):
                report(facts)
        return any(mouth.unheard for mouth, _ in lines)

    def _check(self) -> None:
        if self._clock() - self._asked_s <= SILENT_S:
            return
        self._asked.clear()
        if self._asked.wait(SILENT_S / 2):
            return
        self._alarm.ring(_LOST, f"{self.name} has taken no sound for {SILENT_S:g} s", _LOST_HINT)
        self._go_on_unheard()

    def _look_round(self) -> None:
        """Tell when the server moved the sound to another device."""
        self._doubted.clear()
        place = self._server.playing_to()
        if place is None or place == self._home:
            return
        if self._home is not None:
            text = f"speaking through {place.name} instead of {self._home.name}"
            self._alarm.note("other_device", text)
        self._home = place

    def _go_on_unheard(self) -> None:
        """Render into nothing until the device is open again."""
        back = threading.Event()
        threading.Thread(target=self._reopen, args=(back,), name="reopening", daemon=True).start()
        due_s = self._clock()
        while not back.is_set() and not self._closed.wait(max(0.0, due_s - self._clock())):
            self._render(self._samples, 0.0)
            self._report()
            due_s = next_due(due_s + BLOCK_S, self._clock())
        if back.is_set():
            self._alarm.still(_LOST)

    def _reopen(self, back: threading.Event) -> None:
        while not self._closed.is_set():
            self._generation += 1
            self._abandon()
            with suppress(AudioError):
                self._open()
                back.set()
                return
            self._closed.wait(RETRY_S)

    def _abandon(self) -> None:
        """Close the stream in a thread that nobody waits for: a lost device may hang for ever."""
        stream, self._stream = self._stream, None
        if stream is not None:
            threading.Thread(target=stream.close, name="closing", daemon=True).start()


def _int16(block: Samples) -> bytes:
    return (np.clip(block, -1.0, 1.0) * 32767.0).astype(np.int16).tobytes()
