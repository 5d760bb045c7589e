from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from audio.alarm import Alarm
from audio.clip import Samples
from audio.errors import AudioError
from audio.microphone import Microphone
from audio.pulse import Place
from audio.wire import Packet
from unit.audio.fake_devices import DEVICE, SAMPLES, Clock, FakeBackend, FakeServer

MIC = Place("mic", monitor=False)
MONITOR = Place("speaker.monitor", monitor=True)


def sound(value: int, blocks: int = 1) -> list[bytes]:
    return [np.full(SAMPLES, value, np.int16).tobytes()] * blocks


class Desk:
    """A microphone on a table, and what was told about it."""

    def __init__(self, backend: FakeBackend, server: FakeServer, clock: Clock) -> None:
        self.told: list[Packet] = []
        self.forgotten = 0
        self.on_fault: Callable[[], None] = lambda: None
        self.backend, self.server, self.clock = backend, server, clock
        alarm = Alarm(self._tell, "main")
        self.mic = Microphone(backend, DEVICE, alarm, server, self._forget, clock)
        self.stream: Iterator[Samples] = self.mic.blocks()

    def _tell(self, packet: Packet) -> None:
        self.told.append(packet)
        if packet.kind == "fault":
            self.on_fault()

    def plug_in(self) -> None:
        self.backend.first = sound(2_000, 2)
        self.server.place, self.server.others = MIC, True
        self.mic.doubt()

    def _forget(self) -> None:
        self.forgotten += 1

    def deliver(self, *blocks: bytes) -> None:
        assert self.backend.block is not None
        for block in blocks:
            self.backend.block(block)

    @property
    def codes(self) -> list[tuple[str, str]]:
        return [(packet.kind, packet.fields["code"]) for packet in self.told]


def desk(
    first: list[bytes], place: Place | None = None, clock: Clock | None = None, failures: int = 0
) -> Desk:
    backend = FakeBackend(first=first, failures=failures)
    return Desk(backend, FakeServer(place), clock or Clock())


def test_two_device_blocks_make_one_block_for_the_ear() -> None:
    block = next(desk(sound(16_384, 2)).stream)
    assert block.shape == (512,)
    assert np.all(block == 0.5)


def test_a_device_that_cannot_be_opened_says_why() -> None:
    with pytest.raises(AudioError, match="busy"):
        desk(sound(1), failures=1)


def test_the_monitor_of_the_loudspeaker_is_no_microphone() -> None:
    with pytest.raises(AudioError, match="no microphone"):
        desk(sound(1), place=MONITOR)


def test_nothing_is_heard_once_the_server_records_the_loudspeaker_instead() -> None:
    table = desk(sound(1_000, 2), place=MIC)
    next(table.stream)
    table.server.place = MONITOR
    table.mic.doubt()
    table.deliver(*sound(9_000, 10))
    table.on_fault = table.plug_in
    assert np.all(next(table.stream) == np.float32(2_000 / 32_768))
    assert table.codes == [("fault", "microphone_lost"), ("recovered", "microphone_lost")]
    assert table.forgotten == 1


def test_another_microphone_is_told_and_heard() -> None:
    table = desk(sound(1_000, 2), place=MIC)
    next(table.stream)
    table.server.place = Place("headset", monitor=False)
    table.mic.doubt()
    table.deliver(*sound(3_000, 2))
    assert np.all(next(table.stream) == np.float32(3_000 / 32_768))
    assert table.codes == [("fault", "other_device"), ("recovered", "other_device")]


def test_a_microphone_that_falls_silent_is_told_abandoned_and_opened_again() -> None:
    table = desk(sound(1_000, 2))
    next(table.stream)
    table.backend.first = sound(2_000, 2)
    table.clock.step_s = 0.3
    table.on_fault = table.clock.stand_still
    assert np.all(next(table.stream) == np.float32(2_000 / 32_768))
    assert table.codes == [("fault", "microphone_lost"), ("recovered", "microphone_lost")]
    assert table.backend.opened == 2
    assert table.backend.streams[0].closing.wait(5.0)


def test_sound_from_before_a_sleep_is_dropped_counted_and_told() -> None:
    table = desk(sound(1_000, 2))
    next(table.stream)
    table.clock.now += 4.0
    table.deliver(*sound(9_000, 60))
    for _ in range(200):
        table.deliver(*sound(2_000))
    blocks = [next(table.stream) for _ in range(2)]
    assert all(np.all(block == np.float32(2_000 / 32_768)) for block in blocks)
    assert ("fault", "backlog_dropped") in table.codes
    assert table.forgotten == 1
    assert table.mic.stats()["dropped_ms"] > 3_000  # type: ignore[operator]


def test_exact_zeros_for_three_seconds_are_told_once_and_end_with_the_first_sound() -> None:
    table = desk(sound(0, 2), clock=Clock(step_s=0.001))
    for _ in range(120):
        next(table.stream)
        table.clock.now += 0.03
        table.deliver(*sound(0, 2))
    assert table.codes == [("fault", "microphone_silent")]
    next(table.stream)
    table.deliver(*sound(1, 2))
    next(table.stream)
    assert table.codes[1:] == [("recovered", "microphone_silent")]


def test_a_closed_microphone_ends_its_stream_though_the_device_hangs() -> None:
    table = desk(sound(1_000, 2))
    next(table.stream)
    table.mic.close()
    assert next(table.stream, None) is None


def test_a_microphone_closed_while_it_is_opened_again_leaves_no_stream_open() -> None:
    table = desk(sound(1_000, 2))
    next(table.stream)
    table.clock.step_s = 0.3
    table.on_fault = table.clock.stand_still
    table.backend.on_open = table.mic.close
    assert next(table.stream, None) is None
    assert table.backend.opened == 2
    assert all(stream.closing.wait(2.0) for stream in table.backend.streams)


def test_blocks_dropped_before_it_was_opened_again_stay_counted() -> None:
    table = desk(sound(1_000, 2))
    table.deliver(*sound(1_000, 223))
    for _ in range(62):
        next(table.stream)
    table.backend.first = sound(2_000, 2)
    table.clock.step_s = 0.3
    table.on_fault = table.clock.stand_still
    assert np.all(next(table.stream) == np.float32(2_000 / 32_768))
    assert table.mic.stats()["dropped_blocks"] == 100
