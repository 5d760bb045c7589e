from __future__ import annotations

import threading

from audio.clip import Samples
from audio.clock import next_due
from audio.mouth import Mouth
from audio.sinks import RATE, FileSink
from unit.audio.fake_devices import Clock


class Counted(Mouth):
    """Lets the machine sleep for an hour at its first block, and notes a rush of blocks."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(RATE)
        self.rush = threading.Event()
        self._clock = clock
        self._blocks = 0

    def render(self, count: int, at: int) -> Samples:
        self._blocks += 1
        if self._blocks == 1:
            self._clock.now += 3_600.0
        if self._blocks == 200:
            self.rush.set()
        return super().render(count, at)


def test_the_hour_that_the_machine_slept_is_not_rendered() -> None:
    clock = Clock()
    sink, mouth = FileSink(None, fast=False, clock=clock), Counted(clock)
    sink.attach(mouth, lambda facts: None)
    rushed = mouth.rush.wait(0.3)
    sink.detach(mouth)
    assert not rushed


def test_a_short_delay_is_made_up_for() -> None:
    assert next_due(10.0, 10.5) == 10.0
    assert next_due(10.0, 9.5) == 10.0
    assert next_due(10.0, 11.5) == 11.5
