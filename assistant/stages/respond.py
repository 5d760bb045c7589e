"""Writes the reply in the persona's words."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar

from assistant.bus import Overflow
from assistant.engines.protocols import ChatModel, Piece, PromptRead
from assistant.events import Event, ReplyDelta, Respond
from assistant.personas.persona import Persona
from assistant.personas.prompt import CUT_OFF, messages, stops
from assistant.speech.limits import SentenceLimit
from assistant.stages.parts import Parts


class RespondStage:
    """Streams one reply, until it has had its sentences."""

    name: ClassVar[str] = "respond"
    consumes: ClassVar[tuple[type[Event], ...]] = (Respond,)
    overflow: ClassVar[Overflow] = Overflow.FAIL
    needs_release: ClassVar[bool] = False

    def __init__(self, chat: ChatModel, persona: Persona) -> None:
        self._chat = chat
        self._persona = persona

    @classmethod
    def build(cls, parts: Parts) -> RespondStage:
        """Return the stage of this session."""
        return cls(parts.chat, parts.persona)

    async def open(self) -> None:
        """Nothing to acquire: the engine is shared."""

    async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
        """Yield the reply piece by piece; the last one is empty and carries the figures."""
        assert isinstance(event, Respond)
        llm = self._persona.llm
        notes = [CUT_OFF] if event.cut_short else []
        prompt = messages(self._persona, event.history, event.heard, notes)
        limit = SentenceLimit(self._persona.speech.max_sentences)
        tokens, cache_hit = 0, None
        pieces = self._chat.reply(
            event.session,
            prompt,
            sampling=llm.sampling.model_dump(exclude_none=True),
            max_tokens=llm.max_reply_tokens,
            stop=stops(self._persona),
        )
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, PromptRead):
                    cache_hit = piece.cached_tokens / max(1, piece.prompt_tokens)
                    continue
                tokens = piece.tokens
                if isinstance(piece, Piece) and (text := limit.push(piece.text)):
                    yield _delta(event, text, tokens)
                if limit.reached:
                    break
        yield _delta(event, "", tokens, last=True, cache_hit=cache_hit)

    async def close(self) -> None:
        """Nothing to release."""


def _delta(
    event: Respond,
    text: str,
    tokens: int,
    *,
    last: bool = False,
    cache_hit: float | None = None,
) -> ReplyDelta:
    return ReplyDelta(
        session=event.session,
        turn=event.turn,
        take=event.take,
        text=text,
        tokens=tokens,
        aloud=event.aloud,
        last=last,
        cache_hit=cache_hit,
    )
