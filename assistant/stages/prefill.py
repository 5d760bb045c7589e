"""Reads the prompt of the next turn ahead, so that no turn pays for the persona or the history."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

from assistant.bus import Overflow
from assistant.engines.protocols import ChatModel
from assistant.events import Event, Prefill
from assistant.personas.persona import Persona
from assistant.personas.prompt import opening
from assistant.stages.parts import Parts


class PrefillStage:
    """Gives way to everything more urgent; what it did not finish is read with the reply."""

    name: ClassVar[str] = "prefill"
    consumes: ClassVar[tuple[type[Event], ...]] = (Prefill,)
    overflow: ClassVar[Overflow] = Overflow.DROP_OLDEST
    needs_release: ClassVar[bool] = False

    def __init__(self, chat: ChatModel, persona: Persona) -> None:
        self._chat = chat
        self._persona = persona

    @classmethod
    def build(cls, parts: Parts) -> PrefillStage:
        """Return the stage of this session."""
        return cls(parts.chat, parts.persona)

    async def open(self) -> None:
        """Nothing to acquire: the engine is shared."""

    async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
        """Fill the cache; nothing follows from it."""
        assert isinstance(event, Prefill)
        prompt = opening(self._persona, event.history)
        await self._chat.prefill(event.session, prompt)
        return
        yield

    async def close(self) -> None:
        """Nothing to release."""
