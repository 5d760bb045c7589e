"""Turns an utterance into words."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

from assistant.bus import Overflow
from assistant.engines.protocols import Transcriber
from assistant.events import Event, Transcribe, UtteranceTranscribed
from assistant.stages.parts import Parts


class TranscribeStage:
    """Asks the transcriber for each utterance."""

    name: ClassVar[str] = "transcribe"
    consumes: ClassVar[tuple[type[Event], ...]] = (Transcribe,)
    overflow: ClassVar[Overflow] = Overflow.FAIL
    needs_release: ClassVar[bool] = False

    def __init__(self, transcriber: Transcriber, prompt: str) -> None:
        """Use this transcriber.

        prompt: names and words that are likely to be said.
        """
        self._transcriber = transcriber
        self._prompt = prompt

    @classmethod
    def build(cls, parts: Parts) -> TranscribeStage:
        """Return the stage of this session; it expects the persona's name."""
        return cls(parts.transcriber, parts.persona.called)

    async def open(self) -> None:
        """Nothing to acquire: the engine is shared."""

    async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
        """Yield the transcript."""
        assert isinstance(event, Transcribe)
        transcript = await self._transcriber.transcribe(event.clip, prompt=self._prompt)
        yield UtteranceTranscribed(
            session=event.session, turn=event.turn, take=event.take, text=transcript.text
        )

    async def close(self) -> None:
        """Nothing to release."""
