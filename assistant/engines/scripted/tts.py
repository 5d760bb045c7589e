"""A voice that hums: one tone for each word, of a length known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from assistant.engines.native.options import EngineOptions, parse
from assistant.engines.native.speaking import Sound, Wish, shape, speak
from assistant.engines.scripted.script import Delay, compute_for, fail_at
from assistant.errors import EngineError
from audio.clip import Clip, Samples, WordMark
from audio.wire import Packet

_LOUDNESS = 0.25
_FADE_S = 0.005
_SPOKEN_SHARE = 0.8


class Options(EngineOptions):
    """How the tones sound, and how fast they come."""

    rate: Annotated[int, Field(ge=8000, le=96_000)] = 16_000
    """Samples per second, Hz."""

    word_ms: Annotated[int, Field(ge=20, le=2000)] = 200
    """Length of a word and the gap behind it at speed 1, ms; four fifths of it sound."""

    pitch_hz: Annotated[float, Field(ge=50, le=4000)] = 440.0
    """Pitch of the tones, Hz."""

    ms: Delay = 0
    """Time for one sentence, ms."""

    fail_at: str = ""
    """A sentence with this text in it makes the request fail; empty for never."""


class ScriptedVoice:
    """Serves `speak` and `warm`."""

    def __init__(self, options: Options) -> None:
        self.facts: dict[str, object] = {"device": "cpu", "model": "script", "library": "scripted"}
        self._options = options

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Yield one `sound` for each sentence of a `speak`."""
        match request.kind:
            case "speak":
                yield from speak(request, self._say, stopped)
            case "warm":
                pass
            case _:
                raise EngineError(f"scripted tts knows no request {request.kind!r}")

    def _say(self, text: str, wish: Wish, stopped: Callable[[], bool]) -> Sound | None:
        fail_at(self._options.fail_at, text)
        if not compute_for(self._options.ms, stopped):
            return None
        words = text.split()
        step_ms = self._options.word_ms / wish.speed
        tone = self._tone(step_ms)
        clip = Clip(shape(np.tile(tone, len(words)), wish.volume), self._options.rate)
        exact_ms = len(tone) * 1000 / self._options.rate
        marks = [
            WordMark(word, i * exact_ms, (i + _SPOKEN_SHARE) * exact_ms)
            for i, word in enumerate(words)
        ]
        return Sound(clip, marks, exact=True, voice=f"scripted:{wish.model or 'tone'}")

    def _tone(self, ms: float) -> Samples:
        """Return a tone with soft edges and the gap behind it, shape (n,)."""
        rate = self._options.rate
        whole, spoken = round(ms * rate / 1000), round(ms * _SPOKEN_SHARE * rate / 1000)
        at_s = np.arange(spoken) / rate
        edge = np.minimum(1.0, np.minimum(at_s, at_s[::-1]) / _FADE_S)
        tone = np.zeros(whole, np.float32)
        tone[:spoken] = _LOUDNESS * edge * np.sin(2 * np.pi * self._options.pitch_hz * at_s)
        return tone


def load(options: Mapping[str, object]) -> ScriptedVoice:
    """Return the voice. Raises ConfigError for wrong options."""
    return ScriptedVoice(parse(Options, options))
