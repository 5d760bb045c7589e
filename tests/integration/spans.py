"""Reading a recording: when did somebody begin to sound, when did they stop. Pure.

A run is (start, end), s, of unbroken sound, as `Recording.sounding` gives them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

Run: TypeAlias = tuple[float, float]


def between(runs: Sequence[Run], start_s: float, end_s: float) -> Run | None:
    """Return the first and last sound in a window; None where it is silent."""
    inside = [run for run in runs if run[1] > start_s and run[0] < end_s]
    if not inside:
        return None
    return max(inside[0][0], start_s), min(inside[-1][1], end_s)


def first_after(runs: Sequence[Run], at_s: float) -> float | None:
    """Return when sound begins after a moment; a run that spans the moment does not count."""
    return next((start for start, _ in runs if start >= at_s), None)


def silent_from(runs: Sequence[Run], at_s: float) -> float:
    """Return when the sound of a moment ends; the moment itself where nothing sounds."""
    return next((end for start, end in runs if start <= at_s < end), at_s)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that a part, 0..1, of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
