"""A transcriber that hears what its script says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from assistant.engines.native.options import EngineOptions, parse
from assistant.engines.scripted.script import Delay, compute_for
from assistant.errors import EngineError
from audio.clip import Clip, peak_db
from audio.wire import Packet

_SILENT_DB = -60.0


class Options(EngineOptions):
    """What is heard, and how fast."""

    texts: tuple[str, ...] = ()
    """Final transcripts, one after the other; then nothing is understood any more."""

    again: bool = False
    """Begin anew after the last text."""

    partials: bool = True
    """Requests that are not final hear the text that comes next, without using it up."""

    ms: Delay = 0
    """Time for one transcript, ms."""


class ScriptedTranscriber:
    """Serves `transcribe` and `warm`. Silence is blank and uses no text up."""

    def __init__(self, options: Options) -> None:
        self.facts: dict[str, object] = {"device": "cpu", "model": "script", "library": "scripted"}
        self._options = options
        self._next = 0

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Yield one `text` for a `transcribe`."""
        match request.kind:
            case "transcribe":
                if compute_for(self._options.ms, stopped):
                    yield Packet("text", request.id, self._hear(request))
            case "warm":
                pass
            case _:
                raise EngineError(f"scripted stt knows no request {request.kind!r}")
        yield Packet("done", request.id, {"ms": float(self._options.ms)})

    def _hear(self, request: Packet) -> dict[str, object]:
        clip = Clip.from_bytes(request.payload, int(request.fields.get("rate", 16_000)))
        if peak_db(clip.samples) < _SILENT_DB or not np.any(clip.samples):
            return {"text": "", "segments": [], "audio_ctx": 0, "filtered": "blank"}
        text = self._take(final=bool(request.fields.get("final", True)))
        end_ms = clip.duration_s * 1000
        segment = {"text": text, "start_ms": 0, "end_ms": end_ms, "no_speech": None}
        return {
            "text": text,
            "segments": [segment] if text else [],
            "audio_ctx": 0,
            "filtered": None if text else "no_speech",
        }

    def _take(self, *, final: bool) -> str:
        texts = self._options.texts
        if self._options.again and texts:
            self._next %= len(texts)
        if self._next >= len(texts) or (not final and not self._options.partials):
            return ""
        text = texts[self._next]
        self._next += final
        return text


def load(options: Mapping[str, object]) -> ScriptedTranscriber:
    """Return the transcriber. Raises ConfigError for wrong options."""
    return ScriptedTranscriber(parse(Options, options))
