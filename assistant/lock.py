"""One daemon for one set of devices."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from assistant.errors import AssistantError
from assistant.paths import private


def device_lock(device: str) -> Path:
    """Return the lock file of a device, the same for every daemon of this user.

    device: its side and name as the configuration has it, such as "microphone default".
    """
    server = os.environ.get("PULSE_SERVER", "")
    key = sha256(f"{server}\0{device}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"lares-{os.getuid()}" / f"device-{key}.lock"


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock, with our pid inside, for as long as the block runs.

    Raises AssistantError naming the pid of the daemon that holds it.
    """
    private(path.parent)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("a+", encoding="ascii"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        except BlockingIOError:
            owner = path.read_text(encoding="ascii").strip() or "unknown"
            raise AssistantError(
                f"another Lares (pid {owner}) uses {what}; stop it first: kill {owner}"
            ) from None
        except OSError as error:
            raise AssistantError(f"{path}: {error.strerror}; make it writable") from error
        yield
