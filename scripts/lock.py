"""The lock: writes it, or checks that it is fresh and installable everywhere.

    python scripts/lock.py            write requirements/*.txt from pyproject.toml
    python scripts/lock.py --check    fail when stale, or when a platform cannot be resolved
    python scripts/lock.py --upgrade  write it with the newest versions

`lock.txt` is what runs, `dev.txt` the same and the tools, `wake.txt` what the extra `wake` adds,
`build.txt` what builds wheels here, `llama.txt` the one source package that is built on each
machine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "requirements"
UV = [str(Path(sys.executable).with_name("uv")), "--config-file", "requirements/uv.toml"]
COMPILE = [*UV, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
           "--generate-hashes", "--no-header"]  # fmt: skip
PYTHONS = ("3.11", "3.12", "3.13")
SOURCE_ONLY = "llama-cpp-python"
PLATFORMS = {
    "macOS 14 arm64": ("aarch64-apple-darwin", "darwin", "arm64", "23.6.0"),
    "macOS 15 arm64": ("aarch64-apple-darwin", "darwin", "arm64", "24.6.0"),
    "Linux x86_64": ("x86_64-manylinux_2_36", "linux", "x86_64", "6.1.0-18-amd64"),
    "Linux aarch64": ("aarch64-manylinux_2_36", "linux", "aarch64", "6.1.0-18-arm64"),
}
"""Name: uv's platform, sys_platform, platform_machine, platform_release."""


def write(folder: Path, *, upgrade: bool) -> None:
    """Resolve pyproject.toml into the five files; pins that still fit stay as they are."""
    newest = ["--upgrade"] if upgrade else []
    lock, dev, wake = folder / "lock.txt", folder / "dev.txt", folder / "wake.txt"
    omit = ["--no-emit-package", SOURCE_ONLY, "--no-annotate"]
    _resolve([*newest, *omit, "-o", str(lock), "pyproject.toml"])
    for extra, file in (("dev", dev), ("wake", wake)):
        more = ["--extra", extra, "-c", str(lock)]
        _resolve([*newest, *omit, *more, "-o", str(file), "pyproject.toml"])
    held = {block.split()[0] for block in blocks(lock.read_text(encoding="utf-8"))}
    added = [b for b in blocks(wake.read_text(encoding="utf-8")) if b.split()[0] not in held]
    wake.write_text("\n".join(added) + "\n", encoding="utf-8")
    _resolve([*newest, "-o", str(folder / "build.txt"), "requirements/build.in"])
    _resolve(["--no-deps", "--no-annotate", "-o", str(folder / "llama.txt"), "-"], _source_pin())


def _resolve(arguments: list[str], stdin: str = "") -> None:
    _run([*COMPILE, *arguments], stdin)


def _run(command: list[str], stdin: str = "", **env: str) -> None:
    told = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, input=stdin, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if told.returncode != 0:
        raise SystemExit(f"lock: {' '.join(command[-3:])}\n{told.stderr.strip()}")


def _source_pin() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(rf'"({SOURCE_ONLY}==[^"]+)"', text)
    if found is None:
        raise SystemExit(f"lock: pyproject.toml pins no {SOURCE_ONLY}==...")
    return found[1]


def blocks(text: str) -> list[str]:
    """Return the requirements of a lock, each with its marker and its hashes."""
    parts = re.split(r"\n(?=[A-Za-z#])", text.strip())
    return [part.strip() for part in parts if re.match(r"[A-Za-z]", part)]


def stale() -> list[str]:
    """Return the names of the files that a fresh resolution would write differently."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        for file in FOLDER.glob("*.txt"):
            (fresh / file.name).write_bytes(file.read_bytes())
        write(fresh, upgrade=False)
        return [
            file.name for file in sorted(fresh.glob("*.txt"))
            if not (FOLDER / file.name).exists()
            or file.read_bytes() != (FOLDER / file.name).read_bytes()
        ]  # fmt: skip


def requirements_for(text: str, environment: dict[str, str]) -> Iterator[str]:
    """Yield the requirements of a lock, hashes included, whose markers hold."""
    for block in blocks(text):
        marker = block.split("\\", 1)[0].partition(";")[2].strip()
        if not marker or Marker(marker).evaluate(environment):
            yield re.sub(r" ;[^\\]*", " ", block, count=1)


def check_platform(platform: str, python: str) -> None:
    """Resolve the lock for one platform and Python, wheels only, installing nothing."""
    target, system, machine, release = PLATFORMS[platform]
    environment = {
        "sys_platform": system, "platform_machine": machine, "platform_release": release,
        "python_version": python, "python_full_version": f"{python}.0",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    text = "\n".join(
        (FOLDER / name).read_text(encoding="utf-8") for name in ("dev.txt", "wake.txt")
    )
    with tempfile.TemporaryDirectory() as nowhere:
        _run(
            [*UV, "pip", "install", "--dry-run", "--quiet", "--no-deps", "--only-binary", ":all:",
             "--require-hashes", "--python-platform", target, "--python-version", python,
             "--target", nowhere, "-r", "-"],
            "\n".join(requirements_for(text, environment)),
            MACOSX_DEPLOYMENT_TARGET="15.0" if release.startswith("24") else "14.0",
        )  # fmt: skip


def main() -> None:
    """Write or check the lock."""
    if "--check" not in sys.argv[1:]:
        write(FOLDER, upgrade="--upgrade" in sys.argv[1:])
        return
    if names := stale():
        raise SystemExit(f"lock: stale: {', '.join(names)}; run: make lock")
    pairs = [(platform, python) for platform in PLATFORMS for python in PYTHONS]
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(check_platform, *zip(*pairs, strict=True)))
    print(f"lock: fresh, and installable on {', '.join(PLATFORMS)} x Python {', '.join(PYTHONS)}")


if __name__ == "__main__":
    main()
