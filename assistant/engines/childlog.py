"""What a child process writes to standard error: a file that cannot grow for ever."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assistant.errors import EngineError

ROTATE_BYTES = 2**20
"""A log that is longer when the child starts becomes NAME.log.1."""
FULL_BYTES = 8 * ROTATE_BYTES
"""A log that reaches this while the child runs is emptied."""
TAIL_BYTES = 4096
LAST_WORDS = 200
"""Characters of the last line that an error quotes."""


@dataclass(slots=True)
class ChildLog:
    """The log of one run of a child."""

    path: Path | None
    file: IO[bytes] | None = None
    _begin: int = 0

    @classmethod
    @contextmanager
    def open(cls, path: Path | None) -> Iterator[ChildLog]:
        """Hold the file open while the child is started.

        path: None for a child that shares the standard error of this process. Raises EngineError
        when the file cannot be written.
        """
        if path is None:
            yield cls(None)
            return
        try:
            if path.exists() and path.stat().st_size > ROTATE_BYTES:
                path.replace(path.with_name(f"{path.name}.1"))
            file = path.open("ab")
        except OSError as error:
            raise EngineError(f"{path}: {error.strerror}; make it writable") from error
        with file:
            yield cls(path, file, file.seek(0, os.SEEK_END))

    def trim(self) -> None:
        """Empty the log when it has grown too long while the child runs; it is appended to."""
        with suppress(OSError):
            if self.path is not None and self.path.stat().st_size > FULL_BYTES:
                os.truncate(self.path, 0)
                self._begin = 0

    def last_words(self) -> str:
        """Return the last line that the child wrote, and where the rest is, for an error text."""
        if self.path is None:
            return ""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._begin, end - TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return ""
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {last[:LAST_WORDS]} (more in {self.path})" if last else ""
