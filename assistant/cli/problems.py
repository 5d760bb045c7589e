"""How commands fail: one clear line on standard error and exit status 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from assistant.errors import AssistantError
from audio.errors import AudioError


@contextmanager
def told() -> Iterator[None]:
    """Turn errors raised on purpose into a line and exit status 1."""
    try:
        yield
    except (AssistantError, AudioError) as error:
        complain(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def complain(text: str) -> None:
    """Write a line for people who watch standard error; nothing happens when it is gone."""
    with suppress(OSError):
        sys.stderr.write(f"lares: {text}\n")
        sys.stderr.flush()
