"""Sample rates and channels: whatever a device or a file has, to mono at a wanted rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip, Samples


def to_mono(sound: NDArray[np.float32]) -> Samples:
    """Return the mean of all channels.

    sound: shape (n,) or (n, channels), float32
    """
    if sound.ndim == 1:
        return sound
    if sound.shape[1] == 1:
        return sound[:, 0]
    mono: Samples = sound.mean(axis=1, dtype=np.float32)
    return mono


def resample(clip: Clip, rate: int) -> Clip:
    """Return the whole clip at another rate, Hz; the clip itself when it has that rate."""
    if clip.rate == rate:
        return clip
    import soxr

    sound = soxr.resample(clip.samples, clip.rate, rate).astype(np.float32, copy=False)
    return Clip(np.ascontiguousarray(sound), rate)


class Resampler:
    """Converts an endless stream, block by block, without seams."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        """rate_in, rate_out: Hz. Equal rates pass blocks through untouched."""
        self._stream = None
        if rate_in != rate_out:
            import soxr

            self._stream = soxr.ResampleStream(rate_in, rate_out, 1, "float32", "MQ")

    def push(self, block: Samples, *, last: bool = False) -> Samples:
        """Return what the block completes, shape (m,); m varies from call to call.

        last: no more blocks will come, return everything that is still inside.
        """
        if self._stream is None:
            return block
        out: Samples = self._stream.resample_chunk(block, last=last)
        return out


class Blocks:
    """Cuts a stream of samples into blocks of one size."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest: Samples = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> list[Samples]:
        """Return the blocks of shape (size,) that these samples complete, oldest first."""
        joined = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(joined) // self._size * self._size
        self._rest = joined[whole:].copy()
        return [joined[at : at + self._size] for at in range(0, whole, self._size)]
