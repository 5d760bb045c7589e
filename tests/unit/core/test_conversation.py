"""A whole session over the real bus: real stages, real machine, fake engines, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial

import numpy as np
import pytest

from assistant.bus import Bus
from assistant.conductor import Conductor
from assistant.events import (
    MAIN,
    SYSTEM,
    ClauseVoiced,
    Event,
    Fault,
    Line,
    Recovered,
    ReplyDelta,
    Requested,
    Say,
    StageFailed,
    StageReady,
    TakeEvent,
    TurnClosed,
)
from assistant.personas.loader import load
from assistant.personas.prompt import CUT_OFF
from assistant.report import TurnReport
from assistant.session import Phase, Session
from assistant.stage import SourceRunner, StageRunner
from assistant.stages.ears import Ears
from assistant.stages.parts import Parts
from assistant.stages.play import PlayStage
from assistant.stages.prefill import PrefillStage
from assistant.stages.respond import RespondStage
from assistant.stages.speak import SpeakStage
from assistant.stages.transcribe import TranscribeStage
from assistant.supervisor import Child, Supervisor, Watcher
from audio.clip import Clip
from fakes import FakeChatModel, FakeLine, FakeSynthesizer, FakeTranscriber
from virtual_time import run

PERSONA = load(b"schema: 1\nname: Nova\nspeech: {max_sentences: 3}\n", "nova.yaml")
QUESTION = Clip(np.zeros(16_000, np.float32), 16_000).to_bytes()


class Room:
    """One session and everything that it published."""

    def __init__(
        self, transcriber: FakeTranscriber, chat: FakeChatModel, synthesizer: FakeSynthesizer
    ) -> None:
        self.bus = Bus(asyncio.get_running_loop().time)
        self.line = FakeLine()
        self.chat = chat
        self.seen: list[Event] = []
        self.parts = Parts(
            session=MAIN,
            persona=PERSONA,
            language="en",
            transcriber=transcriber,
            chat=chat,
            synthesizer=synthesizer,
            voice={"engine": "fake"},
            line=self.line,
            on_opened=lambda _: None,
        )
        self.conductor = Conductor(self.bus, Session(id=MAIN, persona="Nova"))

    @property
    def reports(self) -> list[TurnReport]:
        return [event.report for event in self.seen if isinstance(event, TurnClosed)]

    async def speak(self, seconds: float = 1.0) -> None:
        """Be the user: a voice, then enough silence to end the turn."""
        self.line.tell("voice", state="started")
        await asyncio.sleep(seconds)
        self.line.tell("voice", QUESTION, state="paused", speech_ms=900.0, silence_ms=96.0)
        for block in range(4, 20):
            await asyncio.sleep(0.032)
            self.line.tell("silence", silence_ms=block * 32.0)

    async def rest(self) -> None:
        """Let a quarter of an hour pass: every deadline is shorter."""
        await asyncio.sleep(900)
        assert self.conductor.session.phase is Phase.IDLE


@asynccontextmanager
async def room(
    *,
    heard: tuple[str, ...] = ("Who are you?",),
    replies: tuple[str, ...] = ("I am Nova. I keep you company, day and night.",),
) -> AsyncIterator[Room]:
    made = Room(FakeTranscriber(*heard), FakeChatModel(*replies), FakeSynthesizer())

    def crashed(name: str, error: Exception, _: bool) -> None:
        made.bus.publish(StageFailed(session=MAIN, stage=name, error=str(error)))

    stages = (TranscribeStage, RespondStage, PrefillStage, SpeakStage, PlayStage)
    supervisor = Supervisor(Watcher(ready=lambda _: None, crashed=crashed))
    with made.bus.tap(Event, made.seen.append), ExitStack() as attached:
        supervisor.start(
            [
                Child(name="conductor", run=made.conductor.run),
                *(
                    Child(
                        name=stage.name,
                        run=attached.enter_context(
                            StageRunner(partial(stage.build, made.parts), made.bus, MAIN).attached()
                        ).run,
                    )
                    for stage in stages
                ),
                Child(name="ears", run=SourceRunner(Ears.build(made.parts), made.bus).run),
            ]
        )
        serving = asyncio.create_task(supervisor.run())
        await asyncio.sleep(0.1)
        yield made
        serving.cancel()
        await asyncio.wait({serving})


def test_a_question_is_answered_clause_by_clause_while_the_rest_is_written() -> None:
    async def scenario() -> None:
        async with room() as it:
            await it.speak()
            await it.rest()
            (report,) = it.reports
            assert report.heard == "Who are you?"
            assert report.reply == "I am Nova. I keep you company, day and night."
            assert it.line.heard == report.reply.split()
            first = next(i for i, e in enumerate(it.seen) if isinstance(e, ClauseVoiced))
            last = max(i for i, e in enumerate(it.seen) if isinstance(e, ReplyDelta))
            assert first < last
            assert report.ms.voice_to_voice is not None
            assert 600 < report.ms.voice_to_voice < 1200

    run(scenario())


def test_the_second_question_is_asked_with_the_first_exchange_before_it() -> None:
    async def scenario() -> None:
        async with room(heard=("One?", "Two?"), replies=("First.", "Second.")) as it:
            await it.speak()
            await it.rest()
            await it.speak()
            await it.rest()
            contents = [message["content"] for message in it.chat.prompts[1]]
            assert contents[-3:] == ["One?", "First.", "Two?"]
            assert [m["content"] for m in it.chat.prefilled[-1]][-1] == "Second."

    run(scenario())


def test_talking_over_the_answer_silences_it_and_stops_the_model() -> None:
    async def scenario() -> None:
        story = " ".join(f"word{n}" for n in range(200))
        async with room(heard=("Tell me.", "Stop."), replies=(story, "Fine.")) as it:
            await it.speak()
            await asyncio.sleep(3)
            before = it.chat.words_written
            words = len(it.line.heard)
            await it.speak()
            await it.rest()
            assert "stop" in it.line.orders
            cut, second = it.reports
            assert cut.cut_at is not None
            assert cut.reply == " ".join(it.line.heard[: len((cut.reply or "").split())])
            assert words <= len((cut.reply or "").split()) <= words + 2
            assert before < 200
            assert second.reply == "Fine."
            assert it.conductor.session.history[1] == Line("assistant", cut.reply or "")
            assert CUT_OFF in it.chat.prompts[1][-1]["content"]

    run(scenario())


def test_a_model_that_fails_costs_one_turn() -> None:
    async def scenario() -> None:
        async with room(heard=("One?", "Two?"), replies=("Well !", "Second.")) as it:
            await it.speak()
            await it.rest()
            await it.speak()
            await it.rest()
            first, second = it.reports
            assert (first.handled_by, first.error) == ("apology", "llm: out of memory")
            assert it.line.heard[:2] == ["Sorry,", "something"]
            assert (second.handled_by, second.reply) == ("model", "Second.")

    run(scenario())


def test_an_audio_process_that_dies_is_told_and_the_next_question_is_answered() -> None:
    async def scenario() -> None:
        async with room(heard=("One?", "Two?"), replies=("First one two.", "Second.")) as it:
            await it.speak()
            await asyncio.sleep(0.6)
            it.line.die()
            await it.rest()
            assert [e.code for e in it.seen if isinstance(e, Fault)] == ["audio_gone"]
            assert [e.code for e in it.seen if isinstance(e, Recovered)] == ["audio_gone"]
            await it.speak()
            await it.rest()
            assert it.reports[-1].reply == "Second."

    run(scenario())


def test_no_answer_has_more_sentences_than_the_persona_allows() -> None:
    async def scenario() -> None:
        async with room(replies=("One. Two. Three. Four. Five. Six.",)) as it:
            await it.speak()
            await it.rest()
            assert it.reports[0].reply == "One. Two. Three."
            assert it.reports[0].cache_hit == 0.9
            assert it.chat.words_written == 4

    run(scenario())


def test_markdown_thoughts_and_stage_directions_are_not_spoken() -> None:
    async def scenario() -> None:
        reply = "<think>hm</think>*smiles* **Hello** there 😀, [[x]]my friend."
        async with room(replies=(reply,)) as it:
            await it.speak()
            await it.rest()
            assert " ".join(it.line.heard) == "Hello there, my friend."

    run(scenario())


def test_while_the_model_starts_one_moment_is_spoken_and_not_remembered() -> None:
    async def scenario() -> None:
        async with room() as it:
            it.bus.publish(StageFailed(session=SYSTEM, stage="llm", error="x"))
            await it.speak()
            await it.rest()
            it.bus.publish(StageReady(session=SYSTEM, stage="llm"))
            assert [e.text for e in it.seen if isinstance(e, Say)] == ["One moment."]
            assert it.line.heard[:2] == ["One", "moment."]
            assert it.reports[0].reply == "I am Nova. I keep you company, day and night."

    run(scenario())


@pytest.mark.parametrize("after_s", [0.0, 0.3, 0.6, 1.0, 1.5, 2.5])
def test_stop_silences_at_any_moment_and_nothing_of_the_turn_follows(after_s: float) -> None:
    async def scenario() -> None:
        async with room(heard=("One?", "Two?"), replies=("a " * 50, "Second.")) as it:
            asking = asyncio.create_task(it.speak())
            await asyncio.sleep(1.5 + after_s)
            it.bus.publish(Requested(session=MAIN, request="s", kind="stop"))
            at = len(it.seen)
            await asyncio.wait({asking})
            await it.rest()
            dead = {e.take for e in it.seen[:at] if isinstance(e, TakeEvent)}
            assert not [e for e in it.seen[at + 1 :] if isinstance(e, TakeEvent) and e.take in dead]
            it.chat.replies = ["Second."]
            await it.speak()
            await it.rest()
            assert it.reports[-1].reply == "Second."

    run(scenario())
