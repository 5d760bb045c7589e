"""A network without sockets: each request is answered by the next scripted answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assistant.models.checks import Digest
from assistant.models.downloader import Downloader
from assistant.models.network import Interrupted
from assistant.models.part import Wanted

CONTENTS = bytes(range(256)) * 40
URL = "https://hub.test/model.bin"
MIRROR = "https://mirror.test/model.bin"


def wanted(contents: bytes = CONTENTS, *urls: str) -> Wanted:
    digest = Digest("sha256", hashlib.sha256(contents).hexdigest())
    return Wanted(urls or (URL,), len(contents), digest)


@dataclass(frozen=True)
class Scripted:
    """What the server does once. The pieces come one read each; then it ends, or breaks."""

    pieces: tuple[bytes, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: bool = False
    url: str = URL

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


class _Reading:
    def __init__(self, answer: Scripted) -> None:
        self.status, self.url, self.header = answer.status, answer.url, answer.header
        self._pieces, self._breaks = list(answer.pieces), answer.breaks

    def read(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._breaks:
            raise Interrupted("hub.test: it is silent")
        return b""


class ScriptedNetwork:
    def __init__(self, *answers: Scripted) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answers = list(answers)
        self._server: tuple[bytes, list[int], bool] | None = None

    def serve(self, contents: bytes, cuts: list[int], *, ranges: bool) -> None:
        """Behave like a server; connection n breaks after cuts[n] bytes, later ones do not."""
        self._server = (contents, list(cuts), ranges)

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[_Reading]:
        self.asked.append((url, dict(headers)))
        if self._server:
            yield _Reading(self._serve(headers, *self._server))
            return
        if not self._answers:
            raise Interrupted(f"{url} cannot be reached")
        yield _Reading(self._answers.pop(0))

    @staticmethod
    def _serve(
        asked: Mapping[str, str], contents: bytes, cuts: list[int], ranges: bool
    ) -> Scripted:
        start = int(asked.get("Range", "bytes=0-")[6:-1]) if ranges else 0
        cut = cuts.pop(0) if cuts else len(contents)
        body = contents[start : start + cut]
        place = f"bytes {start}-{len(contents) - 1}/{len(contents)}"
        partial = ranges and "Range" in asked
        headers = {"Content-Range": place} if partial else {}
        return Scripted((body,), 206 if partial else 200, headers, breaks=True)


class Machine:
    """A downloader whose waiting is written down, on a disk that has room."""

    def __init__(self, *answers: Scripted, free_bytes: int = 1 << 40) -> None:
        self.network = ScriptedNetwork(*answers)
        self.waited_s: list[float] = []
        self.now_s = 0.0
        self.downloader = Downloader(
            self.network, self._sleep, self._clock, lambda _folder: free_bytes
        )

    def _sleep(self, duration_s: float) -> None:
        self.waited_s.append(duration_s)
        self.now_s += duration_s

    def _clock(self) -> float:
        self.now_s += 0.1
        return self.now_s


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
