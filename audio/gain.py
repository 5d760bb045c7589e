"""Changes of volume without clicks."""

from __future__ import annotations

import numpy as np

from audio.clip import Samples


class Ramp:
    """A gain that glides to where it is aimed."""

    def __init__(self, samples: int) -> None:
        """samples: length of a glide."""
        self._samples = max(1, samples)
        self._now = 1.0
        self._target = 1.0
        self._step = 0.0

    def aim(self, target: float) -> None:
        """Start to glide to this gain, 0..1."""
        self._target = target
        self._step = (target - self._now) / self._samples

    def apply(self, block: Samples) -> Samples:
        """Return the block, shape (n,), at the volume of its moment."""
        if self._now == self._target:
            return block if self._now == 1.0 else block * np.float32(self._now)
        steps = np.arange(1, len(block) + 1)
        low, high = sorted((self._now, self._target))
        gains = np.clip(self._now + self._step * steps, low, high)
        left = abs(self._target - self._now) / abs(self._step)
        self._now = self._target if len(block) >= left - 0.5 else float(gains[-1])
        louder: Samples = block * gains.astype(np.float32)
        return louder
