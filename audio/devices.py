"""The machine's sound devices, by PortAudio.

PortAudio sees the devices of the moment it was loaded. So a list is made in a fresh process
(`python -P -m audio.devices` prints it), and sounddevice is imported when a device is first opened.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Protocol, TypeAlias

from audio.errors import AudioError

_LIST_S = 10.0
"""Longest time to list the devices, s: some drivers take long to wake."""

OnInput: TypeAlias = Callable[[bytes], None]
"""Takes one block of mono int16, in a real-time thread."""

OnOutput: TypeAlias = Callable[[int, float], bytes]
"""Takes samples wanted and the seconds until the first is heard; returns mono int16 bytes."""


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device. Its name with its host (ALSA, Core Audio, ...) stays the same over restarts.

    inputs, outputs: channels; rate: native, Hz
    """

    name: str
    host: str
    inputs: int
    outputs: int
    rate: int
    default_input: bool
    default_output: bool


class Stream(Protocol):
    """An open stream of one direction."""

    latency_s: float
    """Between the device and the callback, as the driver estimates it."""

    def close(self) -> None:
        """Close the stream. May never return: call it in a thread that nobody waits for."""


class Backend(Protocol):
    """What this package needs of a sound library. All methods may take seconds or hang."""

    def devices(self) -> list[Device]:
        """Return the devices as this process sees them."""

    def open_input(self, device: Device, samples: int, block: OnInput) -> Stream:
        """Start to capture. Raises AudioError."""

    def open_output(self, device: Device, samples: int, block: OnOutput) -> Stream:
        """Start to play. Raises AudioError."""


def choose(devices: list[Device], name: str | None, *, output: bool) -> Device:
    """Return the default device of a direction, or the one called `name`.

    Raises AudioError when there is none; an unknown name gets the nearest names.
    """
    kind = "loudspeaker" if output else "microphone"
    fit = [device for device in devices if (device.outputs if output else device.inputs) > 0]
    if not fit:
        raise AudioError(f"this machine has no {kind}")
    if name is None:
        default = [d for d in fit if (d.default_output if output else d.default_input)]
        return (default or fit)[0]
    for device in fit:
        if device.name == name:
            return device
    names = list(dict.fromkeys(device.name for device in fit))
    near = get_close_matches(name, names, n=1, cutoff=0.4)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    raise AudioError(f"no {kind} named {name!r}{guess} There are: {', '.join(names)}")


def list_devices() -> list[Device]:
    """Return the devices that are plugged in now. Takes about half a second.

    Raises AudioError when PortAudio is missing or does not answer.
    """
    command = [sys.executable, "-P", "-m", "audio.devices"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LIST_S, check=False)
    except subprocess.TimeoutExpired:
        raise AudioError(f"the sound devices did not answer within {_LIST_S:g} s") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise AudioError(f"listing the sound devices failed with exit {done.returncode}") from None
    if "error" in answer:
        raise AudioError(answer["error"])
    return [Device(**device) for device in answer["devices"]]


def main() -> None:
    """Print the devices as JSON, for `list_devices` in another process."""
    from audio.portaudio import PortAudio

    try:
        answer: dict[str, object] = {"devices": [asdict(d) for d in PortAudio().devices()]}
    except AudioError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
