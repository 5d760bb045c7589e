"""Fetches one file, whole or not at all.

What is here already is never fetched again: a download goes on where it stopped, today or
tomorrow, and a file takes its name only when its digest is right.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelError
from assistant.models.network import Answer, Interrupted, Network, Refused, host, shown
from assistant.models.part import Part, Wanted, explain_disk, is_whole
from assistant.models.progress import Meter, Tell, megabytes, silent

ATTEMPTS = 3
"""Failures in a row, without one new byte between them, that end the patience with an address."""

LONGEST_WAIT_S = 30.0
SPARE_BYTES = 1 << 30
"""Left free on the disk, for everything else that lives there."""
LONGEST_PAGE_BYTES = 8 << 20

RETRIED = {408, 425, 429, 500, 502, 503, 504}


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk that the folder is, or will be, on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Page:
    """A small answer, read whole."""

    url: str
    """The address after all redirects."""

    type: str
    """Its Content-Type."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches files. The caller holds the lock of the target's folder."""

    network: Network
    sleep: Callable[[float], None] = time.sleep
    """Waits so many seconds before another try."""

    clock: Callable[[], float] = time.monotonic
    free: Callable[[Path], int] = free_bytes

    def fetch(self, wanted: Wanted, target: Path, name: str, tell: Tell = silent) -> None:
        """Fetch the file to `target`, unless it is there.

        name: what progress calls it.
        Raises ModelError, with the reason of every address; what came so far is kept.
        """
        if is_whole(target, wanted):
            return
        reasons = []
        with Part(target, wanted) as part:
            self.need(wanted.bytes - part.size, target.parent)
            meter = Meter(name, wanted.bytes, self.clock, tell)
            for url in wanted.urls:
                try:
                    self._from(url, part, meter)
                    return
                except (Refused, Interrupted) as error:
                    reasons.append(str(error))
        raise ModelError(f"{name}: {'; '.join(dict.fromkeys(reasons))}")

    def page(self, url: str, headers: Mapping[str, str]) -> Page:
        """Fetch a small page. Raises Interrupted or Refused."""
        for failures in range(1, ATTEMPTS + 1):
            try:
                with self.network.get(url, headers) as answer:
                    if answer.status != 200:
                        error = Interrupted if answer.status in RETRIED else Refused
                        raise error(f"{shown(url)}: answers with status {answer.status}")
                    text = bytearray()
                    while data := answer.read():
                        text += data
                        if len(text) > LONGEST_PAGE_BYTES:
                            raise Refused(f"{shown(url)}: its answer has no end")
                    return Page(answer.url, answer.header("Content-Type"), bytes(text))
            except Interrupted:
                if failures == ATTEMPTS:
                    raise
                self.sleep(2.0**failures)
        raise AssertionError("the last attempt returns or raises")

    def need(self, count: int, folder: Path) -> None:
        """Raise ModelError unless the disk has room for so many bytes, and some to spare."""
        try:
            free = self.free(folder)
        except OSError as error:
            raise explain_disk(folder, error) from error
        if free < count + SPARE_BYTES:
            raise ModelError(
                f"{folder}: {megabytes(free)} MB are free, {megabytes(count + SPARE_BYTES)} MB "
                "are needed; make room or name another folder in LARES_DATA_DIR"
            )

    def _from(self, url: str, part: Part, meter: Meter) -> None:
        """Fetch from one address. What is left of another try and proves wrong is fetched anew."""
        resumed = part.size > 0
        self._fill(url, part, meter)
        if part.finish():
            return
        if resumed:
            self._fill(url, part, meter)
            if part.finish():
                return
        raise Refused(f"{host(url)}: the {part.wanted.digest.algorithm} of what it sent is wrong")

    def _fill(self, url: str, part: Part, meter: Meter) -> None:
        """Connect as often as it brings something, until all bytes are here."""
        most, failures = part.size, 0
        while part.size < part.wanted.bytes:
            try:
                self._connect(url, part, meter)
            except Interrupted:
                failures = 0 if part.size > most else failures + 1
                most = max(most, part.size)
                if failures >= ATTEMPTS:
                    raise
                self.sleep(min(2.0**failures, LONGEST_WAIT_S))

    def _connect(self, url: str, part: Part, meter: Meter) -> None:
        """Ask for what is missing and write it down as it comes."""
        headers = {"Accept-Encoding": "identity"}
        if part.size:
            headers["Range"] = f"bytes={part.size}-"
            if part.etag.startswith('"') and part.url == url:
                headers["If-Range"] = part.etag
        with self.network.get(url, headers) as answer:
            self._begin(url, answer, part)
            meter.at(part.size)
            while data := answer.read():
                if part.size + len(data) > part.wanted.bytes:
                    part.restart("", "")
                    raise Refused(f"{host(url)}: sent more than {part.wanted.bytes} bytes")
                part.append(data)
                meter.at(part.size)
        if part.size < part.wanted.bytes:
            raise Interrupted(f"{host(url)}: the connection broke after {part.size} bytes")

    def _begin(self, url: str, answer: Answer, part: Part) -> None:
        """Judge the answer by its head; make the part ready for its bytes."""
        where, length = host(url), answer.header("Content-Length")
        if answer.status in RETRIED:
            raise Interrupted(f"{where}: answers with status {answer.status}")
        if answer.status == 416:
            part.restart("", "")
            raise Interrupted(f"{where}: has no such part of the file")
        if answer.status not in (200, 206):
            raise Refused(f"{where}: answers with status {answer.status}")
        if answer.header("Content-Type").startswith("text/html"):
            raise Refused(f"{where}: answers with a web page instead of the file")
        if answer.header("Content-Encoding") not in ("", "identity"):
            raise Refused(f"{where}: answers with a compressed file")
        if answer.status == 206:
            part_of = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.header("Content-Range"))
            if part_of and part_of[2] not in ("*", str(part.wanted.bytes)):
                raise Refused(f"{where}: has {part_of[2]} bytes, not {part.wanted.bytes}")
            if part_of and int(part_of[1]) == part.size:
                return
            part.restart("", "")
            raise Interrupted(f"{where}: sends another part of the file than asked for")
        if length and length != str(part.wanted.bytes):
            raise Refused(f"{where}: has {length} bytes, not {part.wanted.bytes}")
        part.restart(url, answer.header("ETag"))
