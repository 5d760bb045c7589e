"""Faults that last: told once when they begin and once when they end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from audio.facts import fault, recovered
from audio.wire import Packet


class Alarm:
    """Tells the faults of one line, or of what all lines share. From any thread."""

    def __init__(self, emit: Callable[[Packet], None], line: str | None) -> None:
        self._emit = emit
        self._line = line
        self._lock = threading.Lock()
        self._ringing: set[str] = set()

    def ring(self, code: str, text: str, hint: str = "") -> None:
        """Tell a fault, unless it is told already."""
        with self._lock:
            if code in self._ringing:
                return
            self._ringing.add(code)
        self._emit(fault(self._line, code, text, hint))

    def still(self, code: str) -> None:
        """Tell that a fault is over, if it was told."""
        with self._lock:
            if code not in self._ringing:
                return
            self._ringing.discard(code)
        self._emit(recovered(self._line, code))

    def note(self, code: str, text: str, hint: str = "") -> None:
        """Tell something that is over at once."""
        self.ring(code, text, hint)
        self.still(code)
