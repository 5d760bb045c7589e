"""The bus delivers by kind and session, never waits, and says what it lost."""

from __future__ import annotations

import asyncio

import pytest

from assistant.bus import Bus, Overflow
from assistant.errors import BusOverflow
from assistant.events import (
    MAIN,
    SYSTEM,
    Event,
    SessionId,
    Settle,
    SilenceGrew,
    StageReady,
    VoiceStarted,
)
from virtual_time import run

OTHER = SessionId("other")


def silence(ms: float, session: SessionId = MAIN) -> SilenceGrew:
    return SilenceGrew(session=session, silence_ms=ms)


def test_an_event_is_stamped_once_with_the_clock_of_the_bus() -> None:
    async def scenario() -> None:
        seen: list[Event] = []
        bus = Bus(lambda: 7.5)
        with bus.tap(Event, seen.append):
            bus.publish(silence(1))
            bus.publish(SilenceGrew(session=MAIN, silence_ms=1, at_s=3.0))
        assert [e.at_s for e in seen] == [7.5, 3.0]

    run(scenario())


def test_a_session_hears_itself_and_the_system_but_no_other_session() -> None:
    async def scenario() -> None:
        bus = Bus(lambda: 0.0)
        with bus.subscribe("inbox", Event, session=MAIN) as inbox:
            bus.publish(silence(1, OTHER))
            bus.publish(StageReady(session=SYSTEM, stage="llm"))
            bus.publish(silence(2))
            first, second = await anext(inbox), await anext(inbox)
        assert isinstance(first, StageReady)
        assert isinstance(second, SilenceGrew)

    run(scenario())


def test_a_full_inbox_drops_and_counts_or_fails_its_reader_as_it_declared() -> None:
    async def scenario() -> None:
        bus = Bus(lambda: 0.0)
        with (
            bus.subscribe("lossy", SilenceGrew, size=2, overflow=Overflow.DROP_OLDEST) as lossy,
            bus.subscribe("strict", SilenceGrew, size=2) as strict,
        ):
            for ms in (1, 2, 3):
                bus.publish(silence(ms))
            assert lossy.dropped == 1
            kept = [await anext(lossy), await anext(lossy)]
            assert [e.silence_ms for e in kept if isinstance(e, SilenceGrew)] == [2, 3]
            with pytest.raises(BusOverflow, match="strict fell 2 events behind"):
                await anext(strict)

    run(scenario())


def test_a_reader_that_waits_is_woken_and_may_be_cancelled_without_losing_an_event() -> None:
    async def scenario() -> None:
        bus = Bus(lambda: 0.0)
        with bus.subscribe("inbox", SilenceGrew) as inbox:
            waiting = asyncio.ensure_future(anext(inbox))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            bus.publish(silence(5))
            event = await anext(inbox)
            assert isinstance(event, SilenceGrew)
            assert event.silence_ms == 5

    run(scenario())


def test_a_tap_runs_before_any_inbox_and_ends_with_its_block() -> None:
    async def scenario() -> None:
        bus = Bus(lambda: 0.0)
        taps: list[int] = []
        with bus.subscribe("inbox", VoiceStarted) as inbox:
            with bus.tap(VoiceStarted, lambda _: taps.append(1)):
                bus.publish(VoiceStarted(session=MAIN))
                assert taps == [1]
            bus.publish(VoiceStarted(session=MAIN))
            bus.publish(Settle(session=MAIN))
            await anext(inbox)
            await anext(inbox)
        assert taps == [1]

    run(scenario())
