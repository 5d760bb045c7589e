"""One daemon for one set of devices."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from assistant.errors import AssistantError
from assistant.paths import private


def device_lock(microphone: str, loudspeaker: str) -> Path:
    """Return the lock file of these devices, the same for every daemon of this user."""
    server = os.environ.get("PULSE_SERVER", "")
    key = sha256(f"{server}\0{microphone}\0{loudspeaker}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"lares-{os.getuid()}" / f"devices-{key}.lock"


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock, with our pid inside, for as long as the block runs.

    Raises AssistantError naming the pid of the daemon that holds it.
    """
    private(path.parent)
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise AssistantError(
                f"another Lares (pid {owner}) uses {what}; stop it first: kill {owner}"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
