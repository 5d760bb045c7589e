"""The way out of the audio process: a bounded queue and one thread that writes."""

from __future__ import annotations

import threading
from collections import deque
from typing import BinaryIO

from audio.wire import Packet, encode

_EXPENDABLE = ("level", "silence")
"""Kinds that may be dropped when the reader is slow, the cheapest first."""


class Outbox:
    """Takes packets from any thread and never makes it wait.

    When `size` packets wait, the oldest expendable one goes, else the oldest of all; each loss is
    counted.
    """

    def __init__(self, pipe: BinaryIO, size: int = 512) -> None:
        self._pipe = pipe
        self._size = size
        self._waiting: deque[Packet] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0
        """Packets lost because the reader was slow."""

    def put(self, packet: Packet) -> None:
        """Queue a packet."""
        with self._changed:
            if len(self._waiting) >= self._size:
                self._drop()
            self._waiting.append(packet)
            self._changed.notify()

    def close(self) -> None:
        """Let `run` return once everything queued is written."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def run(self) -> None:
        """Write packets until closed, or until nobody reads them any more."""
        while (packet := self._next()) is not None:
            try:
                self._pipe.write(encode(packet))
                self._pipe.flush()
            except (BrokenPipeError, ValueError):
                return

    def _next(self) -> Packet | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _drop(self) -> None:
        self.dropped += 1
        for kind in _EXPENDABLE:
            for at, packet in enumerate(self._waiting):
                if packet.kind == kind:
                    del self._waiting[at]
                    return
        self._waiting.popleft()
