"""Engines and a line that live in the test's own event loop and virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from assistant.engines.protocols import (
    Message,
    Notice,
    Piece,
    PromptRead,
    ReplySummary,
    Transcript,
    VoicedSound,
)
from assistant.errors import EngineError, EngineGone
from audio.clip import Clip, WordMark

WORD_MS = 250.0
RATE = 16_000


class FakeTranscriber:
    """Answers with the next of its texts after a moment."""

    def __init__(self, *texts: str, seconds: float = 0.1) -> None:
        self.texts = list(texts)
        self.seconds = seconds
        self.prompts: list[str] = []

    async def transcribe(self, clip: Clip, *, prompt: str) -> Transcript:
        self.prompts.append(prompt)
        await asyncio.sleep(self.seconds)
        return Transcript(text=self.texts.pop(0) if self.texts else "")


class FakeChatModel:
    """Writes its replies word by word; a reply of `!` fails after its first word."""

    def __init__(self, *replies: str, word_s: float = 0.05) -> None:
        self.replies = list(replies)
        self.word_s = word_s
        self.prompts: list[list[Message]] = []
        self.prefilled: list[list[Message]] = []
        self.forgotten: list[str] = []
        self.words_written = 0

    async def reply(
        self,
        conversation: str,
        messages: Sequence[Message],
        *,
        sampling: Mapping[str, float | int],
        max_tokens: int,
        stop: Sequence[str],
    ) -> AsyncGenerator[PromptRead | Piece | ReplySummary, None]:
        self.prompts.append(list(messages))
        text = self.replies.pop(0) if self.replies else "Yes."
        words = text.split(" ")[:max_tokens]
        yield PromptRead(cached_tokens=90, prompt_tokens=100)
        for count, word in enumerate(words, 1):
            await asyncio.sleep(self.word_s)
            if word == "!":
                raise EngineError("llm: out of memory")
            self.words_written += 1
            yield Piece(text=f"{word} ", tokens=count)
        yield ReplySummary(tokens=len(words), finish="stop")

    async def prefill(self, conversation: str, messages: Sequence[Message]) -> None:
        self.prefilled.append(list(messages))

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)


class FakeSynthesizer:
    """Voices each word for a quarter of a second."""

    def __init__(self, seconds: float = 0.05) -> None:
        self.seconds = seconds
        self.texts: list[str] = []

    async def speak(
        self, text: str, *, voice: Mapping[str, Any], language: str
    ) -> AsyncGenerator[VoicedSound, None]:
        self.texts.append(text)
        await asyncio.sleep(self.seconds)
        words = text.split()
        marks = tuple(
            WordMark(word, n * WORD_MS, (n + 1) * WORD_MS) for n, word in enumerate(words)
        )
        samples = np.zeros(int(len(words) * WORD_MS / 1000 * RATE), np.float32)
        yield VoicedSound(clip=Clip(samples, RATE), words=marks, aligned=True, voice="fake")


class FakeLine:
    """Plays in virtual time, tells the words as they sound, remembers its orders."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.heard: list[str] = []
        self._notices: asyncio.Queue[Notice | None] = asyncio.Queue()
        self._clips: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._stopped = 0

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncGenerator[Notice, None]]:
        playing = asyncio.create_task(self._play(), name="fake line")
        try:
            yield self._facts()
        finally:
            playing.cancel()
            await asyncio.wait({playing})

    def tell(self, kind: str, payload: bytes = b"", **fields: object) -> None:
        """Put a fact on the line."""
        self._notices.put_nowait(Notice(kind, fields, payload))

    def die(self) -> None:
        """End the audio process."""
        self._notices.put_nowait(None)

    def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
        self.orders.append(kind)
        if kind == "stop":
            self._stopped = fields["take"]
        elif kind in ("play", "end"):
            self._clips.put_nowait({"kind": kind, **fields})

    async def _facts(self) -> AsyncGenerator[Notice, None]:
        while True:
            notice = await self._notices.get()
            if notice is None:
                raise EngineGone("audio was killed by signal 9")
            yield notice

    async def _play(self) -> None:
        begun, clause, word, heard_ms = 0, -1, -1, 0.0
        while True:
            order = await self._clips.get()
            take = {"turn": order["turn"], "take": order["take"]}
            if order["take"] <= self._stopped:
                continue
            if order["kind"] == "end":
                self._ended(take, clause, word, heard_ms, completed=True)
                continue
            if order["take"] != begun:
                begun, clause, word, heard_ms = order["take"], -1, -1, 0.0
                self.tell("playing", **take)
            for n, mark in enumerate(order["words"]):
                await asyncio.sleep(WORD_MS / 1000)
                if order["take"] <= self._stopped:
                    self._ended(take, clause, word, heard_ms, completed=False)
                    break
                clause, word, heard_ms = order["clause"], n, heard_ms + WORD_MS
                self.heard.append(mark["text"])
                self.tell("played", **take, clause=clause, word=word, heard_ms=heard_ms)

    def _ended(
        self, take: dict[str, Any], clause: int, word: int, heard_ms: float, *, completed: bool
    ) -> None:
        self.tell("ended", **take, clause=clause, word=word, heard_ms=heard_ms, completed=completed)
