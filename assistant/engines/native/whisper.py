"""Speech to text with whisper.cpp through pywhispercpp. The library is imported by load() only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from assistant.engines.native.options import EngineOptions, Threads, parse

if TYPE_CHECKING:
    from assistant.engines.native.whisper_engine import WhisperEngine


class Options(EngineOptions):
    """How whisper.cpp transcribes."""

    model: Path
    """Path of a ggml model file (.bin). A missing or broken file is refused."""

    threads: Threads | None = None
    """Threads that compute; by default half of the cores, at most 4."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "en"
    """Language of the speech, as a two or three letter code: pinned, never guessed."""

    gpu: bool = True
    """Compute on the GPU where the library was built for one."""

    flash_attn: bool = True
    """Flash attention; faster everywhere that was measured."""

    second_tries: Annotated[int, Field(ge=0, le=5)] = 2
    """Tries with a higher temperature after an implausible final transcript."""


def load(options: Mapping[str, object]) -> WhisperEngine:
    """Load the model and transcribe one second of silence.

    Raises ConfigError for wrong options, ModelError for a missing or broken model.
    """
    from assistant.engines.native.whisper_engine import WhisperEngine

    return WhisperEngine(parse(Options, options))
