"""Shorthand for the facts of a conversation, and a session that is walked through them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from assistant.events import (
    MAIN,
    SYSTEM,
    ClauseVoiced,
    ClauseWritten,
    Event,
    Fault,
    PlaybackEnded,
    PlaybackStarted,
    ReplyDelta,
    ReplyVoiced,
    Requested,
    RequestKind,
    SessionId,
    SilenceGrew,
    SourceEnded,
    StageFailed,
    StageReady,
    TakeFailed,
    TakeId,
    Tick,
    TurnClosed,
    TurnId,
    UtteranceTranscribed,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
    WordPlayed,
)
from assistant.report import TurnReport
from assistant.session import Phase, Rules, Session, step
from audio.clip import Clip, WordMark

E = TypeVar("E", bound=Event)
CLIP = Clip(np.zeros(16_000, np.float32), 16_000)


@dataclass(slots=True)
class Walk:
    """A session, its clock, and everything that it published."""

    session: Session = field(default_factory=lambda: Session(id=MAIN, persona="Nova"))
    now_s: float = 100.0
    published: list[Event] = field(default_factory=list)

    @classmethod
    def ruled(
        cls, *, barge_in: bool = True, open_microphone: bool = True, paced: bool = False
    ) -> Walk:
        """Return a walk whose session follows these rules."""
        rules = Rules(barge_in=barge_in, open_microphone=open_microphone, paced=paced)
        return cls(Session(id=MAIN, persona="Nova", rules=rules))

    def feed(self, *events: Event) -> list[Event]:
        """Step through events at the present time; return what was published."""
        new: list[Event] = []
        for event in events:
            self.session, orders = step(self.session, replace(event, at_s=self.now_s))
            new += orders
        self.published += new
        return new

    def after(self, seconds: float, *events: Event) -> list[Event]:
        """Let time pass, then feed."""
        self.now_s += seconds
        return self.feed(*events)

    def found(self, kind: type[E]) -> list[E]:
        """Return everything of this kind that was published."""
        return [event for event in self.published if isinstance(event, kind)]

    @property
    def reports(self) -> list[TurnReport]:
        """The reports of the closed turns."""
        return [closed.report for closed in self.found(TurnClosed)]

    def phase(self) -> Phase:
        """Where the conversation stands."""
        return self.session.phase

    @property
    def take(self) -> TakeId:
        """The newest take."""
        return self.session.take

    @property
    def turn(self) -> TurnId:
        """The newest turn."""
        return TurnId(self.session.turns)

    def started(self) -> VoiceStarted:
        return VoiceStarted(session=MAIN)

    def paused(self, silence_ms: float = 96.0) -> VoicePaused:
        return VoicePaused(session=MAIN, clip=CLIP, speech_ms=800.0, silence_ms=silence_ms)

    def resumed(self) -> VoiceResumed:
        return VoiceResumed(session=MAIN)

    def silence(self, ms: float) -> SilenceGrew:
        return SilenceGrew(session=MAIN, silence_ms=ms)

    def words(self, text: str) -> UtteranceTranscribed:
        return UtteranceTranscribed(session=MAIN, turn=self.turn, take=self.take, text=text)

    def delta(self, text: str, *, last: bool = False) -> ReplyDelta:
        return ReplyDelta(
            session=MAIN,
            turn=self.turn,
            take=self.take,
            text=text,
            tokens=len(text.split()),
            aloud=True,
            last=last,
            cache_hit=0.9 if last else None,
        )

    def written(self, index: int, text: str) -> ClauseWritten:
        return ClauseWritten(session=MAIN, turn=self.turn, take=self.take, index=index, text=text)

    def voiced(self, index: int, text: str, *, aside: bool = False) -> ClauseVoiced:
        marks = tuple(
            WordMark(word, n * 200.0, n * 200.0 + 150.0) for n, word in enumerate(text.split())
        )
        return ClauseVoiced(
            session=MAIN,
            turn=self.turn,
            take=self.take,
            index=index,
            text=text,
            clip=CLIP,
            words=marks,
            aligned=True,
            voice="test",
            aside=aside,
        )

    def all_voiced(self, clauses: int) -> ReplyVoiced:
        return ReplyVoiced(session=MAIN, turn=self.turn, take=self.take, clauses=clauses)

    def playing(self) -> PlaybackStarted:
        return PlaybackStarted(session=MAIN, turn=self.turn, take=self.take)

    def played(self, clause: int, word: int, heard_ms: float) -> WordPlayed:
        return WordPlayed(
            session=MAIN,
            turn=self.turn,
            take=self.take,
            clause=clause,
            word=word,
            heard_ms=heard_ms,
        )

    def ended(
        self,
        *,
        completed: bool = True,
        clause: int = 0,
        word: int = 0,
        heard_ms: float = 1000.0,
        take: TakeId | None = None,
    ) -> PlaybackEnded:
        return PlaybackEnded(
            session=MAIN,
            turn=self.turn,
            take=self.take if take is None else take,
            completed=completed,
            clause=clause,
            word=word,
            heard_ms=heard_ms,
        )

    def failed(self, error: str = "llm was killed by signal 9") -> TakeFailed:
        return TakeFailed(
            session=MAIN, turn=self.turn, take=self.take, stage="respond", error=error
        )

    def request(
        self, kind: RequestKind, text: str = "", *, name: str = "r1", aloud: bool = True
    ) -> Requested:
        return Requested(session=MAIN, request=name, kind=kind, text=text, aloud=aloud)

    def tick(self) -> Tick:
        return Tick(session=MAIN)

    def source_ended(self) -> SourceEnded:
        return SourceEnded(session=MAIN)

    def crashed(self, stage: str, session: SessionId = SYSTEM) -> StageFailed:
        return StageFailed(session=session, stage=stage, error="it crashed")

    def ready(self, stage: str) -> StageReady:
        return StageReady(session=SYSTEM, stage=stage)

    def fault(self, code: str) -> Fault:
        return Fault(session=MAIN, code=code, text="audio was killed by signal 9")

    def ask_aloud(self, text: str = "Who are you?") -> None:
        """Speak a question until its words are known."""
        self.feed(self.started())
        self.after(1.0, self.paused())
        self.after(0.5, self.silence(608.0))
        self.after(0.1, self.words(text))

    def answer(self, *clauses: str) -> None:
        """Write and voice these clauses, and begin to play."""
        self.after(0.1, self.delta(" ".join(clauses)))
        for index, text in enumerate(clauses):
            self.feed(self.written(index, text), self.voiced(index, text))
        self.feed(self.delta("", last=True), self.all_voiced(len(clauses)))
        self.after(0.1, self.playing())
