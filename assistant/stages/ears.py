"""Turns what the audio process tells into facts: voices in, words heard by the listener."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from typing import ClassVar

from assistant.engines.protocols import Notice, SoundLine
from assistant.errors import EngineGone
from assistant.events import (
    Event,
    Fault,
    PlaybackEnded,
    PlaybackStarted,
    Recovered,
    SessionId,
    SilenceGrew,
    SourceEnded,
    TakeId,
    TurnId,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
    WordPlayed,
)
from assistant.stages.parts import Parts
from audio.clip import Clip

log = logging.getLogger(__name__)

EAR_RATE = 16_000


class Ears:
    """The facts of one line. When the audio process ends, it waits for the next one."""

    name: ClassVar[str] = "ears"

    def __init__(
        self, session: SessionId, line: SoundLine, on_opened: Callable[[Notice], None]
    ) -> None:
        """Listen to the line.

        on_opened: told which devices the line really has.
        """
        self._session = session
        self._line = line
        self._on_opened = on_opened

    @classmethod
    def build(cls, parts: Parts) -> Ears:
        """Return the source of this session."""
        return cls(parts.session, parts.line, parts.on_opened)

    async def events(self, ready: Callable[[], None]) -> AsyncGenerator[Event, None]:
        """Yield facts for ever."""
        lost = False
        while True:
            async with self._line.listen() as notices:
                ready()
                if lost:
                    yield Recovered(session=self._session, code="audio_gone")
                try:
                    async for notice in notices:
                        if (event := self._translate(notice)) is not None:
                            yield event
                except EngineGone as gone:
                    lost = True
                    yield Fault(
                        session=self._session,
                        code="audio_gone",
                        text=str(gone),
                        hint="the audio process is started anew",
                    )

    def _translate(self, notice: Notice) -> Event | None:
        f, session = notice.fields, self._session
        match notice.kind, f.get("state"):
            case "silence", _:
                return SilenceGrew(session=session, silence_ms=f["silence_ms"])
            case "voice", "started":
                return VoiceStarted(session=session)
            case "voice", "resumed":
                return VoiceResumed(session=session)
            case "voice", "paused":
                return VoicePaused(
                    session=session,
                    clip=Clip.from_bytes(notice.payload, EAR_RATE),
                    speech_ms=f["speech_ms"],
                    silence_ms=f["silence_ms"],
                )
            case "source_ended", _:
                return SourceEnded(session=session)
            case "fault", _:
                return Fault(session=session, code=f["code"], text=f["text"], hint=f["hint"])
            case "recovered", _:
                return Recovered(session=session, code=f["code"])
            case "opened", _:
                self._on_opened(notice)
            case "stats", _:
                log.debug("%s: %s", session, dict(f))
        return _played(session, notice) if "take" in f else None


def _played(session: SessionId, notice: Notice) -> Event | None:
    f = notice.fields
    turn, take = TurnId(f["turn"]), TakeId(f["take"])
    match notice.kind:
        case "playing":
            return PlaybackStarted(session=session, turn=turn, take=take)
        case "played":
            return WordPlayed(
                session=session,
                turn=turn,
                take=take,
                clause=f["clause"],
                word=f["word"],
                heard_ms=f["heard_ms"],
            )
        case "ended":
            return PlaybackEnded(
                session=session,
                turn=turn,
                take=take,
                completed=f["completed"],
                clause=f["clause"],
                word=f["word"],
                heard_ms=f["heard_ms"],
            )
    return None
