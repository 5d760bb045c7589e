"""Text to speech with eSpeak NG, the voice that is always there. Loads it in load() only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from assistant.engines.native.options import EngineOptions, parse

if TYPE_CHECKING:
    from assistant.engines.native.espeak_engine import EspeakEngine


class Options(EngineOptions):
    """How eSpeak NG speaks. Voice, speed and volume come with every request."""

    voice: str = "en-us"
    """Voice that is tried at the start, such as "en-us", "de" or "en-us+f3"."""


def load(options: Mapping[str, object]) -> EspeakEngine:
    """Load the library and say a word. Raises ConfigError or ModelError."""
    from assistant.engines.native.espeak_engine import EspeakEngine

    return EspeakEngine(parse(Options, options))
