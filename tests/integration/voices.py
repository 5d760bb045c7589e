"""People who speak in the tests: eSpeak NG in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import BinaryIO, Self, cast

import numpy as np

from audio.clip import Clip, Samples
from audio.wire import Packet, encode, read
from words import unknown

VOICES = ("en-us+m1", "en-us+f1", "en-us+m7", "en-us+f4", "en+m4", "en+f2")
"""Voices that the small transcriber of the tests understands well."""

_PEAK = np.float32(0.5)
_AUDIBLE = 0.003


class Voices:
    """Turns text into the sound of somebody speaking."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "audio.host", "assistant.engines.native.espeak"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._count = 0
        self._send(Packet("load", 0))
        assert self._read().kind == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def say(self, text: str, voice: str = VOICES[0]) -> Clip:
        """Return the text spoken at a steady level, without silence around it.

        Only words that the small transcriber knows may be said.
        """
        assert not (strange := unknown(text)), f"not in the vocabulary: {strange}"
        self._count += 1
        wish = {"engine": "espeak", "model": voice, "fallback": voice}
        self._send(Packet("speak", self._count, {"text": text, "voice": wish, "language": "en"}))
        sounds: list[Clip] = []
        while (reply := self._read()).kind != "done":
            assert reply.kind in ("started", "sound"), reply
            if reply.kind == "sound":
                sounds.append(Clip.from_bytes(reply.payload, reply.fields["rate"]))
        samples = np.concatenate([clip.samples for clip in sounds])
        return Clip(_trimmed(samples / np.abs(samples).max() * _PEAK), sounds[0].rate)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()

    def _send(self, packet: Packet) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(encode(packet))
        self._process.stdin.flush()

    def _read(self) -> Packet:
        assert self._process.stdout is not None
        packet = read(cast("BinaryIO", self._process.stdout))
        assert packet is not None, "the voices' process ended"
        return packet


def _trimmed(samples: Samples) -> Samples:
    heard = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    return samples[heard[0] : heard[-1] + 1].astype(np.float32)
