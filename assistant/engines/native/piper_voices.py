"""Piper voices in memory. Imported inside a child process only."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnx
from piper import PiperVoice, SynthesisConfig
from piper.config import PiperConfig
from piper.phonemize_espeak import ESPEAK_DATA_DIR

from assistant.engines.native.alignment import Phoneme, from_phonemes, sounds_in
from assistant.engines.native.marks import estimate
from assistant.engines.native.onnxfile import with_lengths
from assistant.engines.native.pieces import harmless
from assistant.engines.native.shortpath import shortened
from assistant.engines.native.speaking import Sound, Wish, audible_ms, shape
from assistant.errors import EngineError, ModelError
from assistant.modelfiles.formats import check_voice
from audio.clip import Clip, WordMark

_POLL_S = 0.02
_BROKEN = (
    onnx.EPFail,
    onnx.EngineError,
    onnx.Fail,
    onnx.InvalidArgument,
    onnx.InvalidGraph,
    onnx.InvalidProtobuf,
    onnx.NoModel,
    onnx.NoSuchFile,
    onnx.NotImplemented,
    onnx.RuntimeException,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
)
"""What onnxruntime and Piper raise for a file that they cannot use; no common base has them all."""


class StoppableSession:
    """An ONNX session whose runs end once `stopped` is true. Stands in for InferenceSession."""

    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            with_lengths(path.read_bytes()),
            sess_options=options,
            providers=["CPUExecutionProvider"],
        )
        self.stopped: Callable[[], bool] = lambda: False

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, Any]) -> Sequence[Any]:
        """Run the network. Raises onnxruntime's Fail when it was stopped."""
        options = onnxruntime.RunOptions()
        with self._watched(options):
            result: Sequence[Any] = self._session.run(outputs, dict(inputs), options)
        return result

    @contextmanager
    def _watched(self, options: Any) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_POLL_S):
                if self.stopped():
                    options.terminate = True

        watcher = threading.Thread(target=watch, name="piper-watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


class LoadedVoice:
    """One Piper voice. Raises ModelError when its files are missing or broken."""

    def __init__(self, path: Path, threads: int) -> None:
        check_voice(path)
        self.name = path.stem
        try:
            table = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
            config = PiperConfig.from_dict(table)
            self._session = StoppableSession(path, threads)
        except _BROKEN as error:
            raise ModelError(
                f"{path}: Piper cannot read it ({_line(error)}); fetch it again"
            ) from error
        self._voice = PiperVoice(
            session=self._session,
            config=config,
            espeak_data_dir=shortened(ESPEAK_DATA_DIR),
            download_dir=path.parent,
        )

    def say(self, text: str, wish: Wish, stopped: Callable[[], bool]) -> Sound | None:
        """Return one piece of text as sound; None when there is none or stopped() turned true.

        Raises EngineError when the voice's network fails.
        """
        config = self._voice.config
        speaker, reason = self._speaker(wish)
        wanted = SynthesisConfig(
            speaker_id=speaker,
            length_scale=config.length_scale / wish.speed,
            noise_scale=wish.noise,
            noise_w_scale=wish.noise_w,
        )
        self._session.stopped = stopped
        chunks = []
        try:
            for chunk in self._voice.synthesize(harmless(text), wanted, include_alignments=True):
                chunks.append(chunk)
                if stopped():
                    return None
        except _BROKEN as error:
            if stopped():
                return None
            raise EngineError(f"voice {self.name!r} failed: {_line(error)}") from error
        if not chunks:
            return None
        samples = np.concatenate([chunk.audio_float_array for chunk in chunks])
        words, exact = self._marks(text, chunks, audible_ms(samples, config.sample_rate))
        clip = Clip(shape(samples, wish.volume), config.sample_rate)
        return Sound(clip, words, exact, f"piper:{self.name}", reason)

    def _speaker(self, wish: Wish) -> tuple[int | None, str]:
        """Return the speaker, and why it is not the one that was asked for."""
        last = max(self._voice.config.num_speakers, 1) - 1
        if wish.speaker is not None and wish.speaker > last:
            return None, f"voice {self.name!r} has speakers 0 to {last}, not {wish.speaker}"
        return wish.speaker, ""

    def _marks(
        self, text: str, chunks: Sequence[Any], end_ms: float
    ) -> tuple[list[WordMark], bool]:
        words = text.split()
        if any(chunk.phoneme_alignments is None for chunk in chunks):
            return estimate(words, end_ms), False
        per_ms = self._voice.config.sample_rate / 1000
        phonemes: list[Phoneme] = []
        for chunk in chunks:
            spent = [Phoneme(p.phoneme, p.num_samples / per_ms) for p in chunk.phoneme_alignments]
            rest = len(chunk.audio_float_array) / per_ms - sum(p.ms for p in spent)
            phonemes += [*spent, Phoneme(" ", max(rest, 0.0))]
        return from_phonemes(words, [self._sounds(word) for word in words], phonemes, end_ms)

    def _sounds(self, word: str) -> int:
        """Return how many sounds the word has when it is said alone."""
        return sum(sounds_in(sentence) for sentence in self._voice.phonemize(harmless(word)))


class Voices:
    """Voices that were used last, at most `keep` of them.

    paths: voices by name; folder: where others are looked for as NAME.onnx
    """

    def __init__(
        self, paths: Mapping[str, Path], folder: Path | None, *, keep: int, threads: int
    ) -> None:
        self._paths = dict(paths)
        self._folder = folder
        self._keep = keep
        self._threads = threads
        self._loaded: OrderedDict[Path, LoadedVoice] = OrderedDict()

    def get(self, name: str) -> LoadedVoice:
        """Return the voice of this name or path, loaded. Raises ModelError."""
        path = self._find(name)
        voice = self._loaded.pop(path, None) or LoadedVoice(path, self._threads)
        self._loaded[path] = voice
        while len(self._loaded) > self._keep:
            self._loaded.popitem(last=False)
        return voice

    def _find(self, name: str) -> Path:
        if not name:
            raise ModelError("no Piper voice is named; name one in the persona's voice.model")
        if name in self._paths:
            return self._paths[name]
        if self._folder and "/" not in name and (path := self._folder / f"{name}.onnx").exists():
            return path
        return Path(name)


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:160]
