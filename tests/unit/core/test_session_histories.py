"""Random histories: whatever happens, in whatever order, the conversation is never stuck."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from assistant.events import (
    MAIN,
    Cancel,
    Event,
    Hear,
    PhaseChanged,
    Release,
    RequestDropped,
    Requested,
    Respond,
    Say,
    SessionEnded,
    Settle,
    TakeEvent,
    Transcribe,
    TurnClosed,
    TurnOpened,
)
from assistant.session import Phase
from conversation import Walk

HISTORIES = 252
STEPS = 400
"""100 000 events in all."""


def any_fact(walk: Walk, chance: random.Random) -> Event:
    """Return something that may happen next, sensible or not."""
    moves: list[tuple[int, Callable[[], Event]]] = [
        (6, walk.started),
        (6, walk.paused),
        (3, walk.resumed),
        (8, lambda: walk.silence(chance.choice([96.0, 300.0, 608.0, 2000.0]))),
        (6, lambda: walk.words(chance.choice(["", "Who are you?", "Stop.", "And then?"]))),
        (4, lambda: walk.delta("Some words. ", last=chance.random() < 0.3)),
        (3, lambda: walk.written(len(walk.session.turn.voiced) if walk.session.turn else 0, "a b")),
        (5, lambda: walk.voiced(len(walk.session.turn.voiced) if walk.session.turn else 0, "a b")),
        (3, lambda: walk.all_voiced(chance.randint(0, 2))),
        (5, walk.playing),
        (6, lambda: walk.played(chance.randint(0, 2), chance.randint(0, 1), 400.0)),
        (5, lambda: walk.ended(completed=chance.random() < 0.7)),
        (2, lambda: walk.ended(completed=False, take=walk.session.closing_take)),
        (1, walk.failed),
        (1, lambda: walk.crashed(chance.choice(["llm", "stt", "tts", "audio"]))),
        (1, lambda: walk.crashed(f"{MAIN}.speak", MAIN)),
        (2, lambda: walk.ready(chance.choice(["llm", "stt", "tts", "audio"]))),
        (1, lambda: walk.fault(chance.choice(["audio_gone", "microphone_lost", "mqtt_down"]))),
        (3, lambda: walk.request("ask", "Hello?", name=f"a{chance.random()}")),
        (1, lambda: walk.request("say", "Dinner.", name=f"s{chance.random()}")),
        (
            1,
            lambda: walk.request(
                "listen", chance.choice(["", "Well?"]), name=f"l{chance.random()}"
            ),
        ),
        (1, lambda: walk.request("stop", name=f"x{chance.random()}")),
        (5, walk.tick),
        (1, walk.source_ended),
    ]
    return chance.choices([make for _, make in moves], [weight for weight, _ in moves])[0]()


class Laws:
    """What must hold after every step."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.dead = 0
        self.open_turns: set[int] = set()
        self.closed_turns: set[int] = set()
        self.asked: set[str] = set()
        self.answered: list[str] = []

    def check(self, fact: Event, orders: list[Event]) -> None:
        """Assert every law."""
        session = self.walk.session
        if isinstance(fact, Requested) and fact.kind != "stop":
            self.asked.add(fact.request)
        for order in orders:
            self._check_order(order)
        assert (session.phase is Phase.IDLE) == (session.deadline_s is None) or (
            session.closing is not None or session.window is not None
        ), "every phase but idle has a deadline"
        busy = session.phase in (Phase.TRANSCRIBING, Phase.THINKING, Phase.SPEAKING)
        assert not busy or session.turn is not None, "a busy phase has a turn"
        assert session.phase is not Phase.IDLE or session.turn is None, "idle has no turn"
        served = session.phase is not Phase.IDLE or "audio" in session.cold or not session.queue
        assert served, "idle leaves nobody waiting, unless for sound"
        assert len(self.open_turns) <= 2, "one open turn, and one that closes"
        assert session.take >= self.dead

    def _check_order(self, order: Event) -> None:
        match order:
            case Cancel(take=take):
                assert take >= self.dead
                self.dead = take
            case Transcribe() | Respond() | Say() | Release():
                assert isinstance(order, TakeEvent)
                assert order.take > self.dead, "nothing is ordered for a dead take"
            case TurnOpened(turn=turn):
                assert turn not in self.open_turns | self.closed_turns
                self.open_turns.add(turn)
            case TurnClosed(turn=turn, report=report):
                assert turn in self.open_turns, "a turn closes once, after it was opened"
                self.open_turns.remove(turn)
                self.closed_turns.add(turn)
                if report.request:
                    self.answered.append(report.request)
            case RequestDropped(request=request):
                self.answered.append(request)
            case PhaseChanged() | Settle() | Hear() | SessionEnded():
                pass

    def settle(self) -> None:
        """Let only time pass: the conversation must come to rest, every request answered.

        The supervisor promises that sound comes back or is given up.
        """
        fact: Event = self.walk.ready("audio")
        self.check(fact, self.walk.feed(fact))
        for _ in range(60):
            if self.walk.session.deadline_s is None:
                break
            fact = self.walk.tick()
            self.check(fact, self.walk.after(120.0, fact))
        session = self.walk.session
        assert session.phase is Phase.IDLE, "time alone ends every phase"
        assert session.closing is None
        assert not self.open_turns
        assert self.asked <= set(self.answered), "no request is lost"
        assert len(self.answered) == len(set(self.answered)), "none is answered twice"


@pytest.mark.parametrize("paced", [False, True])
@pytest.mark.parametrize("barge_in", [False, True])
def test_no_history_breaks_a_law_and_time_alone_ends_every_one(paced: bool, barge_in: bool) -> None:
    for seed in range(HISTORIES // 4):
        chance = random.Random(seed)
        walk = Walk.ruled(paced=paced, barge_in=barge_in, open_microphone=chance.random() < 0.8)
        laws = Laws(walk)
        for _ in range(STEPS):
            fact = any_fact(walk, chance)
            laws.check(fact, walk.after(chance.choice([0.0, 0.05, 0.5, 3.0]), fact))
        laws.settle()
