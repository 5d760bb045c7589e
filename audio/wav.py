"""Reads any usual wav file as mono 16 kHz, and writes 16-bit ones atomically."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip, Samples
from audio.errors import AudioError
from audio.resample import resample, to_mono

LONGEST_S = 600.0
"""Longest file that is read, seconds."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_HINT = "convert it first, for example: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav"


@dataclass(frozen=True, slots=True)
class _Format:
    kind: int
    channels: int
    rate: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


def read(path: Path, rate: int = 16_000) -> Clip:
    """Return the sound of a wav file, mono, at `rate` Hz.

    Takes PCM of 8, 16, 24 and 32 bits and floats of 32 and 64, at any rate, with any number of
    channels. Raises AudioError for anything else: no such file, not a wav file, cut off, empty,
    longer than ten minutes.
    """
    try:
        with path.open("rb") as file:
            form, data = _parse(file, path)
    except OSError as error:
        raise AudioError(f"{path}: cannot be read: {error.strerror}") from error
    sound = _decode(data, form).reshape(-1, form.channels)
    return resample(Clip(np.ascontiguousarray(to_mono(sound)), form.rate), rate)


def write(path: Path, clip: Clip) -> None:
    """Write the clip as 16-bit mono; samples beyond [-1, 1] are clamped.

    The file appears whole or not at all. Raises AudioError when it cannot be written.
    """
    writer = Writer(path, clip.rate)
    writer.append(clip.samples)
    writer.close()


class Writer:
    """Writes 16-bit mono sound bit by bit. The file appears, whole, at `close`."""

    _HEAD_BYTES = 44

    def __init__(self, path: Path, rate: int) -> None:
        """Raises AudioError when the folder cannot be written."""
        self._path = path
        self._rate = rate
        self._bytes = 0
        with self._told():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            self._part = Path(name)
            self._file = os.fdopen(handle, "wb")
            self._file.write(self._head())

    def append(self, samples: Samples) -> None:
        """Add samples; what is beyond [-1, 1] is clamped. Raises AudioError when it cannot."""
        if self._HEAD_BYTES + self._bytes + 2 * len(samples) >= 2**32:
            raise AudioError(f"{self._path}: full: a wav file holds no more than 4 GiB")
        sound = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
        with self._told():
            self._file.write(sound)
        self._bytes += len(sound)

    def close(self) -> None:
        """Put the file in its place. Raises AudioError when it cannot."""
        try:
            with self._told(), self._file:
                self._file.seek(0)
                self._file.write(self._head())
            with self._told():
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _head(self) -> bytes:
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + self._bytes, b"WAVE", b"fmt ", 16,
            _PCM, 1, self._rate, self._rate * 2, 2, 16, b"data", self._bytes,
        )  # fmt: skip

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise AudioError(f"{self._path}: cannot be written: {error.strerror}") from error


def _parse(file: BinaryIO, path: Path) -> tuple[_Format, bytes]:
    riff, _, wave = _unpack(file, "<4sI4s", path)
    if riff != b"RIFF" or wave != b"WAVE":
        raise AudioError(f"{path}: not a wav file; {_HINT}")
    form: _Format | None = None
    while True:
        name, size = _unpack(file, "<4sI", path)
        if name == b"fmt ":
            form = _check(file.read(size), path)
        elif name == b"data":
            break
        else:
            file.seek(size, os.SEEK_CUR)
        file.seek(size % 2, os.SEEK_CUR)
    if form is None:
        raise AudioError(f"{path}: broken wav file: its sound comes before its format")
    if size > LONGEST_S * form.rate * form.frame_bytes:
        raise AudioError(f"{path}: longer than {LONGEST_S / 60:g} minutes; cut it first")
    data = file.read(size)
    if len(data) < size:
        raise AudioError(f"{path}: cut off: {size - len(data)} of {size} bytes of sound missing")
    data = data[: len(data) // form.frame_bytes * form.frame_bytes]
    if not data:
        raise AudioError(f"{path}: holds no sound")
    return form, data


def _unpack(file: BinaryIO, layout: str, path: Path) -> tuple[Any, ...]:
    head = file.read(struct.calcsize(layout))
    if not head:
        raise AudioError(f"{path}: holds no sound" if file.tell() else f"{path}: an empty file")
    try:
        return struct.unpack(layout, head)
    except struct.error:
        raise AudioError(f"{path}: not a wav file, or cut off; {_HINT}") from None


def _check(data: bytes, path: Path) -> _Format:
    if len(data) < struct.calcsize("<HHIIHH"):
        raise AudioError(f"{path}: broken wav file: its format is cut off")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data)
    if kind == _EXTENSIBLE and len(data) >= 26:
        (kind,) = struct.unpack_from("<H", data, 24)
    known = (kind == _PCM and bits in (8, 16, 24, 32)) or (kind == _FLOAT and bits in (32, 64))
    if not known:
        raise AudioError(f"{path}: wav format {kind} with {bits} bits is not supported; {_HINT}")
    if not (1 <= channels <= 64 and 1_000 <= rate <= 768_000):
        raise AudioError(f"{path}: broken wav file: {channels} channels at {rate} Hz")
    return _Format(kind, channels, rate, bits)


def _decode(data: bytes, form: _Format) -> Samples:
    """Return all samples, channels interleaved, float32 in [-1, 1] with non-numbers as 0."""
    if form.kind == _FLOAT:
        wild: NDArray[np.float64] = np.frombuffer(data, f"<f{form.bits // 8}").astype(np.float64)
        return np.clip(np.nan_to_num(wild), -1.0, 1.0).astype(np.float32)
    if form.bits == 8:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    if form.bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        ints: NDArray[np.int32] = wide.view("<i4")[:, 0]
        return (ints / 2.0**31).astype(np.float32)
    ints = np.frombuffer(data, f"<i{form.bits // 8}").astype(np.int32)
    return (ints / 2.0 ** (form.bits - 1)).astype(np.float32)
