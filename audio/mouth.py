"""Plays clips and knows which word is heard now.

A sink asks for blocks and says which of its samples has reached the ear; the mouth has neither
clock nor device. One lock, held for the length of a copy, lets a command thread and a sink share
it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

import numpy as np

from audio.clip import Clip, Samples, WordMark
from audio.gain import Ramp
from audio.resample import resample

FADE_MS = 8.0
"""Length of the fade that ends stopped speech."""

RAMP_MS = 30.0
"""Length of a change of volume."""


@dataclass(frozen=True, slots=True)
class TakeStarted:
    """The first sample of a take is heard now."""

    turn: int
    take: int


@dataclass(frozen=True, slots=True)
class WordPlayed:
    """The last sample of a word was heard. word: index in its clause; heard_ms: of the take."""

    turn: int
    take: int
    clause: int
    word: int
    heard_ms: float


@dataclass(frozen=True, slots=True)
class TakeEnded:
    """Nothing more of a take will be heard. Exactly once for each take that started.

    completed:    it was heard to its announced end
    clause, word: the last word heard completely; -1, -1 for none
    heard_ms:     sound of this take that was heard
    """

    turn: int
    take: int
    completed: bool
    clause: int
    word: int
    heard_ms: float


Played: TypeAlias = TakeStarted | WordPlayed | TakeEnded


@dataclass(slots=True)
class _Entry:
    """A clip in the queue, at the sink's rate. words: (end sample, index in the clause)."""

    turn: int
    take: int
    clause: int
    samples: Samples
    words: deque[tuple[int, int]]
    at: int = 0
    fading: bool = False


@dataclass(slots=True)
class _Take:
    """The take that sounds, or waits for its next clip."""

    turn: int
    take: int
    rendered: int = 0
    """Samples of this take handed to the sink."""
    end_at: int = 0
    """The sink's sample after the last one of this take."""
    clause: int = -1
    word: int = -1


