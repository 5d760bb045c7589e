"""Voices a reply clause by clause, while the rest of it is still being written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

from assistant.bus import Overflow
from assistant.engines.protocols import Synthesizer
from assistant.events import (
    NO_TAKE,
    ClauseVoiced,
    ClauseWritten,
    Event,
    ReplyDelta,
    ReplyVoiced,
    Say,
    TakeEvent,
    TakeId,
)
from assistant.speech.stream import SpeechStream
from assistant.stages.parts import Parts


class SpeakStage:
    """Keeps the stream of the running take; a new take starts afresh."""

    name: ClassVar[str] = "speak"
    consumes: ClassVar[tuple[type[Event], ...]] = (ReplyDelta, Say)
    overflow: ClassVar[Overflow] = Overflow.FAIL
    needs_release: ClassVar[bool] = False

    def __init__(self, synthesizer: Synthesizer, voice: Mapping[str, Any], language: str) -> None:
        self._synthesizer = synthesizer
        self._voice = voice
        self._language = language
        self._take: TakeId = NO_TAKE
        self._stream = SpeechStream()
        self._clauses = 0
        self._pieces = 0

    @classmethod
    def build(cls, parts: Parts) -> SpeakStage:
        """Return the stage of this session."""
        return cls(parts.synthesizer, parts.voice, parts.language)

    async def open(self) -> None:
        """Nothing to acquire: the engine is shared."""

    async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
        """Yield each clause as text, then as sound; at the end, that all is voiced."""
        assert isinstance(event, ReplyDelta | Say)
        if event.take != self._take:
            self._take, self._stream = event.take, SpeechStream()
            self._clauses = self._pieces = 0
        aside = isinstance(event, Say) and event.aside
        ends = event.last if isinstance(event, ReplyDelta) else not event.aside
        if isinstance(event, ReplyDelta) and not event.aloud:
            return
        for clause in self._cut(event, ends=ends):
            async with aclosing(self._voiced(event, clause, aside=aside)) as facts:
                async for fact in facts:
                    yield fact
        if ends:
            yield ReplyVoiced(
                session=event.session, turn=event.turn, take=event.take, clauses=self._clauses
            )

    async def close(self) -> None:
        """Nothing to release."""

    def _cut(self, event: ReplyDelta | Say, *, ends: bool) -> list[str]:
        if isinstance(event, Say) and event.aside:
            return [event.text]
        clauses = self._stream.push(event.text)
        return clauses + self._stream.end() if ends else clauses

    async def _voiced(
        self, event: TakeEvent, clause: str, *, aside: bool
    ) -> AsyncGenerator[Event, None]:
        yield ClauseWritten(
            session=event.session,
            turn=event.turn,
            take=event.take,
            index=self._clauses,
            text=clause,
            aside=aside,
        )
        self._clauses += 1
        sounds = self._synthesizer.speak(clause, voice=self._voice, language=self._language)
        async with aclosing(sounds):
            async for sound in sounds:
                yield ClauseVoiced(
                    session=event.session,
                    turn=event.turn,
                    take=event.take,
                    index=self._pieces,
                    text=" ".join(mark.text for mark in sound.words),
                    clip=sound.clip,
                    words=sound.words,
                    aligned=sound.aligned,
                    voice=sound.voice,
                    aside=aside,
                )
                self._pieces += 1
