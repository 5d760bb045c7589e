"""Listens to a stream of 16 kHz blocks and reports what the voice in it does.

Knows no device, thread or clock: time is counted in samples, so a file is heard like a microphone.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from audio.clip import Clip, Samples, peak_db, rms_db
from audio.echo import Cleaner, PassThrough
from audio.segment import Edge, Segmenter, State
from audio.vad import BLOCK, BLOCK_MS, RATE, GatedVad, Vad, sanitize


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """Somebody began to speak."""


@dataclass(frozen=True, slots=True)
class VoicePaused:
    """The voice stopped, perhaps for good.

    clip:       the whole utterance so far, 16 kHz: pre-roll, speech, the silence up to now
    speech_ms:  from the first to the last voiced sample
    silence_ms: since the last voiced sample
    """

    clip: Clip
    speech_ms: float
    silence_ms: float
    peak_db: float
    rms_db: float


@dataclass(frozen=True, slots=True)
class VoiceResumed:
    """The voice went on after a pause: the same utterance."""


@dataclass(frozen=True, slots=True)
class SilenceGrew:
    """One more block of silence in a paused utterance; silence_ms since the last voiced sample."""

    silence_ms: float


@dataclass(frozen=True, slots=True)
class LevelMeasured:
    """How loud the last 128 ms were, dBFS, and whether they held speech."""

    rms_db: float
    peak_db: float
    speech: bool


Heard: TypeAlias = VoiceStarted | VoicePaused | VoiceResumed | SilenceGrew | LevelMeasured


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How an ear listens. Durations are ms of audio."""

    threshold: float = 0.5
    """Speech probability, 0..1, at which a block counts as speech."""
    start_ms: float = 96.0
    """Speech that opens an utterance."""
    pause_ms: float = 96.0
    """Silence that is reported as a pause."""
    preroll_ms: float = 500.0
    """Sound before the voice that belongs to the utterance."""
    longest_ms: float = 60_000.0
    """Length at which an utterance is reported as paused, spoken on or not."""
    forget_ms: float = 10_000.0
    """Silence after which an utterance that nobody settled is forgotten."""
    level: bool = False
    """Whether LevelMeasured is reported, 8 times a second."""


