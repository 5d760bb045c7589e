from __future__ import annotations

import threading

import numpy as np
import pytest

from audio.alarm import Alarm
from audio.clip import Clip, WordMark
from audio.errors import AudioError
from audio.loudspeaker import Loudspeaker
from audio.mouth import Mouth, Played, TakeEnded, TakeStarted, WordPlayed
from audio.pulse import Place
from audio.wire import Packet
from unit.audio.fake_devices import DEVICE, Clock, FakeBackend, FakeServer

RATE = DEVICE.rate
DELAY_S = 0.1


class Stand:
    """A loudspeaker, its lines, and what was told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.backend = FakeBackend()
        self.told: list[Packet] = []
        self.heard: list[Played] = []
        self.news = threading.Condition()
        self.server = FakeServer(Place("desk", monitor=False))
        alarm = Alarm(self._tell, None)
        self.speaker = Loudspeaker(self.backend, DEVICE, alarm, self.server, self.clock)

    def _tell(self, packet: Packet) -> None:
        with self.news:
            self.told.append(packet)
            self.news.notify()

    def faults(self, count: int) -> list[Packet]:
        with self.news:
            assert self.news.wait_for(lambda: len(self.told) >= count, timeout=5.0)
        return self.told

    def line(self) -> Mouth:
        mouth = Mouth(RATE)
        self.speaker.share()
        self.speaker.attach(mouth, self._hear)
        return mouth

    def _hear(self, facts: list[Played]) -> None:
        with self.news:
            self.heard += facts
            self.news.notify()

    def pull(self, ms: int) -> np.ndarray:
        """Let the device take so much sound in its own time."""
        fill, out = self.backend.fill, []
        assert fill is not None
        for _ in range(ms // 20):
            out.append(np.frombuffer(fill(RATE // 50, DELAY_S), np.int16))
            self.clock.now += 0.02
        self.speaker.wake()
        return np.concatenate(out)

    def wait(self, count: int) -> list[Played]:
        with self.news:
            assert self.news.wait_for(lambda: len(self.heard) >= count, timeout=5.0)
        return self.heard


def say(mouth: Mouth, take: int, ms: int, value: float) -> None:
    clip = Clip(np.full(RATE * ms // 1000, value, np.float32), RATE)
    mouth.play(take, take, 0, clip, [WordMark("word", 0.0, float(ms))])
    mouth.end(take)


def test_a_word_counts_as_heard_when_the_device_has_sounded_it() -> None:
    stand = Stand()
    say(stand.line(), 1, 40, 0.5)
    stand.pull(40)
    stand.speaker.wake()
    assert stand.heard == []
    stand.pull(80)
    assert stand.wait(1)[0] == TakeStarted(1, 1)
    stand.pull(60)
    assert stand.wait(3)[1:] == [WordPlayed(1, 1, 0, 0, 40.0), TakeEnded(1, 1, True, 0, 0, 40.0)]


def test_two_sessions_speak_one_after_the_other() -> None:
    stand = Stand()
    first, second = stand.line(), stand.line()
    say(first, 1, 60, 0.25)
    say(second, 1, 60, 0.5)
    out = stand.pull(200)
    quiet, loud = np.flatnonzero(out == 8_191), np.flatnonzero(out == 16_383)
    assert len(quiet) == len(loud) == RATE * 60 // 1000
    assert quiet.max() < loud.min()


def test_sound_that_the_server_moves_to_another_device_is_told_once() -> None:
    stand = Stand()
    stand.speaker.doubt()
    stand.server.place = Place("screen", monitor=False)
    stand.speaker.doubt()
    told = stand.faults(2)
    assert told[0].fields["code"] == "other_device"
    assert told[0].fields["text"] == "speaking through screen instead of desk"
    stand.speaker.detach(stand.line())


def test_a_device_that_cannot_be_opened_says_why() -> None:
    told: list[Packet] = []
    with pytest.raises(AudioError, match="busy"):
        Loudspeaker(FakeBackend(failures=1), DEVICE, Alarm(told.append, None), FakeServer())


def test_the_last_line_to_leave_closes_the_device() -> None:
    stand = Stand()
    first, second = stand.line(), stand.line()
    stand.speaker.detach(first)
    assert not stand.speaker.closed
    stand.speaker.detach(second)
    assert stand.speaker.closed
    assert stand.backend.streams[0].closing.wait(5.0)


def test_a_loudspeaker_closed_while_it_is_opened_again_leaves_no_stream_open() -> None:
    stand = Stand()
    line = stand.line()
    stand.backend.on_open = lambda: stand.speaker.detach(line)
    stand.clock.now += 2.0
    assert stand.faults(1)[0].fields["code"] == "loudspeaker_lost"
    assert stand.backend.streams[0].closing.wait(5.0)
    assert stand.backend.reopened.wait(5.0)
    assert stand.backend.streams[1].closing.wait(2.0)


def test_no_line_joins_a_loudspeaker_that_its_last_line_has_left() -> None:
    stand = Stand()
    stand.speaker.detach(stand.line())
    assert stand.speaker.share() is False
