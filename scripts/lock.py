"""The lock: writes it, or checks that it is fresh and installable everywhere.

    python scripts/lock.py            write requirements/*.txt from pyproject.toml
    python scripts/lock.py --check    fail when stale, or when a platform cannot be resolved
    python scripts/lock.py --upgrade  write it with the newest versions

`lock.txt` is what runs, `dev.txt` the same and the tools, `build.txt` what builds wheels here,
`llama.txt` the one source package that is built on each machine.
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
    """Resolve pyproject.toml into the four files; pins that still fit stay as they are."""
    newest = ["--upgrade"] if upgrade else []
    lock, dev = folder / "lock.txt", folder / "dev.txt"
    omit = ["--no-emit-package", SOURCE_ONLY]
    _resolve([*newest, "--extra", "wake", *omit, "-o", str(lock), "pyproject.toml"])
    extras = ["--extra", "wake", "--extra", "dev", "-c", str(lock)]
    _resolve([*newest, *extras, *omit, "-o", str(dev), "pyproject.toml"])
    _resolve([*newest, "-o", str(folder / "build.txt"), "requirements/build.in"])
    _resolve(["--no-deps", "--no-annotate", "-o", str(folder / "llama.txt"), "-"], _source_pin())
    for file in (lock, dev):  # where the constraints lay is nobody's business
        file.write_text(_without_paths(file.read_text(encoding="utf-8")), encoding="utf-8")


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


def _without_paths(text: str) -> str:
    return re.sub(r"^    # .*\n", "", text, flags=re.MULTILINE)


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
    for block in re.split(r"\n(?=[A-Za-z])", text):
        head = block.split("\\", 1)[0]
        marker = head.partition(";")[2].strip()
        if re.match(r"[A-Za-z]", block) and (not marker or Marker(marker).evaluate(environment)):
            yield re.sub(r" ;[^\\]*", " ", block, count=1)


def check_platform(platform: str, python: str) -> None:
    """Resolve the lock for one platform and Python, wheels only, installing nothing."""
    target, system, machine, release = PLATFORMS[platform]
    environment = {
        "sys_platform": system, "platform_machine": machine, "platform_release": release,
        "python_version": python, "python_full_version": f"{python}.0",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    text = (FOLDER / "dev.txt").read_text(encoding="utf-8")
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
