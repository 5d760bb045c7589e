"""What scripted engines share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from assistant.errors import EngineError

Delay = Annotated[int, Field(ge=0, le=60_000)]
_STEP_S = 0.005


def compute_for(ms: int, stopped: Callable[[], bool]) -> bool:
    """Spend time like a computation; False as soon as stopped() is true."""
    end = time.monotonic() + ms / 1000
    while not stopped():
        left = end - time.monotonic()
        if left <= 0:
            return True
        threading.Event().wait(min(left, _STEP_S))
    return False


def fail_at(cue: str, text: str) -> None:
    """Raise EngineError when the text has the cue in it; an empty cue never fails."""
    if cue and cue in text:
        raise EngineError(f"the script fails at {cue!r}")
