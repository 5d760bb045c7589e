"""Text to speech with Piper voices, eSpeak NG where one is missing. Loads both in load() only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from assistant.engines.native.options import EngineOptions, Threads, parse

if TYPE_CHECKING:
    from assistant.engines.native.piper_engine import PiperEngine


class Options(EngineOptions):
    """How Piper speaks. Voice, speed and volume come with every request."""

    voices: dict[str, Path] = Field(default_factory=dict)
    """Voices by name: paths of .onnx files with their .onnx.json beside them."""

    folder: Path | None = None
    """Folder in which a voice named NAME is looked for as NAME.onnx."""

    threads: Threads | None = None
    """Threads that compute; by default half of the cores, at most 4."""

    keep: Annotated[int, Field(ge=1, le=32)] = 4
    """Voices held in memory; the one not used for longest gives way."""

    warm: str = ""
    """Voice, by name or path, that is loaded at the start; empty for eSpeak NG alone."""


def load(options: Mapping[str, object]) -> PiperEngine:
    """Load the libraries and the voice `warm`, and say a word with it and with eSpeak NG.

    A voice that cannot be used is told in the facts: eSpeak NG stands in for it.
    Raises ConfigError for wrong options, ModelError when eSpeak NG cannot be loaded.
    """
    from assistant.engines.native.piper_engine import PiperEngine

    return PiperEngine(parse(Options, options))
