from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.health import Freshness, Zeros

RATE = 1_000
BLOCK = 20


class Driver:
    """Delivers blocks of 20 ms to a check; time is counted here."""

    def __init__(self) -> None:
        self.check = Freshness(RATE)
        self.now = 100.0
        self.check.begin(BLOCK, self.now + 0.02)

    def deliver(self, blocks: int, every_s: float = 0.02) -> list[bool]:
        taken = []
        for _ in range(blocks):
            self.now += every_s
            taken.append(self.check.admit(BLOCK, self.now))
        return taken


def test_sound_in_time_is_taken() -> None:
    assert all(Driver().deliver(500))


def test_after_a_suspend_only_the_newest_sound_is_taken() -> None:
    driver = Driver()
    driver.deliver(100)
    driver.now += 4.0
    burst = driver.deliver(200, every_s=0.0005)
    refused = burst.index(True)
    assert not any(burst[:refused])
    assert all(burst[refused:])
    assert 180 <= refused <= 195
    assert all(driver.deliver(100))
    assert driver.check.take_refused_s() == pytest.approx(refused * 0.02)
    assert driver.check.take_refused_s() == 0.0


def test_a_reader_that_comes_late_to_its_first_block_knows_how_old_it_is() -> None:
    driver = Driver()
    driver.now += 4.0
    assert not any(driver.deliver(100, every_s=0.0005))


def test_when_the_driver_lost_the_past_the_present_is_heard_again_within_a_second() -> None:
    driver = Driver()
    driver.deliver(100)
    driver.now += 60.0
    assert all(driver.deliver(100)[50:])


def test_a_slow_reader_is_no_reason_to_refuse_while_it_keeps_up_within_a_second() -> None:
    driver = Driver()
    driver.deliver(100)
    driver.now += 0.9
    assert all(driver.deliver(45, every_s=0.0))


@given(st.floats(-300e-6, 300e-6))
def test_a_day_of_drifting_clocks_refuses_nothing(drift: float) -> None:
    check, now = Freshness(RATE), 0.0
    check.begin(0, now)
    for _ in range(4_320):
        now += 20.0 * (1.0 + drift)
        assert check.admit(RATE * 20, now)


@given(st.lists(st.floats(0.0, 0.2), min_size=1, max_size=200))
def test_jitter_is_not_age(late: list[float]) -> None:
    check = Freshness(RATE)
    check.begin(BLOCK, 0.0)
    assert all(check.admit(BLOCK, at * 0.02 + extra) for at, extra in enumerate(late))


def zeros(*blocks: int) -> list[bool]:
    watch = Zeros(RATE, after_s=3.0)
    told = []
    for value in blocks:
        watch.push(np.full(RATE, value, np.int16))
        told.append(watch.silent)
    return told


def test_three_seconds_of_exact_zeros_since_opening_are_noticed() -> None:
    assert zeros(0, 0, 0, 0) == [False, False, True, True]


def test_the_quietest_noise_is_not_silence() -> None:
    assert zeros(0, 1, 0, 0, 0, 0) == [False] * 6


def test_the_first_sound_ends_it_for_good() -> None:
    assert zeros(0, 0, 0, 5, 0, 0, 0, 0) == [False, False, True] + [False] * 5
