"""What a stage may be built from: each stage of a session takes what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.engines.protocols import ChatModel, Notice, SoundLine, Synthesizer, Transcriber
from assistant.events import SessionId
from assistant.personas.persona import Persona


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The engines, the persona and the line of one session.

    An entry point of `lares.stages` is a class with `build(parts) -> stage`.
    """

    session: SessionId
    persona: Persona
    language: str
    """ISO 639-1 code, such as "en"."""
    transcriber: Transcriber
    chat: ChatModel
    synthesizer: Synthesizer
    voice: Mapping[str, Any]
    """The persona's voice with its model resolved to a path."""
    line: SoundLine
    on_opened: Callable[[Notice], None]
    """Told which devices the line really has."""
