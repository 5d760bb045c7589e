"""Speech probabilities in, borders of speech out. Pure: no clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Edge(Enum):
    """A border between silence and speech."""

    STARTED = auto()
    PAUSED = auto()
    RESUMED = auto()


class State(Enum):
    """Where in an utterance the speaker is."""

    IDLE = auto()
    SPEAKING = auto()
    PAUSED = auto()


@dataclass(slots=True)
class Segmenter:
    """Turns per-block speech probabilities into borders of speech.

    Time is counted in audio, never read from a clock. An utterance is STARTED once, then PAUSED
    and RESUMED alternate until `settle`.
    """

    threshold: float = 0.5
    """Probability, 0..1, at or above which a block begins to count as speech."""

    hysteresis: float = 0.15
    """How far below the threshold a voice must fall to stop, 0..threshold."""

    start_ms: float = 96.0
    """Speech in a row before STARTED, ms of audio."""

    resume_ms: float = 64.0
    """Speech in a row before RESUMED, ms of audio."""

    pause_ms: float = 96.0
    """Silence in a row before PAUSED, ms of audio."""

    state: State = field(default=State.IDLE, init=False)
    silence_ms: float = field(default=0.0, init=False)
    """Audio since the last voiced block of the utterance, ms; 0 when idle."""

    _run_ms: float = field(default=0.0, init=False)
    _voiced: bool = field(default=False, init=False)

    def push(self, probability: float, block_ms: float) -> Edge | None:
        """Account for one block of `block_ms`; return the border it completes, if any."""
        speaking = self.state is State.SPEAKING
        self._voiced = probability >= self.threshold - (self.hysteresis if speaking else 0.0)
        if speaking:
            return self._speaking(block_ms)
        self._run_ms = self._run_ms + block_ms if self._voiced else 0.0
        if self.state is State.PAUSED:
            self.silence_ms += block_ms
            return self._enter(Edge.RESUMED) if self._run_ms >= self.resume_ms else None
        return self._enter(Edge.STARTED) if self._run_ms >= self.start_ms else None

    def settle(self) -> None:
        """The utterance is over; the next speech is a new STARTED."""
        self.state, self.silence_ms, self._run_ms = State.IDLE, 0.0, 0.0

    @property
    def voiced(self) -> bool:
        """Whether the newest block counts as speech."""
        return self._voiced

    def _speaking(self, block_ms: float) -> Edge | None:
        self.silence_ms = 0.0 if self._voiced else self.silence_ms + block_ms
        if self.silence_ms < self.pause_ms:
            return None
        self.state, self._run_ms = State.PAUSED, 0.0
        return Edge.PAUSED

    def _enter(self, edge: Edge) -> Edge:
        self.state, self.silence_ms, self._run_ms = State.SPEAKING, 0.0, 0.0
        return edge
