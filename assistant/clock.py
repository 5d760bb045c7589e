"""The only module that reads a clock. Everything else is given one of these functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Returns seconds that never run backwards; their origin means nothing."""

monotonic: Clock = time.monotonic
