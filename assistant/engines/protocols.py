"""What stages ask of engines. Local processes, remote servers and scripted fakes answer alike.

Every method may raise EngineError; closing a generator early cancels the work in the engine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from audio.clip import Clip, WordMark

Message: TypeAlias = Mapping[str, str]
"""One chat message: `role` (system, user, assistant) and `content`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was said."""

    text: str
    """Empty when nothing was intelligible."""
    filtered: str | None = None
    """Why a text was thrown away: blank, no_speech or hallucination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some text of a reply."""

    text: str
    tokens: int
    """Tokens so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRead:
    """The prompt is read; told before the first piece of a reply, by models that know."""

    cached_tokens: int
    """Tokens of it that were in the model's cache."""
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySummary:
    """How a reply ended; the last thing a chat model yields."""

    tokens: int
    finish: str
    """`stop` or `length`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicedSound:
    """Some sound of a text."""

    clip: Clip
    words: tuple[WordMark, ...]
    """Marks of the words in this sound, ms from its start."""
    aligned: bool
    voice: str
    """The voice really used."""


class Transcriber(Protocol):
    """Speech to text."""

    async def transcribe(self, clip: Clip, *, prompt: str) -> Transcript:
        """Return what was said in the clip (16 kHz).

        prompt: names and words to expect.
        """


class ChatModel(Protocol):
    """Text to text."""

    def reply(
        self,
        conversation: str,
        messages: Sequence[Message],
        *,
        sampling: Mapping[str, float | int],
        max_tokens: int,
        stop: Sequence[str],
    ) -> AsyncGenerator[PromptRead | Piece | ReplySummary, None]:
        """Stream a reply. One conversation keeps its prompt's prefix between calls."""

    async def prefill(self, conversation: str, messages: Sequence[Message]) -> None:
        """Read the prompt ahead, so that a later reply starts sooner."""

    async def forget(self, conversation: str) -> None:
        """Drop what is kept for a conversation that is over."""


class Synthesizer(Protocol):
    """Text to speech."""

    def speak(
        self, text: str, *, voice: Mapping[str, Any], language: str
    ) -> AsyncGenerator[VoicedSound, None]:
        """Stream the sound of a text; nothing when nothing in it can be spoken."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact from the audio process: kind, fields, raw samples."""

    kind: str
    fields: Mapping[str, Any]
    payload: bytes = b""


class SoundLine(Protocol):
    """The microphone side and the loudspeaker side of one session."""

    def listen(self) -> AbstractAsyncContextManager[AsyncGenerator[Notice, None]]:
        """Open the line; iterate its facts. EngineGone when the audio process ends."""

    def send(self, kind: str, payload: bytes = b"", **fields: object) -> None:
        """Give the line an order, at once and without an answer."""
