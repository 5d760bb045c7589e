"""How far a download is, how fast it goes, when it will be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW_S = 5.0
"""The rate is that of the last seconds."""

LEAST_WINDOW_S = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a download."""

    name: str
    done: int
    """Bytes here, those of an earlier run among them."""

    total: int
    rate: float | None
    """Bytes a second, None at first."""

    @property
    def eta_s(self) -> float | None:
        """Seconds to go, None while the rate is unknown."""
        return (self.total - self.done) / self.rate if self.rate else None

    def __str__(self) -> str:
        line = f"{self.name}: {megabytes(self.done)} of {megabytes(self.total)} MB"
        if self.rate and self.eta_s is not None:
            line += f", {megabytes(self.rate)} MB/s, {self.eta_s:.0f} s to go"
        return line


Tell = Callable[[Progress], None]
"""Called often while bytes arrive."""


@dataclass(slots=True)
class Meter:
    """Turns bytes and a clock into Progress."""

    name: str
    total: int
    clock: Callable[[], float]
    """Seconds, monotonic."""

    tell: Tell
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def at(self, done: int) -> None:
        """Report so many bytes."""
        now = self.clock()
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, done))
        while now - self._seen[0][0] > WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()
        then, before = self._seen[0]
        rate = (done - before) / (now - then) if now - then >= LEAST_WINDOW_S else None
        self.tell(Progress(self.name, done, self.total, rate))


def megabytes(count: float) -> str:
    """Return a number of bytes in millions, with one decimal below 100."""
    return f"{count / 1e6:.0f}" if count >= 1e8 else f"{count / 1e6:.1f}"


def silent(progress: Progress) -> None:
    """Tell nobody."""
