"""The clock that goes on while the machine or this process sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Returns seconds from any fixed moment; never goes back."""

_LATE_S = 1.0
"""Delay beyond which what was missed is not made up for: the machine slept."""

_SOURCE: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed_s() -> float:
    """Return seconds since a fixed moment, counting the time the machine was suspended.

    CLOCK_MONOTONIC counts suspension on macOS; on Linux only CLOCK_BOOTTIME does.
    """
    return time.clock_gettime(_SOURCE)


def next_due(due_s: float, now_s: float) -> float:
    """Return when the next block of a steady pace is due: as planned, or now after a sleep."""
    return now_s if now_s - due_s > _LATE_S else due_s
