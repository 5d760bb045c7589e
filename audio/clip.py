"""The audio types that cross module borders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""Mono samples, shape (n,), float32, nominally in [-1.0, 1.0]."""

SILENT_DB = -120.0
"""The level reported for exact silence, dB relative to full scale."""


@dataclass(frozen=True, slots=True)
class WordMark:
    """When one word of a clip sounds.

    text:     the word as written, with its punctuation
    start_ms: first sample of the word, ms from the start of the clip
    end_ms:   end of the word, ms from the start of the clip, >= start_ms
    """

    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Clip:
    """A run of mono audio.

    samples: shape (n,), float32, nominally in [-1.0, 1.0]
    rate:    samples per second, Hz, > 0
    """

    samples: Samples
    rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError(
                f"Clip needs mono float32 of shape (n,), got "
                f"{self.samples.dtype} of shape {self.samples.shape}"
            )
        if self.rate <= 0:
            raise ValueError(f"Clip needs a rate above 0 Hz, got {self.rate}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    def to_bytes(self) -> bytes:
        """Return the samples as float32, little endian, 4 bytes each."""
        return self.samples.astype("<f4", copy=False).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, rate: int) -> Clip:
        """Return the clip whose samples are `data`: float32, little endian.

        Raises ValueError when `data` is not a whole number of samples or rate is not positive.
        """
        return cls(np.frombuffer(data, "<f4").astype(np.float32), rate)


def peak_db(samples: Samples) -> float:
    """Return the largest magnitude in dB of full scale; SILENT_DB for silence or no samples."""
    peak = float(np.abs(samples).max()) if len(samples) else 0.0
    return max(SILENT_DB, 20.0 * math.log10(peak)) if peak > 0.0 else SILENT_DB


def rms_db(samples: Samples) -> float:
    """Return the root mean square in dB of full scale; SILENT_DB for silence or no samples."""
    power = float(np.dot(samples, samples)) / len(samples) if len(samples) else 0.0
    return max(SILENT_DB, 10.0 * math.log10(power)) if power > 0.0 else SILENT_DB
