from __future__ import annotations

from dataclasses import replace

import pytest

from audio.devices import Device, choose
from audio.errors import AudioError

BUILT_IN = Device("MacBook Microphone", "Core Audio", 1, 0, 48_000, True, False)
YETI = Device("Blue Yeti", "Core Audio", 2, 2, 44_100, False, False)
SPEAKER = Device("MacBook Speakers", "Core Audio", 0, 2, 48_000, False, True)
ALL = [YETI, BUILT_IN, SPEAKER]


def test_the_default_of_each_direction_is_followed() -> None:
    assert choose(ALL, None, output=False) == BUILT_IN
    assert choose(ALL, None, output=True) == SPEAKER


def test_without_a_default_the_first_that_fits_is_taken() -> None:
    deaf = [SPEAKER, replace(BUILT_IN, default_input=False)]
    assert choose(deaf, None, output=False).name == BUILT_IN.name


def test_a_device_is_pinned_by_its_name() -> None:
    assert choose(ALL, "Blue Yeti", output=False) == YETI


def test_an_unknown_name_gets_the_nearest_and_all_others() -> None:
    with pytest.raises(AudioError) as told:
        choose(ALL, "Blue Yetty", output=False)
    assert "no microphone named 'Blue Yetty'; did you mean 'Blue Yeti'?" in str(told.value)
    assert "MacBook Microphone" in str(told.value)
    assert "Speakers" not in str(told.value)


def test_a_machine_without_the_direction_says_so() -> None:
    with pytest.raises(AudioError, match="this machine has no microphone"):
        choose([SPEAKER], None, output=False)
