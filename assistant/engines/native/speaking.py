"""What every voice shares: the wish in a `speak` request, and the stream of its `sound` replies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from assistant.engines.native.pieces import pieces
from assistant.errors import EngineError
from audio.clip import Clip, Samples, WordMark
from audio.wire import Packet

_AUDIBLE = 10 ** (-50 / 20)
_DEFAULT_ESPEAK = {"en": "en-us", "zh": "cmn", "pt": "pt-br", "no": "nb"}


@dataclass(frozen=True, slots=True)
class Wish:
    """The voice that is asked for.

    engine:   "piper" or "espeak"
    model:    path or name of a Piper voice, or name of an eSpeak voice ("en-us+f3")
    fallback: eSpeak voice for when `model` cannot be used
    speaker:  of a voice with several; None for its first
    speed:    1 is the voice's own, 0.3..4
    volume:   gain, 0..4; 1 leaves the voice as it is
    noise, noise_w: Piper's variation of sound and of rhythm, 0..2; None for the voice's own
    """

    engine: str = "espeak"
    model: str = ""
    fallback: str = "en-us"
    speaker: int | None = None
    speed: float = 1.0
    volume: float = 1.0
    noise: float | None = None
    noise_w: float | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """One piece of text as sound.

    exact:  the marks come from the synthesiser, not from an estimate
    voice:  the voice really used
    reason: why it is not the one that was asked for; empty when it is
    """

    clip: Clip
    words: list[WordMark]
    exact: bool
    voice: str
    reason: str = ""


class Say(Protocol):
    """Says one piece of text."""

    def __call__(self, text: str, wish: Wish, stopped: Callable[[], bool]) -> Sound | None:
        """Return the sound; None when there is none, or when stopped() turned true."""


def wish_of(fields: Mapping[str, Any]) -> Wish:
    """Return the wish in a request's fields. Raises EngineError for a wrong type or range."""
    voice = fields.get("voice") or {}
    if not isinstance(voice, Mapping):
        raise EngineError(f"speak: voice must be a table, got {voice!r}")
    engine = str(voice.get("engine") or "espeak")
    if engine not in ("piper", "espeak"):
        raise EngineError(f"speak: no voice engine named {engine!r}; there are: piper, espeak")
    language = str(fields.get("language") or "en")
    speaker = voice.get("speaker")
    if speaker is not None and (not isinstance(speaker, int) or speaker < 0):
        raise EngineError(f"speak: voice.speaker must be a whole number from 0, got {speaker!r}")
    return Wish(
        engine=engine,
        model=str(voice.get("model") or ""),
        fallback=str(voice.get("fallback") or espeak_voice_for(language)),
        speaker=speaker,
        speed=_number(voice, "speed", 0.3, 4.0) or 1.0,
        volume=_volume(_number(voice, "volume", 0.0, 4.0)),
        noise=_number(voice, "noise", 0.0, 2.0),
        noise_w=_number(voice, "noise_w", 0.0, 2.0),
    )


def espeak_voice_for(language: str) -> str:
    """Return eSpeak's usual voice for a language code."""
    return _DEFAULT_ESPEAK.get(language, language)


def speak(request: Packet, say: Say, stopped: Callable[[], bool]) -> Iterator[Packet]:
    """Yield one `sound` for each piece of the request's text, then `done`."""
    begun = time.perf_counter()
    wish = wish_of(request.fields)
    for piece in pieces(str(request.fields.get("text") or "")):
        if stopped():
            return
        sound = say(piece, wish, stopped)
        if stopped():
            return
        if sound is not None and len(sound.clip.samples):
            yield _packet(request.id, sound)
    yield Packet("done", request.id, {"ms": (time.perf_counter() - begun) * 1000})


def shape(samples: Samples, volume: float) -> Samples:
    """Return the samples with the gain applied, kept within [-1, 1], float32."""
    shaped: Samples = np.clip(samples * np.float32(volume), -1.0, 1.0).astype(np.float32)
    return shaped


def audible_ms(samples: Samples, rate: int) -> float:
    """Return when the last sample above -50 dBFS ends, ms; the whole length where none is."""
    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    return (int(loud[-1]) + 1 if len(loud) else len(samples)) * 1000 / rate


def _packet(ident: int, sound: Sound) -> Packet:
    fields: dict[str, object] = {
        "rate": sound.clip.rate,
        "words": [
            {"text": mark.text, "start_ms": mark.start_ms, "end_ms": mark.end_ms}
            for mark in sound.words
        ],
        "marks": "aligned" if sound.exact else "estimated",
        "voice": sound.voice,
        "fallback": bool(sound.reason),
    }
    if sound.reason:
        fields["reason"] = sound.reason
    return Packet("sound", ident, fields, sound.clip.to_bytes())


def _number(table: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    value = table.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise EngineError(f"speak: voice.{name} must be {low:g} to {high:g}, got {value!r}")
    return float(value)


def _volume(value: float | None) -> float:
    return 1.0 if value is None else value
