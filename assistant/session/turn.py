"""One turn while it lasts: what was heard, what was said, when. Pure: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from assistant.events import ClauseVoiced, Line, TurnId
from assistant.report import (
    BargeIn,
    Cut,
    Durations,
    End,
    HandledBy,
    OpenedBy,
    Sound,
    Takes,
    TurnReport,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When each step was reached, s on the clock that stamps events."""

    ended: float | None = None
    """The pause was long enough, or the question was typed."""
    transcribed: float | None = None
    first_token: float | None = None
    first_clause: float | None = None
    first_sound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the loudspeaker is in a take."""

    clause: int = -1
    """Index of the clause of the last word heard whole; -1: none yet."""
    word: int = -1
    heard_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An exchange that is not over yet."""

    id: TurnId
    opened_by: OpenedBy
    request: str | None = None
    announced: bool = False
    """True once TurnOpened was published."""
    asked_to_wait: bool = False
    aloud: bool = True
    heard: str | None = None
    clip_s: float | None = None
    handled_by: HandledBy = "model"
    error: str | None = None
    takes: Takes = field(default_factory=Takes)
    tokens: int = 0
    cache_hit: float | None = None
    pause_ms: float | None = None
    written: str = ""
    """The reply as the model wrote it."""
    said_before: str = ""
    """What was heard of a take of this turn that failed."""
    voiced: tuple[ClauseVoiced, ...] = ()
    progress: Progress = field(default_factory=Progress)
    times: Times = field(default_factory=Times)
    barged_in_s: float | None = None

    def begin_take(self) -> Turn:
        """Return the turn with one more take, released, and nothing computed for it yet."""
        return replace(
            self,
            takes=replace(
                self.takes,
                begun=self.takes.begun + 1,
                released=self.takes.released + 1,
                tokens_wasted=self.takes.tokens_wasted + self.tokens,
            ),
            tokens=0,
            written="",
            voiced=(),
            progress=Progress(),
        )

    def mark(self, **times: float | None) -> Turn:
        """Return the turn with these steps noted, unless they were reached before."""
        new = {name: at for name, at in times.items() if getattr(self.times, name) is None}
        return replace(self, times=replace(self.times, **new)) if new else self


def said(turn: Turn, *, whole: bool) -> str:
    """Return the reply as it was heard; asides are not part of it.

    whole: everything that was voiced was heard; otherwise up to the last word heard.
    """
    words = [turn.said_before] if turn.said_before else []
    for piece in turn.voiced:
        if piece.aside:
            continue
        if whole or piece.index < turn.progress.clause:
            words.append(piece.text)
        elif piece.index == turn.progress.clause:
            words += [mark.text for mark in piece.words[: turn.progress.word + 1]]
    return " ".join(words).strip()


def lines(turn: Turn, reply: str) -> tuple[Line, ...]:
    """Return what the conversation remembers of the turn."""
    heard = (Line("user", turn.heard),) if turn.heard else ()
    reply = turn.said_before if turn.handled_by == "apology" else reply
    return (*heard, *((Line("assistant", reply),) if reply else ()))


def report(turn: Turn, *, session: str, persona: str, reply: str, whole: bool) -> TurnReport:
    """Return what happened in the turn."""
    t = turn.times
    waited, after_end = turn.pause_ms, _ms(t.ended, t.first_sound)
    ended_by_voice = turn.opened_by == "voice"
    last_word = reply.rsplit(maxsplit=1)[-1] if reply else None
    return TurnReport(
        session=session,
        turn=turn.id,
        persona=persona,
        opened_by=turn.opened_by,
        request=turn.request,
        heard=turn.heard,
        reply=reply or None,
        cut_at=None if whole else Cut(word=last_word, ms=turn.progress.heard_ms),
        handled_by=turn.handled_by,
        error=turn.error,
        takes=turn.takes,
        cache_hit=turn.cache_hit,
        ms=Durations(
            pause_waited=turn.pause_ms,
            transcribe=_ms(t.ended, t.transcribed) if ended_by_voice else None,
            first_token=_ms(t.transcribed or t.ended, t.first_token),
            first_clause=_ms(t.first_token, t.first_clause),
            first_sound=_ms(t.first_clause, t.first_sound),
            after_end=after_end,
            voice_to_voice=None if waited is None or after_end is None else waited + after_end,
        ),
        end=End(pause_ms=turn.pause_ms),
        barge_in=BargeIn(verdict="cut") if turn.barged_in_s is not None else None,
        audio=Sound(
            heard_s=turn.clip_s,
            spoken_s=turn.progress.heard_ms / 1000 if t.first_sound is not None else None,
        ),
    )


def _ms(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else (end_s - start_s) * 1000
