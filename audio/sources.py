"""Where blocks of sound come from when it is not a device."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np

from audio import wav
from audio.clip import Samples
from audio.clock import Clock, elapsed_s
from audio.vad import BLOCK, RATE


class Source(Protocol):
    """A stream of blocks for one ear."""

    name: str
    rate: int
    """Hz of the device or file itself."""

    waits: bool
    """Whether the ear waits for `go` after each fact that the session may act on."""

    @property
    def latency_ms(self) -> float:
        """Time between a sound and its block, ms."""

    @property
    def used_up(self) -> bool:
        """Whether all its own sound was delivered and only silence follows."""

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of shape (512,), float32, 16 kHz, until closed."""

    def stats(self) -> dict[str, object]:
        """Return what was lost, by name."""

    def close(self) -> None:
        """End `blocks`. Returns at once; from any thread, also twice."""


class FileSource:
    """A wav file, heard as from a microphone, then silence for ever."""

    latency_ms = 0.0

    def __init__(self, path: Path, *, fast: bool, clock: Clock = elapsed_s) -> None:
        """fast: blocks come as fast as they are taken. Raises AudioError for a bad file."""
        sound = wav.read(path, RATE).samples
        self._blocks = np.pad(sound, (0, -len(sound) % BLOCK)).reshape(-1, BLOCK)
        self._clock = clock
        self._closed = threading.Event()
        self._delivered = 0
        self.name = str(path)
        self.rate = RATE
        self.waits = fast

    @property
    def used_up(self) -> bool:
        """See Source."""
        return self._delivered >= len(self._blocks)

    def blocks(self) -> Iterator[Samples]:
        """See Source."""
        silence = np.zeros(BLOCK, np.float32)
        started = self._clock()
        for number in count():
            due = started if self.waits else started + (number + 1) * BLOCK / RATE
            if self._closed.wait(max(0.0, due - self._clock())):
                return
            self._delivered = number
            yield self._blocks[number] if number < len(self._blocks) else silence

    def stats(self) -> dict[str, object]:
        """See Source."""
        return {}

    def close(self) -> None:
        """See Source."""
        self._closed.set()
