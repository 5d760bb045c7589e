"""The unfinished file of a download: `NAME.part`, and `NAME.part.json` that tells its origin."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from assistant.errors import ModelError
from assistant.models.checks import Digest, digest_file, load_json, save_json

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch."""

    urls: tuple[str, ...]
    """The addresses that have it, the first one first."""

    bytes: int
    digest: Digest


class Part:
    """An unfinished file, open for writing. What an earlier run left of the same file is kept.

    Every method raises ModelError where the disk is full or may not be written.
    """

    def __init__(self, target: Path, wanted: Wanted) -> None:
        self.target = target
        self.wanted = wanted
        self._path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")
        origin = load_json(self._note)
        self.url = str(origin.get("url", ""))
        """The address that the bytes so far came from."""

        self.etag = str(origin.get("etag", ""))
        """Its version there, "" where the server told none."""

        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab", buffering=0)
        except OSError as error:
            raise self._explain(error) from error
        if origin.get("digest") != str(wanted.digest) or self.size > wanted.bytes:
            try:
                self.restart("", "")
            except ModelError:
                self._close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def restart(self, url: str, etag: str) -> None:
        """Forget the bytes so far; those to come are from this address."""
        try:
            self._file.truncate(0)
            self._file.seek(0)
            self.url, self.etag = url, etag
            save_json(self._note, {"url": url, "etag": etag, "digest": str(self.wanted.digest)})
        except OSError as error:
            raise self._explain(error) from error

    def append(self, data: bytes) -> None:
        """Add bytes. A disk that is full is given back what the part took."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._explain(error) from error

    def finish(self) -> bool:
        """Put the file in its place if its contents are right; else forget them.

        Returns whether they are. The file appears under its name at once, whole and durable.
        """
        try:
            os.fsync(self._file.fileno())
            digest = self.wanted.digest
            if digest_file(self._path, digest.algorithm) != digest.hex:
                self.restart("", "")
                return False
            self._path.replace(self.target)
            self._note.unlink(missing_ok=True)
            sync_folder(self.target.parent)
        except OSError as error:
            raise self._explain(error) from error
        return True

    def discard(self) -> None:
        """Remove the part from the disk."""
        try:
            self._path.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)
        except OSError as error:
            raise explain_disk(self.target, error) from error

    def _close(self) -> None:
        empty = self.size == 0
        self._file.close()
        if empty:
            self.discard()

    def _explain(self, error: OSError) -> ModelError:
        if error.errno in FULL:
            self.discard()
        return explain_disk(self.target, error)


def is_whole(path: Path, wanted: Wanted) -> bool:
    """Whether the file is here already, with the right contents."""
    try:
        if path.stat().st_size != wanted.bytes:
            return False
        return digest_file(path, wanted.digest.algorithm) == wanted.digest.hex
    except OSError:
        return False


def explain_disk(path: Path, error: OSError) -> ModelError:
    """Say that a file cannot be written, and what to do about it."""
    if error.errno in FULL:
        return ModelError(f"{path}: the disk is full; make room and run the command again")
    return ModelError(
        f"{path}: {error.strerror}; make the folder writable or name another in LARES_DATA_DIR"
    )


def sync_folder(folder: Path) -> None:
    """Make a rename inside the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
