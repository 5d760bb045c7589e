"""Is this file what it should be: length, digest, and the remembered verdicts on both."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.errors import ModelError

READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file's contents must hash to."""

    algorithm: Literal["sha256", "md5"]
    hex: str

    @property
    def weak(self) -> bool:
        """Whether the digest guards against accidents only."""
        return self.algorithm == "md5"

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def digest_file(path: Path, algorithm: str) -> str:
    """Return the hex digest of the file's contents. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def save_json(path: Path, value: object) -> None:
    """Replace the file at once and durably. Raises OSError."""
    part = path.with_name(f"{path.name}.{os.getpid()}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_json(path: Path) -> dict[str, object]:
    """Return the object in the file, or {} where there is none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class Verdicts:
    """Remembers what a file hashed to, as long as its length, time and inode stay the same.

    Kept in one file, so that a start need not read gigabytes. A memory that cannot be read or
    written costs time, never correctness.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = load_json(path)

    def digest(self, file: Path, algorithm: str, *, afresh: bool = False) -> str:
        """Return the file's hex digest, read again if anything about it changed, or `afresh`.

        Raises OSError where the file cannot be read.
        """
        found = self._recall(file, algorithm)
        if found is None or afresh:
            before = _identity(file)
            found = digest_file(file, algorithm)
            self._keep(file, algorithm, found, before)
        return found

    def remembered(self, file: Path, algorithm: str) -> str | None:
        """Return the digest if it is known without reading the file."""
        return self._recall(file, algorithm)

    def note(self, file: Path, test: str, verdict: str) -> None:
        """Remember the outcome of another test of the file as it is now."""
        self._keep(file, test, verdict, _identity(file))

    def _recall(self, file: Path, test: str) -> str | None:
        kept = self._known.get(str(file))
        if not isinstance(kept, Mapping) or kept.get("identity") != _identity(file):
            return None
        found = kept.get(test)
        return found if isinstance(found, str) else None

    def _keep(self, file: Path, test: str, verdict: str, identity: list[int]) -> None:
        kept = self._known.get(str(file))
        fresh = isinstance(kept, dict) and kept.get("identity") == identity
        entry = kept if isinstance(kept, dict) and fresh else {"identity": identity}
        self._known[str(file)] = {**entry, test: verdict}
        try:
            save_json(self._path, self._known)
        except OSError:
            return


def _identity(file: Path) -> list[int]:
    """Length in bytes, time of last change in ns, inode."""
    found = file.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def fault(
    path: Path, length: int, digest: Digest, verdicts: Verdicts, *, afresh: bool = False
) -> str | None:
    """Return what is wrong with the file, or None. The length is compared before anything is read.

    Raises ModelError where the file may not be read.
    """
    try:
        actual = path.stat().st_size
        if actual != length:
            return f"has {actual} bytes instead of {length}"
        if verdicts.digest(path, digest.algorithm, afresh=afresh) != digest.hex:
            return f"its {digest.algorithm} is wrong"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; make it readable") from error
    return None
