"""Where played sound goes when it is not a device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from audio import wav
from audio.clip import Samples
from audio.clock import Clock, elapsed_s, next_due
from audio.errors import AudioError
from audio.mouth import Mouth, Played

RATE = 22_050
"""Hz of files: what most voices speak at."""

BLOCK = 441
"""Samples a file is written by: 20 ms."""

Report: TypeAlias = Callable[[list[Played]], None]


class Sink(Protocol):
    """Pulls sound from mouths and says what was heard of it."""

    name: str
    rate: int
    """Hz at which it pulls."""

    @property
    def latency_ms(self) -> float:
        """Time between handing a sample over and hearing it, ms."""

    def attach(self, mouth: Mouth, report: Report) -> None:
        """Begin to pull from this mouth, whose rate is the sink's; report from any thread."""

    def wake(self) -> None:
        """A mouth has changed: there is something to play, to stop or to tell."""

    def detach(self, mouth: Mouth) -> None:
        """Pull no more from this mouth. Raises AudioError when its file cannot be finished."""


class FileSink:
    """A wav file, or nothing at all, with one mouth.

    At the pace `real` time passes as with a loudspeaker and the file holds the silence too; at the
    pace `fast` clips follow each other and count as heard at once.
    """

    latency_ms = 0.0

    def __init__(self, path: Path | None, *, fast: bool, clock: Clock = elapsed_s) -> None:
        """Raises AudioError when the file cannot be written."""
        self.name = "null" if path is None else str(path)
        self.rate = RATE
        self._writer = None if path is None else wav.Writer(path, RATE)
        self._fast = fast
        self._clock = clock
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._mouth: Mouth | None = None
        self._report: Report | None = None
        self._position = 0
        self._failed: AudioError | None = None

    def attach(self, mouth: Mouth, report: Report) -> None:
        """See Sink."""
        self._mouth, self._report = mouth, report
        if not self._fast:
            self._thread = threading.Thread(
                target=self._play, args=(mouth, report), name="sink", daemon=True
            )
            self._thread.start()

    def wake(self) -> None:
        """See Sink."""
        if not self._fast or self._mouth is None or self._report is None:
            return
        with self._lock:
            while waiting := self._mouth.queued:
                self._render(self._mouth, min(waiting, BLOCK))
            heard = self._mouth.heard(self._position)
        self._report(heard)

    def detach(self, mouth: Mouth) -> None:
        """See Sink."""
        del mouth
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        if self._writer is None:
            return
        if self._failed is not None:
            self._writer.discard()
            raise self._failed
        self._writer.close()

    def _play(self, mouth: Mouth, report: Report) -> None:
        due_s = self._clock()
        while not self._closed.wait(max(0.0, due_s - self._clock())):
            if heard := mouth.heard(self._position):
                report(heard)
            self._render(mouth, BLOCK)
            due_s = next_due(due_s + BLOCK / RATE, self._clock())

    def _render(self, mouth: Mouth, samples: int) -> None:
        self._write(mouth.render(samples, self._position))
        self._position += samples

    def _write(self, block: Samples) -> None:
        """Write on while the file takes it; what is said goes on without the file."""
        if self._writer is None or self._failed is not None:
            return
        try:
            self._writer.append(block)
        except AudioError as error:
            self._failed = error
