"""Figures of single parts: the bus, and what the ears understand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack

from assistant.bus import Bus, Inbox, Overflow
from assistant.clock import monotonic
from assistant.events import MAIN, SilenceGrew
from bench.figures import Figure
from integration.inside import EARS_ONLY, inside
from integration.recordings import spoken
from words import word_error_rate

INBOXES = 8
EVENTS = 50_000
BURST = 50
MODEL_WER = 2.9
"""Of the model on whole files, without our ear, %."""


def bus() -> Iterator[Figure]:
    """Publish to several readers that keep up; yield the best of three rates."""
    seconds = min(asyncio.run(_publish()) for _ in range(3))
    name = f"events published to {INBOXES} inboxes"
    yield Figure("bus", name, EVENTS / seconds, "1/s", 200_000, more_is_better=True)


def ears() -> Iterator[Figure]:
    """Let the ear and the transcriber hear all recordings; yield the word error rate."""
    with inside(EARS_ONLY) as host:
        pairs = [
            (recording.text, " ".join(turn.heard or "" for turn in host.hear(recording.path)))
            for recording in spoken()
        ]
    rate = 100 * word_error_rate(pairs)
    yield Figure("ears", f"words misheard, {len(pairs)} recordings", rate, "%", MODEL_WER + 2)


async def _publish() -> float:
    bus = Bus(monotonic)
    with ExitStack() as stack:
        inboxes = [
            stack.enter_context(
                bus.subscribe(f"reader {n}", SilenceGrew, size=4 * BURST, overflow=Overflow.FAIL)
            )
            for n in range(INBOXES)
        ]
        began_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for inbox in inboxes:
                group.create_task(_read(inbox))
            for number in range(EVENTS):
                bus.publish(SilenceGrew(session=MAIN, silence_ms=float(number)))
                if number % BURST == 0:
                    await asyncio.sleep(0)
        return time.perf_counter() - began_s


async def _read(inbox: Inbox) -> None:
    for _ in range(EVENTS):
        await anext(aiter(inbox))
