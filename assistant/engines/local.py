"""The protocols of the stages, answered by engine processes on this machine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any

from assistant.engines.engine import Engine
from assistant.engines.lease import Priority
from assistant.engines.process import Preempted
from assistant.engines.protocols import (
    Message,
    Piece,
    PromptRead,
    ReplySummary,
    Transcript,
    VoicedSound,
)
from assistant.errors import EngineError
from audio.clip import Clip, WordMark
from audio.wire import Packet


class LocalTranscriber:
    """Speech to text in an engine process."""

    def __init__(self, engine: Engine, language: str) -> None:
        """Transcribe in `language` (ISO 639-1), pinned: never guessed, never translated."""
        self._engine = engine
        self._language = language

    async def transcribe(self, clip: Clip, *, prompt: str) -> Transcript:
        """Return what was said in the clip (16 kHz)."""
        replies = self._engine.ask(
            "transcribe",
            priority=Priority.FINAL_TRANSCRIPT,
            payload=clip.to_bytes(),
            rate=clip.rate,
            language=self._language,
            prompt=prompt,
            final=True,
        )
        async with aclosing(replies):
            async for reply in replies:
                if reply.kind == "text":
                    return Transcript(
                        text=reply.fields["text"], filtered=reply.fields.get("filtered")
                    )
        raise EngineError(f"{self._engine.name} gave no transcript")


class LocalChatModel:
    """A chat model in an engine process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def reply(
        self,
        conversation: str,
        messages: Sequence[Message],
        *,
        sampling: Mapping[str, float | int],
        max_tokens: int,
        stop: Sequence[str],
    ) -> AsyncGenerator[PromptRead | Piece | ReplySummary, None]:
        """Stream a reply, its summary last."""
        replies = self._engine.ask(
            "reply",
            priority=Priority.REPLY,
            conversation=conversation,
            messages=list(messages),
            sampling=dict(sampling),
            max_tokens=max_tokens,
            stop=list(stop),
        )
        async with aclosing(replies):
            async for packet in replies:
                fields = packet.fields
                if packet.kind == "prompt":
                    yield PromptRead(
                        cached_tokens=fields["cached_tokens"],
                        prompt_tokens=fields["prompt_tokens"],
                    )
                elif packet.kind == "delta":
                    yield Piece(text=fields["text"], tokens=fields["tokens"])
                elif packet.kind == "done":
                    yield ReplySummary(tokens=fields["tokens"], finish=fields["finish"])

    async def prefill(self, conversation: str, messages: Sequence[Message]) -> None:
        """Read the prompt ahead; give way to anything more urgent."""
        await _finish(
            self._engine.ask(
                "prefill",
                priority=Priority.PREFILL,
                conversation=conversation,
                messages=list(messages),
            )
        )

    async def forget(self, conversation: str) -> None:
        """Drop what is kept for the conversation."""
        await _finish(
            self._engine.ask("forget", priority=Priority.PREFILL, conversation=conversation)
        )


class LocalSynthesizer:
    """Text to speech in an engine process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def speak(
        self, text: str, *, voice: Mapping[str, Any], language: str
    ) -> AsyncGenerator[VoicedSound, None]:
        """Stream the sound of the text."""
        replies = self._engine.ask(
            "speak", priority=Priority.REPLY, text=text, voice=dict(voice), language=language
        )
        async with aclosing(replies):
            async for packet in replies:
                if packet.kind == "sound":
                    yield VoicedSound(
                        clip=Clip.from_bytes(packet.payload, packet.fields["rate"]),
                        words=tuple(WordMark(**mark) for mark in packet.fields["words"]),
                        aligned=packet.fields["marks"] == "aligned",
                        voice=packet.fields["voice"],
                    )


async def _finish(replies: AsyncGenerator[Packet, None]) -> None:
    """Let a request run to its end, or give way to a more urgent one."""
    with suppress(Preempted):
        async with aclosing(replies):
            async for _ in replies:
                pass
