"""The machine's sound devices through PortAudio. Imported only when a device is wanted."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from audio.devices import Device, OnInput, OnOutput, Stream
from audio.errors import AudioError

_TURN_S = 10.0
"""Longest wait for another call into PortAudio to return, s."""


def install_hint() -> str:
    """Return the command that installs PortAudio on this machine."""
    if sys.platform == "darwin":
        return "brew install portaudio"
    return "sudo apt-get install -y libportaudio2   (Fedora: sudo dnf install portaudio)"


class PortAudio:
    """The real backend. PortAudio is not thread-safe: one call at a time."""

    def __init__(
        self,
        stalled: Callable[[str], None] = lambda text: None,
        library: Any = None,
        turn_s: float = _TURN_S,
    ) -> None:
        """Raises AudioError with the command that helps when PortAudio is missing.

        stalled: told when a call does not return: only a new process helps
        library: what is used as the module sounddevice; None for the module itself
        turn_s:  longest wait for another call, s
        """
        self._library = library or _sounddevice()
        self._stalled = stalled
        self._turn_s = turn_s
        self._lock = threading.Lock()
        self._open_streams = 0

    def devices(self) -> list[Device]:
        """See Backend."""
        with self._turn(), self._told("the sound devices cannot be listed"):
            self._renew()
            hosts = self._library.query_hostapis()
            default_in, default_out = self._library.default.device
            return [
                Device(
                    name=found["name"],
                    host=hosts[found["hostapi"]]["name"],
                    inputs=found["max_input_channels"],
                    outputs=found["max_output_channels"],
                    rate=round(found["default_samplerate"]),
                    default_input=number == default_in,
                    default_output=number == default_out,
                )
                for number, found in enumerate(self._library.query_devices())
            ]

    def open_input(self, device: Device, samples: int, block: OnInput) -> Stream:
        """See Backend."""

        def hear(data: Any, frames: int, times: Any, status: Any) -> None:
            del frames, times, status
            block(bytes(data))

        return self._open(self._library.RawInputStream, device, samples, hear)

    def open_output(self, device: Device, samples: int, block: OnOutput) -> Stream:
        """See Backend."""

        def fill(data: Any, frames: int, times: Any, status: Any) -> None:
            del status
            data[:] = block(frames, times.outputBufferDacTime - times.currentTime)

        return self._open(self._library.RawOutputStream, device, samples, fill)

    def _open(self, make: Any, device: Device, samples: int, callback: Any) -> Stream:
        with self._turn(), self._told(f"{device.name} cannot be opened"):
            self._renew()
            stream = make(
                device=self._number(device),
                samplerate=device.rate,
                channels=1,
                dtype="int16",
                blocksize=samples,
                latency="low",
                callback=callback,
            )
            try:
                stream.start()
            except BaseException:
                stream.close(ignore_errors=True)
                raise
            self._open_streams += 1
            return _Stream(stream, self._lock, self._count_closed)

    def _renew(self) -> None:
        """Let PortAudio see the devices of now, which it does only while no stream is open."""
        if self._open_streams == 0:
            # sounddevice has no public way to do this
            while self._library._initialized:  # noqa: SLF001
                self._library._terminate()  # noqa: SLF001
            self._library._initialize()  # noqa: SLF001

    def _count_closed(self) -> None:
        self._open_streams -= 1

    def _number(self, device: Device) -> int:
        for number, found in enumerate(self._library.query_devices()):
            host = self._library.query_hostapis(found["hostapi"])["name"]
            if (found["name"], host) == (device.name, device.host):
                return number
        raise AudioError(f"{device.name} ({device.host}) is not there any more")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=self._turn_s):
            text = f"the sound system has not answered for {self._turn_s:g} s"
            self._stalled(text)
            raise AudioError(text)
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (self._library.PortAudioError, ValueError, OSError) as error:
            raise AudioError(f"{what}: {error}") from error


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:
        hint = f"install it: {install_hint()}"
        text = f"PortAudio is missing; {hint}"
        raise AudioError(text, code="portaudio_missing", hint=hint) from error
    return sounddevice


class _Stream:
    """A running PortAudio stream."""

    def __init__(self, stream: Any, library: threading.Lock, closed: Callable[[], None]) -> None:
        self._stream: Any | None = stream
        self._library = library
        self._told_closed = closed
        self.latency_s = float(stream.latency)

    def close(self) -> None:
        """See Stream. Closing twice closes once: PortAudio would free the stream again."""
        with self._library:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.close(ignore_errors=True)
                self._told_closed()
