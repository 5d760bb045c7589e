"""What must come from the operating system, and how to get it there."""

from __future__ import annotations

import ctypes.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from scripts.setup.terminal import SetupError, run, say

INSTALL = {  # the first two words are what a person types
    "apt-get": ["apt-get", "install", "-y", "-qq", "--no-install-recommends"],
    "dnf": ["dnf", "install", "-y", "-q"],
    "pacman": ["pacman", "-S", "--noconfirm", "--needed"],
    "brew": ["brew", "install"],
}
MINIMUM_CMAKE = (3, 21)


class Need(NamedTuple):
    """One thing of the operating system.

    packages: package name by package manager; a manager that is absent here cannot provide it.
    without: what is missing without it; empty when nothing works without it.
    """

    name: str
    present: Callable[[], bool]
    packages: dict[str, str]
    without: str = ""


def _has_cmake() -> bool:
    if shutil.which("cmake") is None:
        return False
    told = subprocess.run(["cmake", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.(\d+)", told.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= MINIMUM_CMAKE


def _has_alsa_plugin(server: str) -> bool:
    places = ("lib/alsa-lib", "lib/*/alsa-lib", "lib64/alsa-lib")
    name = f"libasound_module_pcm_{server}.so"
    return any(True for place in places for _ in Path("/usr").glob(f"{place}/{name}"))


def _has_alsa_pulse() -> bool:
    return _has_alsa_plugin("pulse")


def _speaks_pulse() -> bool:
    """Whether a PulseAudio or PipeWire server is what this person's sound goes through."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}"))
    return "PULSE_SERVER" in os.environ or (runtime / "pulse" / "native").exists()


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


COMPILER = Need(
    "a C++ compiler",
    lambda: shutil.which("c++") is not None or shutil.which("g++") is not None,
    {"apt-get": "g++", "dnf": "gcc-c++", "pacman": "gcc"},
)
CMAKE = Need(
    "CMake 3.21",
    _has_cmake,
    {"apt-get": "cmake", "dnf": "cmake", "pacman": "cmake", "brew": "cmake"},
)
VENV = Need(
    "Python's venv module",
    lambda: True,
    {"apt-get": "python3-venv"},
)
PORTAUDIO = Need(
    "PortAudio",
    lambda: sys.platform == "darwin" or ctypes.util.find_library("portaudio") is not None,
    {"apt-get": "libportaudio2", "dnf": "portaudio", "pacman": "portaudio"},
    without="no microphone, no loudspeaker; questions as text, as wav files and over MQTT work",
)
ALSA_PULSE = Need(
    "ALSA's PulseAudio plugin",
    lambda: (
        sys.platform == "darwin"
        or not _speaks_pulse()
        or _has_alsa_pulse()
        or _has_alsa_plugin("pipewire")
    ),
    {
        "apt-get": "libasound2-plugins",
        "dnf": "alsa-plugins-pulseaudio",
        "pacman": "alsa-plugins",
    },
    without="PortAudio does not see the devices of PulseAudio or PipeWire",
)
TESTS = [
    Need(
        "mosquitto",
        lambda: shutil.which("mosquitto", path=_path_with_sbin()) is not None,
        {"apt-get": "mosquitto", "dnf": "mosquitto", "pacman": "mosquitto", "brew": "mosquitto"},
    ),
]
TESTS_ON_LINUX = [
    Need(
        "PulseAudio",
        _program("pulseaudio"),
        {"apt-get": "pulseaudio", "dnf": "pulseaudio", "pacman": "pulseaudio"},
    ),
    Need(
        "PulseAudio's tools",
        _program("pactl"),
        {"apt-get": "pulseaudio-utils", "dnf": "pulseaudio-utils", "pacman": "libpulse"},
    ),
    PORTAUDIO._replace(without=""),
    ALSA_PULSE._replace(present=_has_alsa_pulse, without=""),
]


def _path_with_sbin() -> str:
    return os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"


def needs_for_tests() -> list[Need]:
    """Return what the tests need on this platform; the virtual room is Linux only."""
    return TESTS + (TESTS_ON_LINUX if sys.platform == "linux" else [])


def provide(needs: list[Need], *, as_root: bool | None = None) -> None:
    """Install what is missing when running as root, else say how.

    as_root: whether the package manager may be run; by default, whether this process is root.

    Raises:
        SetupError: Something is missing without which nothing works.
    """
    missing = [need for need in needs if not need.present()]
    if not missing:
        return
    as_root = os.getuid() == 0 if as_root is None else as_root
    manager = _manager()
    packages = sorted({need.packages[manager] for need in missing if manager in need.packages})
    if packages and manager != "brew" and as_root:
        _install(manager, packages)
        missing = [need for need in missing if not need.present()]
    if not missing:
        return
    compiler = any(need.name == COMPILER.name for need in missing)
    hint = install_hint(manager, packages, compiler=compiler)
    for need in missing:
        if need.without:
            say(f"missing: {need.name}: {need.without}; to get it: {hint}")
    hard = [need.name for need in missing if not need.without]
    if hard:
        raise SetupError("missing: {}; to get it: {}".format(", ".join(hard), hint))


def _install(manager: str, packages: list[str]) -> None:
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    try:
        if manager == "apt-get":
            run(["apt-get", "update", "-qq"], "updating the package lists", env=env)
        run(INSTALL[manager] + packages, "installing " + " ".join(packages), env=env)
    except SetupError as error:
        say(str(error))


def _manager() -> str:
    order = ["brew"] if sys.platform == "darwin" else ["apt-get", "dnf", "pacman"]
    return next((name for name in order if shutil.which(name)), order[0])


def install_hint(manager: str, packages: list[str], *, compiler: bool = False) -> str:
    """Return the command that a person types to get the packages.

    compiler: a compiler is missing too; on a Mac that comes with Apple's command line tools.
    """
    if manager == "brew":
        tools = ["xcode-select --install"] if compiler else []
        return " && ".join([*tools, *([f"brew install {' '.join(packages)}"] if packages else [])])
    return f"sudo {' '.join(INSTALL[manager][:2])} {' '.join(packages)}"
