"""Reads from a ggml library's own log lines which device computes."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

_USING = re.compile(r"using (?:device )?(\S+?)(\d*) (?:backend|\((?P<name>[^)]*)\))")
_GPU_NAME = re.compile(
    r"(?:GPU name:\s*|picking default device:\s*|^\s*Device 0: )(?P<name>[^,\n]+)", re.MULTILINE
)
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_KINDS = {"metal": "metal", "mtl": "metal", "cuda": "cuda", "rocm": "rocm", "vulkan": "vulkan"}


@dataclass(frozen=True, slots=True)
class Device:
    """Where a model computes.

    kind:      "cpu", "metal", "cuda", "rocm", "vulkan"
    name:      as the library says it ("Apple M2 Pro"), empty when it says none
    offloaded: layers on the GPU and layers of the model, where the library tells
    """

    kind: str = "cpu"
    name: str = ""
    offloaded: tuple[int, int] | None = None

    def facts(self, warning: str | None) -> dict[str, object]:
        """Return what `ready` tells about the device."""
        told: dict[str, object] = {"device": self.kind}
        if self.name:
            told["device_name"] = self.name
        if self.offloaded is not None:
            told["layers_on_gpu"], told["layers"] = self.offloaded
        if warning:
            told["warning"] = warning
        return told


class LogLines:
    """Collects a library's log while it loads and passes it on to standard error."""

    def __init__(self) -> None:
        self.text = ""
        self._open = True

    def add(self, text: str) -> None:
        """Take one piece of the log."""
        if self._open:
            self.text += text
            sys.stderr.write(text)

    def close(self) -> None:
        """Take nothing more."""
        self._open = False


def parse_device(log: str | Iterable[str]) -> Device:
    """Return the device named in a whisper.cpp or llama.cpp log; the CPU when none is."""
    text = log if isinstance(log, str) else "".join(log)
    kind, name = "cpu", ""
    for match in _USING.finditer(text):
        found = _KINDS.get(match[1].lower())
        if found:
            kind, name = found, (match["name"] or "").strip()
            break
    counts = _OFFLOADED.search(text)
    offloaded = (int(counts[1]), int(counts[2])) if counts else None
    if offloaded is not None and offloaded[0] == 0:
        kind, name = "cpu", ""
    if kind != "cpu" and not name and (named := _GPU_NAME.search(text)):
        name = named["name"].strip()
    return Device(kind, name, offloaded)


def cpu_warning(
    device: Device,
    *,
    wanted_gpu: bool,
    system: str = platform.system(),
    machine: str = platform.machine(),
) -> str | None:
    """Return a warning when Apple Silicon computes on the CPU though the GPU was wanted."""
    if device.kind == "cpu" and wanted_gpu and system == "Darwin" and machine == "arm64":
        return (
            "computes on the CPU although this Mac has a Metal GPU: the library was built"
            " without Metal; reinstall it (docs/mac.md)"
        )
    return None
