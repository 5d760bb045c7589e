"""Reads from a ggml library's own log lines which device computes."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

_USING = re.compile(r"using (?:device )?(\w+?)\d* (?:backend|\((?P<name>[^)]*)\))")
_WEIGHTS = re.compile(r"\b([A-Za-z]+)\d*(?:_Mapped)?\s+(?:total|model buffer|buffer) size")
_REFUSED = re.compile(r"failed to initialize \w+ backend|falling back to CPU")
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


WARNING = 3
"""ggml's level of a warning; errors are above."""


class LogLines:
    """Collects a library's log while it loads; its warnings go to standard error as well."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, level: int, text: str) -> None:
        """Take one piece of the log."""
        self.text += text
        if level >= WARNING:
            sys.stderr.write(text)


def parse_device(log: str | Iterable[str]) -> Device:
    """Return the device named in a whisper.cpp or llama.cpp log; the CPU when none is."""
    text = log if isinstance(log, str) else "".join(log)
    counts = _OFFLOADED.search(text)
    offloaded = (int(counts[1]), int(counts[2])) if counts else None
    if _REFUSED.search(text) or (offloaded is not None and offloaded[0] == 0):
        return Device(offloaded=offloaded)
    found = [
        m for m in (*_USING.finditer(text), *_WEIGHTS.finditer(text)) if m[1].lower() in _KINDS
    ]
    if not found:
        return Device(offloaded=offloaded)
    name = (found[0].groupdict().get("name") or "").strip()
    if not name and (named := _GPU_NAME.search(text)):
        name = named["name"].strip()
    return Device(_KINDS[found[0][1].lower()], name, offloaded)


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
