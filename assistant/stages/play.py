"""Hands the voiced reply to the audio process, which queues, plays and reports it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import ClassVar

from assistant.bus import Overflow
from assistant.engines.protocols import SoundLine
from assistant.events import Cancel, ClauseVoiced, Event, Hear, ReplyVoiced, Settle
from assistant.stages.parts import Parts


class PlayStage:
    """Passes clips and orders on and returns at once; the queue of clips is in the mouth."""

    name: ClassVar[str] = "play"
    consumes: ClassVar[tuple[type[Event], ...]] = (
        ClauseVoiced,
        ReplyVoiced,
        Cancel,
        Settle,
        Hear,
    )
    overflow: ClassVar[Overflow] = Overflow.FAIL
    needs_release: ClassVar[bool] = True

    def __init__(self, line: SoundLine) -> None:
        self._line = line

    @classmethod
    def build(cls, parts: Parts) -> PlayStage:
        """Return the stage of this session."""
        return cls(parts.line)

    async def open(self) -> None:
        """Nothing to acquire: the line is opened by the ears."""

    async def handle(self, event: Event) -> AsyncGenerator[Event, None]:
        """Pass the event on; nothing follows from it here."""
        match event:
            case ClauseVoiced():
                self._line.send(
                    "play",
                    event.clip.to_bytes(),
                    turn=event.turn,
                    take=event.take,
                    clause=event.index,
                    rate=event.clip.rate,
                    words=[asdict(word) for word in event.words],
                    last=False,
                )
            case ReplyVoiced():
                self._line.send("end", turn=event.turn, take=event.take)
            case Cancel():
                self._line.send("stop", turn=event.turn, take=event.take)
            case Settle():
                self._line.send("settle")
            case Hear():
                self._line.send("go")
        return
        yield

    async def close(self) -> None:
        """Nothing to release."""
