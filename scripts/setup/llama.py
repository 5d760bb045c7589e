"""llama-cpp-python, published as source only: built once, kept in the cache.

The wheel does not depend on the Python version. It is kept in a folder keyed by everything that
changes it: version, CMake options, processor, C library.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.setup import system
from scripts.setup.environment import PYTHON, REQUIREMENTS, install_local, mac_processor
from scripts.setup.terminal import SetupError, run, say

SOURCE = REQUIREMENTS / "llama.txt"
ONLY_LLAMA = Path(__file__).with_name("only_llama.cmake")
CPU_SECONDS = 170.0
"""What a build without CUDA takes on one core of a 2024 server, seconds."""

INSIDE_THE_PACKAGE = (
    "-DCMAKE_INSTALL_LIBDIR:STRING=llama_cpp/lib",
    "-DCMAKE_INSTALL_INCLUDEDIR:STRING=llama_cpp/include",
)
"""By default the wheel puts a second copy of everything at the top of site-packages."""

CUDA_FACTOR = 8.0
CUDA = "-DGGML_CUDA=ON"


def options() -> list[str]:
    """Return the CMake options: no multimodal and no common library, every GPU that is there.

    Metal is on by default on a Mac; CUDA is switched on where a card and its compiler are found.
    What the environment's CMAKE_ARGS says comes last and wins.
    """
    chosen = ["-DLLAVA_BUILD=OFF", "-DLLAMA_OPENSSL=OFF", *INSIDE_THE_PACKAGE]
    if shutil.which("nvcc") and _cards():
        chosen.append(CUDA)
    return chosen + os.environ.get("CMAKE_ARGS", "").split()


def _cards() -> list[str]:
    """Return the names of the NVIDIA cards; containers and WSL tell only that there is one."""
    told = Path("/proc/driver/nvidia/gpus").glob("*/information")
    names = [file.read_text(encoding="utf-8").splitlines()[0] for file in sorted(told)]
    devices = [Path("/dev/dxg"), *sorted(Path("/dev").glob("nvidia[0-9]*"))]
    return names or [str(device) for device in devices if device.exists()]


def key() -> str:
    """Return the name of the cache folder: 16 hex digits."""
    parts = [
        SOURCE.read_text(encoding="utf-8"),
        ONLY_LLAMA.read_text(encoding="utf-8"),
        *options(),
        *_cards(),
        sys.platform,
        platform.machine(),
        _c_library(),
        _processor(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _c_library() -> str:
    """Return the C library and its version as it is on this machine, whatever Python asks."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except ValueError:  # macOS and musl know no such name
        return platform.release() if sys.platform == "darwin" else "musl"


def _processor() -> str:
    """Return what the compiler's -march=native depends on."""
    if sys.platform == "darwin":
        return mac_processor()
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        wanted = ("flags", "Features", "model name", "CPU part")
        seen = {line.split(":", 1)[1].strip() for line in lines if line.startswith(wanted)}
    return "\n".join(sorted(seen))


def folder() -> Path:
    """Return where this machine's wheel is, or will be."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "lares" / "wheels" / key()


def wheel() -> Path | None:
    """Return the built wheel, None before the first build."""
    return next(folder().glob("llama_cpp_python-*.whl"), None)


def install() -> None:
    """Install the wheel, building it first where the cache has none."""
    if wheel() is None:
        system.provide([system.COMPILER, system.CMAKE])
        _build()
    path = wheel()
    assert path is not None
    install_local(["--force-reinstall", str(path)], "installing llama-cpp-python")


def _build() -> None:
    chosen = options()
    try:
        _build_with(chosen)
    except SetupError as error:
        if CUDA not in chosen:
            raise
        say(f"{error}\nbuilding without CUDA instead; to try it again: rm -rf {folder()}")
        _build_with([option for option in chosen if option != CUDA])


def _build_with(chosen: list[str]) -> None:
    cores = os.cpu_count() or 1
    cuda = CUDA in chosen
    gpu = "Metal" if sys.platform == "darwin" else "CUDA" if cuda else "none"
    say(f"building llama.cpp once for this machine ({cores} cores, GPU: {gpu})")
    target = folder()
    target.parent.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ, CMAKE_BUILD_PARALLEL_LEVEL=str(cores))
    env["CMAKE_ARGS"] = " ".join([*chosen, f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={ONLY_LLAMA}"])
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        run(
            [str(PYTHON), "-m", "pip", "wheel", "--require-hashes", "-r", str(SOURCE), "--no-deps",
             "--no-build-isolation", "--no-cache-dir", "--config-settings", "install.strip=true",
             "--wheel-dir", work],
            "building llama.cpp",
            expected_s=30 + CPU_SECONDS / min(cores, 8) * (CUDA_FACTOR if cuda else 1),
            env=env,
        )  # fmt: skip
        target.mkdir(exist_ok=True)
        for built in Path(work).glob("*.whl"):
            built.replace(target / built.name)
