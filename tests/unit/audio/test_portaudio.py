from __future__ import annotations

import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest

from audio.errors import AudioError
from audio.portaudio import PortAudio
from unit.audio.fake_devices import DEVICE


class Library:
    """Stands for the module sounddevice, with one device that does not start."""

    PortAudioError = RuntimeError
    default = SimpleNamespace(device=(0, 0))

    latency = 0.01

    def __init__(self, *, starts: bool = False) -> None:
        self.starts = starts
        self.closed = 0
        self.renewed = 0
        self._initialized = 1
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def _terminate(self) -> None:
        self._initialized -= 1

    def _initialize(self) -> None:
        self._initialized += 1
        self.renewed += 1

    def query_hostapis(self, number: int | None = None) -> object:
        self.asked.set()
        assert self.may_answer.wait(5.0)
        return [{"name": DEVICE.host}] if number is None else {"name": DEVICE.host}

    def query_devices(self) -> list[dict[str, object]]:
        return [{"name": DEVICE.name, "hostapi": 0}]

    def RawInputStream(self, **options: object) -> Library:  # noqa: N802
        del options
        return self

    def start(self) -> None:
        if not self.starts:
            raise RuntimeError("the device is busy")

    def close(self, *, ignore_errors: bool) -> None:
        assert ignore_errors
        self.closed += 1


def test_a_stream_that_does_not_start_is_closed() -> None:
    library = Library()
    with pytest.raises(AudioError, match="busy"):
        PortAudio(library=library).open_input(DEVICE, 256, lambda data: None)
    assert library.closed == 1


def test_a_call_that_does_not_return_is_told_by_the_next_one() -> None:
    library = Library()
    told: list[str] = []
    backend = PortAudio(told.append, library=library, turn_s=0.05)

    def hang() -> None:
        with suppress(AudioError):
            backend.open_input(DEVICE, 256, lambda data: None)

    library.may_answer.clear()
    hanging = threading.Thread(target=hang)
    hanging.start()
    assert library.asked.wait(5.0)
    with pytest.raises(AudioError, match="not answered"):
        backend.devices()
    library.may_answer.set()
    hanging.join()
    assert told == ["the sound system has not answered for 0.05 s"]


def test_the_devices_of_now_are_listed_while_no_stream_is_open() -> None:
    library = Library(starts=True)
    backend = PortAudio(library=library)
    stream = backend.open_input(DEVICE, 256, lambda data: None)
    before = library.renewed
    with suppress(KeyError):
        backend.devices()
    assert library.renewed == before
    stream.close()
    with suppress(KeyError):
        backend.devices()
    assert library.renewed == before + 1
