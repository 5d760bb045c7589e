"""The virtual environment: which Python, how it is made, what is installed from the lock."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.setup import system
from scripts.setup.terminal import ROOT, SetupError, run, say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
OLDEST, NEWEST = (3, 11), (3, 13)
GET_UV = "curl -LsSf https://astral.sh/uv/install.sh | sh"
_FACTS = "import platform, sys; print(*sys.version_info[:2], platform.machine())"


def pick_python() -> str | None:
    """Return a Python that suits, or None where uv is there to bring one.

    Raises:
        SetupError: There is none, and no uv.
    """
    apple_silicon = "Apple" in mac_processor()
    for candidate in [sys.executable, *_others()]:
        version, machine = _facts(candidate)
        if OLDEST <= version <= NEWEST and not (apple_silicon and machine == "x86_64"):
            return candidate
    if shutil.which("uv"):
        return None
    translated = apple_silicon and platform.machine() == "x86_64"
    raise SetupError(refusal(sys.version_info[:2], translated))


def refusal(version: tuple[int, int], translated: bool) -> str:
    """Return the one line that says why this Python does not do, and what does."""
    if translated:
        return (
            "this Python is an Intel program that runs under Rosetta, too slow for speech; "
            f"get one for Apple Silicon (brew install python@3.12, or uv: {GET_UV}) and run "
            "the same command again"
        )
    return (
        f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed, this is "
        f"{version[0]}.{version[1]}; uv brings its own: {GET_UV} ; then run the same command again"
    )


def mac_processor() -> str:
    """Return the processor's name as macOS tells it, empty elsewhere."""
    if sys.platform != "darwin":
        return ""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _others() -> list[str]:
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    return [path for path in map(shutil.which, names) if path]


def _facts(python: str) -> tuple[tuple[int, int], str]:
    told = subprocess.run([python, "-c", _FACTS], capture_output=True, text=True, check=False)
    if told.returncode != 0:  # a version manager's stub for a version that is not there
        return (0, 0), ""
    major, minor, machine = told.stdout.split()
    return (int(major), int(minor)), machine


def usable(venv: Path) -> bool:
    """Return whether an environment's Python suits, and is still the one it was made with."""
    python = venv / "bin" / "python"
    if not python.exists():
        return False
    version, _ = _facts(str(python))
    packages = venv / "lib" / f"python{version[0]}.{version[1]}"
    return OLDEST <= version <= NEWEST and packages.is_dir()


def make(python: str | None) -> None:
    """Make .venv unless a usable one is there."""
    if usable(VENV):
        return
    if VENV.exists():
        say("setup: .venv does not fit its Python, which was removed or replaced; making it anew")
        shutil.rmtree(VENV)
    uv = shutil.which("uv")
    if uv:
        run([uv, "venv", "--python", python or "3.12", str(VENV)], "making .venv with uv")
        return
    assert python is not None
    if not _can_make_venv(python):
        system.provide([system.VENV._replace(present=lambda: _can_make_venv(python))])
    run([python, "-m", "venv", str(VENV)], "making .venv", expected_s=10)


def _can_make_venv(python: str) -> bool:
    told = subprocess.run(
        [python, "-c", "import ensurepip, venv"], capture_output=True, check=False
    )
    return told.returncode == 0


def install(requirements: Path, what: str, expected_s: float = 60.0) -> None:
    """Install exactly what a hashed requirements file names, wheels only."""
    run(
        [*installer(), "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r",
         str(requirements)],
        what,
        expected_s=expected_s,
    )  # fmt: skip


def install_local(arguments: list[str], what: str) -> None:
    """Install what lies on this disk, asking no package server."""
    run([*installer(), "--no-index", "--no-deps", "--no-build-isolation", *arguments], what)


def installer() -> list[str]:
    """Return the beginning of an install command: uv's where it is there, else pip's."""
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", str(PYTHON)]
    return [str(PYTHON), "-m", "pip", "install", "--quiet", "--retries", "2", "--timeout", "30",
            "--disable-pip-version-check", "--root-user-action", "ignore"]  # fmt: skip


def install_wake_words() -> None:
    """Install the wake word package where it has a wheel; say so where it has none."""
    absent = "wake words by pymicro-wakeword: {}; calling the persona by its name works"
    if sys.platform == "darwin" and platform.release().startswith("23."):
        say(absent.format("they need macOS 15"))
        return
    try:
        install(REQUIREMENTS / "wake.txt", "installing wake words", 10)
    except SetupError as error:
        say(absent.format(error))


def writable() -> None:
    """Fail clearly where this checkout cannot be written.

    Raises:
        SetupError: No permission in the checkout.
    """
    if not os.access(ROOT, os.W_OK):
        raise SetupError(f"{ROOT}: no permission to write; clone the project to a folder of yours")