class Ear:
    """Turns blocks into what the voice does. One thread at a time."""

    _LEVEL_BLOCKS = 4

    def __init__(
        self,
        listening: Listening | None = None,
        vad: Vad | None = None,
        cleaner: Cleaner | None = None,
    ) -> None:
        self._listening = listening or Listening()
        self._vad: Vad = vad or GatedVad()
        self._cleaner: Cleaner = cleaner or PassThrough()
        self._segmenter = Segmenter(
            threshold=self._listening.threshold,
            start_ms=self._listening.start_ms,
            pause_ms=self._listening.pause_ms,
        )
        self._preroll = max(1, int(self._listening.preroll_ms / BLOCK_MS))
        self._longest = max(self._preroll + 1, int(self._listening.longest_ms / BLOCK_MS))
        self._before: deque[Samples] = deque(
            maxlen=self._preroll + self._blocks(self._listening.start_ms)
        )
        self._utterance: list[Samples] = []
        self._first_voiced = 0
        self._resumed_at = 0
        self._told: int | None = None
        self._capped_ms: float | None = None
        self._level: list[Samples] = []
        self.clamped = 0
        """Samples that were NaN, infinite or out of [-1, 1]."""

    @property
    def open(self) -> bool:
        """Whether an utterance has started and is not settled."""
        return bool(self._utterance)

    @property
    def paused(self) -> bool:
        """Whether an utterance waits in silence for being settled or resumed."""
        return self._capped_ms is not None or self._segmenter.state is State.PAUSED

    def push(self, block: Samples, far: Samples | None = None) -> list[Heard]:
        """Hear one block; return what it reveals, in order.

        block: shape (512,), float32, 16 kHz; wild values are clamped and counted
        far:   what the loudspeaker played at that time, see Cleaner
        """
        if block.shape != (BLOCK,):
            raise ValueError(f"an ear takes blocks of shape ({BLOCK},), got {block.shape}")
        block, bad = sanitize(block)
        self.clamped += bad
        block = self._cleaner.clean(block, far)
        heard = self._push_capped(block) if self._capped_ms is not None else self._push(block)
        if self._listening.level:
            heard += self._measure(block)
        return heard

    def settle(self) -> list[Heard]:
        """The utterance is over: forget its sound up to its last reported pause.

        What was said since then opens a new utterance at once, which is the returned VoiceStarted.
        """
        told, self._told = self._told, None
        if told is not None and self._capped_ms is None and not self.paused:
            first = max(told, self._resumed_at - self._preroll)
            self._utterance = self._utterance[first:]
            self._first_voiced = self._resumed_at - first
            return [VoiceStarted()]
        if told is not None and self._capped_ms is None:
            self._before.extend(self._utterance[told:])
        self._utterance, self._capped_ms = [], None
        self._segmenter.settle()
        return []

    def forget(self) -> None:
        """Drop everything heard so far, as if just opened."""
        self._utterance, self._told, self._capped_ms = [], None, None
        self._before.clear()
        self._segmenter.settle()
        self._vad.reset()

    @staticmethod
    def _blocks(ms: float) -> int:
        """Return how many blocks it takes to reach `ms` of audio."""
        return max(1, math.ceil(ms / BLOCK_MS))

    def _push(self, block: Samples) -> list[Heard]:
        edge = self._segmenter.push(self._vad.push(block), BLOCK_MS)
        if not self._utterance:
            self._before.append(block)
            return self._start() if edge is Edge.STARTED else []
        self._utterance.append(block)
        if edge is Edge.RESUMED:
            self._resumed_at = len(self._utterance) - self._blocks(self._segmenter.resume_ms)
            return [VoiceResumed()]
        if edge is Edge.PAUSED:
            return [self._pause(self._segmenter.silence_ms)]
        if len(self._utterance) >= self._longest:
            return self._cap()
        if self._segmenter.state is not State.PAUSED or self._segmenter.voiced:
            return []
        return self._silence(self._segmenter.silence_ms)

    def _push_capped(self, block: Samples) -> list[Heard]:
        """Past the longest utterance everything counts as silence until it is settled."""
        self._before.append(block)
        self._vad.push(block)
        self._capped_ms = (self._capped_ms or 0.0) + BLOCK_MS
        return self._silence(self._capped_ms)

    def _start(self) -> list[Heard]:
        self._utterance = list(self._before)
        self._before.clear()
        self._first_voiced = max(0, len(self._utterance) - self._blocks(self._listening.start_ms))
        return [VoiceStarted()]

    def _pause(self, silence_ms: float) -> VoicePaused:
        clip = Clip(np.concatenate(self._utterance), RATE)
        self._told = max(0, len(self._utterance) - round(silence_ms / BLOCK_MS))
        speech = clip.samples[self._first_voiced * BLOCK : self._told * BLOCK]
        return VoicePaused(
            clip=clip,
            speech_ms=max(0, self._told - self._first_voiced) * BLOCK_MS,
            silence_ms=silence_ms,
            peak_db=peak_db(speech),
            rms_db=rms_db(speech),
        )

    def _cap(self) -> list[Heard]:
        was_paused = self._segmenter.state is State.PAUSED
        self._capped_ms = self._segmenter.silence_ms
        self._segmenter.settle()
        self._before.clear()
        if was_paused:
            return self._silence(self._capped_ms)
        return [self._pause(self._capped_ms)]

    def _silence(self, silence_ms: float) -> list[Heard]:
        if silence_ms >= self._listening.forget_ms:
            self.forget()
        return [SilenceGrew(silence_ms)]

    def _measure(self, block: Samples) -> list[Heard]:
        self._level.append(block)
        if len(self._level) < self._LEVEL_BLOCKS:
            return []
        sound = np.concatenate(self._level)
        self._level.clear()
        return [LevelMeasured(rms_db(sound), peak_db(sound), self._segmenter.voiced)]
