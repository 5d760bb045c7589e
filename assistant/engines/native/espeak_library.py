"""Bindings to libespeak-ng. Imported inside a child process only.

The library is one global synthesiser: everything goes through one instance and its lock.
"""

from __future__ import annotations

import ctypes as c
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import espeakng_loader
import numpy as np

from assistant.engines.native.marks import WordEvent
from assistant.engines.native.shortpath import shortened
from assistant.errors import EngineError, ModelError
from audio.clip import Clip

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_BUFFER_MS = 60
_RATE, _VOLUME = 1, 2
_CHARACTERS = 1
_UTF8, _END_PAUSE = 1, 0x1000
_EVENT_END, _EVENT_WORD = 0, 1
_WORDS_PER_MINUTE = 175
_SLOWEST, _FASTEST = 80, 450


class _Event(c.Structure):
    _fields_ = (
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", c.c_char * 8),
    )


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


@dataclass(slots=True)
class _Take:
    """What one call of the synthesiser gives."""

    stopped: Callable[[], bool]
    blocks: list[bytes] = field(default_factory=list)
    events: list[WordEvent] = field(default_factory=list)


class Espeak:
    """The synthesiser. Use the one that synthesiser() returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._take: _Take | None = None
        path = espeakng_loader.get_library_path()
        try:
            self._library = c.CDLL(path)
        except OSError as error:
            raise ModelError(f"{path}: eSpeak NG cannot be loaded: {error}") from error
        data = os.fsencode(shortened(Path(espeakng_loader.get_data_path())))
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT)
        if self._rate <= 0:
            raise ModelError(
                f"{os.fsdecode(data)}: eSpeak NG cannot read its data; install it again"
            )
        self._on_sound = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._on_sound)
        self._library.espeak_Info.restype = c.c_char_p
        self.version = self._library.espeak_Info(None).decode()

    def has(self, voice: str) -> bool:
        """Tell whether there is a voice of this name, such as "de" or "en-us+f3"."""
        with self._lock:
            return self._choose(voice)

    def say(
        self, text: str, voice: str, speed: float, stopped: Callable[[], bool]
    ) -> tuple[Clip, list[WordEvent]]:
        """Return the text as sound, and when each of its words begins.

        voice: one that has() knows; speed: 1 is 175 words a minute
        Ends early once stopped() is true. Raises EngineError for an unknown voice.
        """
        take = _Take(stopped)
        data = text.replace("\0", " ").encode("utf-8", errors="replace") + b"\0"
        pace = min(max(round(_WORDS_PER_MINUTE * speed), _SLOWEST), _FASTEST)
        with self._lock:
            if not self._choose(voice):
                raise EngineError(f"eSpeak NG has no voice {voice!r}; `espeak-ng --voices` lists")
            self._library.espeak_SetParameter(_RATE, pace, 0)
            self._library.espeak_SetParameter(_VOLUME, 100, 0)
            self._take = take
            code = self._library.espeak_Synth(
                data, c.c_size_t(len(data)), 0, _CHARACTERS, 0, _UTF8 | _END_PAUSE, None, None
            )
            self._take = None
        if code != 0 and not stopped():
            raise EngineError(f"eSpeak NG failed with code {code} on {text[:40]!r}")
        sound = np.frombuffer(b"".join(take.blocks), "<i2").astype(np.float32)
        sound /= np.float32(32768)
        return Clip(sound, self._rate), take.events

    def _choose(self, voice: str) -> bool:
        return bool(voice) and self._library.espeak_SetVoiceByName(voice.encode()) == 0

    def _receive(
        self, samples: c._Pointer[c.c_short], count: int, events: c._Pointer[_Event]
    ) -> int:
        take = self._take
        if take is None or take.stopped():
            return 1
        i = 0
        while (event := events[i]).type != _EVENT_END:
            if event.type == _EVENT_WORD:
                take.events.append(WordEvent(event.text_position - 1, event.audio_position))
            i += 1
        if count > 0:
            take.blocks.append(c.string_at(samples, count * 2))
        return 0


@cache
def synthesiser() -> Espeak:
    """Return the process's only synthesiser. Raises ModelError when it cannot be loaded."""
    return Espeak()