class Mouth:
    """The queue of what one session says, and the report of what was heard of it.

    Takes are numbered upwards for ever: once a take is stopped or has ended, clips of it and of
    all takes before it are refused, and so are clips of a take before one that is queued.
    """

    def __init__(self, rate: int) -> None:
        """rate: of the sink, Hz."""
        self.rate = rate
        self._lock = threading.Lock()
        self._queue: deque[_Entry] = deque()
        self._take: _Take | None = None
        self._marks: deque[tuple[int, Played]] = deque()
        self._ending: set[int] = set()
        self._dead = -1
        self._clause = (-1, -1, 0)
        self._gain = Ramp(self._samples(RAMP_MS))

    def play(
        self, turn: int, take: int, clause: int, clip: Clip, words: Sequence[WordMark]
    ) -> None:
        """Queue a clip; words are in the order they sound. See the class for what is refused.

        A clause may come as several clips: its words are counted on.
        """
        sound = resample(clip, self.rate).samples
        with self._lock:
            late = take <= self._dead or take < self._clause[0] or take in self._ending
            if late or not len(sound):
                return
            first = self._clause[2] if self._clause[:2] == (take, clause) else 0
            self._clause = (take, clause, first + len(words))
            ends = accumulate((max(1, self._samples(word.end_ms)) for word in words), max)
            marks = deque((min(len(sound), end), word) for word, end in enumerate(ends, first))
            self._queue.append(_Entry(turn, take, clause, sound, marks))

    def end(self, take: int) -> None:
        """No more clips will come for this take."""
        with self._lock:
            if take <= self._dead:
                return
            self._ending.add(take)
            current = self._take
            if current is not None and current.take == take and not self._has_clips(take):
                self._finish(current, completed=True)

    def stop(self, take: int) -> None:
        """Fall silent within FADE_MS and drop all clips of takes up to this one."""
        with self._lock:
            self._dead = max(self._dead, take)
            tail = self._tail(take)
            self._queue = deque(entry for entry in self._queue if entry.take > take)
            if tail is not None:
                self._queue.appendleft(tail)
            elif self._take is not None and self._take.take <= take:
                self._finish(self._take, completed=False)

    def duck(self, gain_db: float) -> None:
        """Go to this gain, dB, within RAMP_MS; 0 is full volume. No sample is lost."""
        with self._lock:
            self._gain.aim(10.0 ** (gain_db / 20.0))

    @property
    def queued(self) -> int:
        """Samples of the sink that wait to be rendered."""
        with self._lock:
            return sum(len(entry.samples) - entry.at for entry in self._queue)

    @property
    def unheard(self) -> bool:
        """Whether there is anything left to render or to report."""
        with self._lock:
            return bool(self._queue or self._marks)

    @property
    def busy(self) -> bool:
        """Whether a take is sounding or clips are waiting."""
        with self._lock:
            return self._take is not None or bool(self._queue)

    def render(self, count: int, at: int) -> Samples:
        """Return the next block, shape (count,), silent where there is nothing to say.

        at: the sink's number of the block's first sample; rises from call to call
        """
        block = np.zeros(count, np.float32)
        with self._lock:
            done = 0
            while done < count and self._queue:
                done += self._copy(self._queue[0], block[done:], at + done)
            return self._gain.apply(block)

    def heard(self, position: int) -> list[Played]:
        """Return what became true, in order, now that `position` samples of the sink were heard."""
        facts = []
        with self._lock:
            while self._marks and self._marks[0][0] <= position:
                facts.append(self._marks.popleft()[1])
        return facts

    def _samples(self, ms: float) -> int:
        return round(ms * self.rate / 1000.0)

    def _has_clips(self, take: int) -> bool:
        return any(entry.take == take for entry in self._queue)

    def _tail(self, take: int) -> _Entry | None:
        """Return what still sounds of the clip that is playing when takes up to `take` stop."""
        playing = self._queue[0] if self._queue else None
        if playing is None or playing.take > take or playing.at == 0:
            return None
        if playing.fading:
            return playing
        rest = playing.samples[playing.at : playing.at + self._samples(FADE_MS)]
        ramp = np.linspace(1.0, 0.0, len(rest), dtype=np.float32)
        return _Entry(playing.turn, playing.take, playing.clause, rest * ramp, deque(), fading=True)

    def _copy(self, entry: _Entry, room: Samples, at: int) -> int:
        """Copy what fits of the first clip to `room`, note its marks; return the samples copied."""
        take = self._enter(entry, at)
        count = min(len(room), len(entry.samples) - entry.at)
        room[:count] = entry.samples[entry.at : entry.at + count]
        while entry.words and entry.words[0][0] <= entry.at + count:
            end, word = entry.words.popleft()
            ahead = end - entry.at
            take.clause, take.word = entry.clause, word
            heard_ms = 1000.0 * (take.rendered + ahead) / self.rate
            fact = WordPlayed(take.turn, take.take, take.clause, take.word, heard_ms)
            self._marks.append((at + ahead, fact))
        entry.at += count
        take.rendered += count
        take.end_at = at + count
        if entry.at == len(entry.samples):
            self._queue.popleft()
            if entry.fading:
                self._finish(take, completed=False)
            elif take.take in self._ending and not self._has_clips(take.take):
                self._finish(take, completed=True)
        return count

    def _enter(self, entry: _Entry, at: int) -> _Take:
        """Return the take of this clip, started now if it has not sounded before."""
        current = self._take
        if current is not None and current.take == entry.take:
            return current
        if current is not None:
            self._finish(current, completed=False)
        self._take = started = _Take(entry.turn, entry.take)
        self._marks.append((at + 1, TakeStarted(entry.turn, entry.take)))
        return started

    def _finish(self, take: _Take, *, completed: bool) -> None:
        heard_ms = 1000.0 * take.rendered / self.rate
        fact = TakeEnded(take.turn, take.take, completed, take.clause, take.word, heard_ms)
        self._marks.append((take.end_at, fact))
        self._take = None
        self._dead = max(self._dead, take.take)
        self._ending = {ending for ending in self._ending if ending > self._dead}
