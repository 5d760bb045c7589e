"""The whisper.cpp engine. Imported inside a child process only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import _pywhispercpp as native  # type: ignore[import-not-found, unused-ignore]
import numpy as np

from assistant.engines.native.devicelog import LogLines, cpu_warning, parse_device
from assistant.engines.native.hearing import RATE_HZ, audio_context, clean, judge, weigh
from assistant.engines.native.options import threads_or_default
from assistant.engines.native.whisper import Options
from assistant.errors import EngineError, ModelError
from assistant.modelfiles.formats import check_stt
from audio.clip import Samples
from audio.wire import Packet

_SHORTEST_S = 0.1
_TINY_WIDTH = 384
"""Width of OpenAI's smallest model. Narrower ones were not trained with prompts, which triple the
word errors of micro-whisper."""
_LOADED = "whisper_init_state: compute buffer (decode)"
"""Last line of the log of a model that was loaded: failure gives a context that crashes."""
_WARM = Packet("transcribe", 0, {"rate": RATE_HZ, "final": False}, b"")


class WhisperEngine:
    """Transcribes one utterance at a time."""

    def __init__(self, options: Options) -> None:
        check_stt(options.model)
        self._options = options
        log = LogLines()
        native.whisper_log_set(log.add)
        self._context = self._open()
        native.whisper_log_set(None)
        if _LOADED not in log.text:
            raise ModelError(f"{options.model}: whisper.cpp cannot read it; fetch it again")
        self.multilingual = bool(native.whisper_is_multilingual(self._context))
        self._takes_prompts = native.whisper_model_n_text_state(self._context) >= _TINY_WIDTH
        device = parse_device(log.text)
        self.facts: dict[str, object] = {
            "model": str(options.model),
            "library": f"pywhispercpp {version('pywhispercpp')}",
            "threads": threads_or_default(options.threads),
            "multilingual": self.multilingual,
            "takes_prompts": self._takes_prompts,
            **device.facts(cpu_warning(device, wanted_gpu=options.gpu)),
        }
        self._warm(lambda: False)

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Serve `transcribe` and `warm`."""
        begun = time.perf_counter()
        match request.kind:
            case "transcribe":
                yield from self._transcribe(request, stopped)
            case "warm":
                self._warm(stopped)
            case _:
                raise EngineError(f"whisper knows no request {request.kind!r}")
        yield Packet("done", request.id, {"ms": (time.perf_counter() - begun) * 1000})

    def _open(self) -> Any:
        wanted = native.whisper_context_default_params()
        wanted.use_gpu = self._options.gpu
        wanted.flash_attn = self._options.flash_attn
        return native.whisper_init_from_file_with_params(str(self._options.model), wanted)

    def _warm(self, stopped: Callable[[], bool]) -> None:
        silence = np.zeros(RATE_HZ, np.float32)
        self._run(silence, self._parameters(_WARM, silence), stopped)

    def _transcribe(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        samples = _samples_of(request)
        parameters = self._parameters(request, samples)
        told: dict[str, object] = {"text": "", "segments": [], "audio_ctx": parameters.audio_ctx}
        evidence = weigh(samples)
        if evidence.silent or evidence.duration_s < _SHORTEST_S:
            yield Packet("text", request.id, {**told, "filtered": "blank"})
            return
        self._run(samples, parameters, stopped)
        if stopped():
            return
        segments, probability = self._segments()
        written = " ".join(str(segment["text"]) for segment in segments)
        text = clean(written)
        dropped = judge(written, text, weigh(samples, probability))
        if dropped is None:
            told |= {"text": text, "segments": segments}
        yield Packet("text", request.id, {**told, "filtered": dropped and dropped.value})

    def _parameters(self, request: Packet, samples: Samples) -> Any:
        """Return a fresh set of parameters: none of an earlier call can stay behind."""
        fields = request.fields
        wanted = native.whisper_full_default_params(
            native.whisper_sampling_strategy.WHISPER_SAMPLING_GREEDY
        )
        wanted.print_progress = wanted.print_realtime = wanted.print_timestamps = False
        wanted.n_threads = threads_or_default(self._options.threads)
        wanted.language = self._language(str(fields.get("language") or self._options.language))
        wanted.detect_language = wanted.translate = False
        wanted.no_context = True
        wanted.audio_ctx = audio_context(len(samples))
        wanted.temperature = 0.0
        wanted.temperature_inc = self._temperature_step(bool(fields.get("final", True)))
        wanted.suppress_blank = True
        prompt = str(fields.get("prompt") or "")
        if prompt and self._takes_prompts:
            wanted.initial_prompt = prompt
        return wanted

    def _temperature_step(self, final: bool) -> float:
        """Return the rise of temperature, up to 1, that makes as many second tries as allowed."""
        tries = self._options.second_tries if final else 0
        return 1.0 / tries if tries else 0.0

    def _language(self, language: str) -> str:
        if native.whisper_lang_id(language) < 0:
            raise EngineError(f"whisper knows no language {language!r}; use a code such as 'en'")
        if language != "en" and not self.multilingual:
            raise EngineError(
                f"{self._options.model} knows English only; language {language!r} needs a"
                " multilingual model (lares models list)"
            )
        return language

    def _run(self, samples: Samples, parameters: Any, stopped: Callable[[], bool]) -> None:
        native.assign_abort_callback(parameters, stopped)
        code = native.whisper_full(self._context, parameters, samples, len(samples))
        if code != 0 and not stopped():
            raise EngineError(f"whisper.cpp failed with code {code} on {len(samples)} samples")

    def _segments(self) -> tuple[list[dict[str, object]], float]:
        """Return the segments and the geometric mean of all token probabilities, NaN for none."""
        segments: list[dict[str, object]] = []
        logs: list[float] = []
        for i in range(native.whisper_full_n_segments(self._context)):
            tokens = native.whisper_full_n_tokens(self._context, i)
            odds = [native.whisper_full_get_token_p(self._context, i, j) for j in range(tokens)]
            own = [math.log(max(p, 1e-9)) for p in odds]
            logs += own
            raw = native.whisper_full_get_segment_text(self._context, i)
            segments.append(
                {
                    "text": raw.decode("utf-8", errors="replace").strip(),
                    "start_ms": native.whisper_full_get_segment_t0(self._context, i) * 10,
                    "end_ms": native.whisper_full_get_segment_t1(self._context, i) * 10,
                    "probability": math.exp(sum(own) / len(own)) if own else None,
                    "no_speech": None,
                }
            )
        return segments, math.exp(sum(logs) / len(logs)) if logs else math.nan


def _samples_of(request: Packet) -> Samples:
    """Return the sound of a request; EngineError unless it is whole float32 at 16 kHz."""
    rate = request.fields.get("rate", RATE_HZ)
    if rate != RATE_HZ:
        raise EngineError(f"whisper needs sound at {RATE_HZ} Hz, got {rate!r} Hz")
    if len(request.payload) % 4:
        raise EngineError(f"{len(request.payload)} bytes are no whole number of float32 samples")
    given = np.nan_to_num(np.frombuffer(request.payload, "<f4"))
    samples: Samples = np.clip(given, -1.0, 1.0).astype(np.float32)
    return samples
