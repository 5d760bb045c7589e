from __future__ import annotations

import numpy as np
import pytest

from assistant.engines.native.sampling import Sampling, sampling_of
from assistant.engines.native.speaking import Wish, audible_ms, shape, wish_of
from assistant.errors import EngineError, RequestError


def test_a_wish_has_defaults_and_the_usual_voice_of_its_language() -> None:
    assert wish_of({}) == Wish()
    assert wish_of({"language": "zh"}).fallback == "cmn"
    assert wish_of({"language": "de", "voice": {"engine": "piper", "model": "x"}}) == Wish(
        engine="piper", model="x", fallback="de"
    )
    assert wish_of({"voice": {"volume": 0, "speed": None}}).volume == 0.0


@pytest.mark.parametrize(
    ("voice", "told"),
    [
        ({"engine": "bark"}, "there are: piper, espeak"),
        ({"speed": 9}, "speed must be 0.3 to 4, got 9"),
        ({"volume": "loud"}, "volume must be"),
        ({"noise": True}, "noise must be"),
        ({"speaker": -1}, "speaker must be"),
        ("nova", "voice must be a table"),
    ],
)
def test_a_wrong_wish_says_what_is_wrong(voice: object, told: str) -> None:
    with pytest.raises(EngineError, match=told):
        wish_of({"voice": voice})


def test_gain_never_leaves_the_range() -> None:
    loud = shape(np.array([0.5, -0.9], np.float32), 2.0)
    assert loud.tolist() == [1.0, -1.0]
    assert loud.dtype == np.float32


def test_the_audible_end_is_before_the_silence() -> None:
    samples = np.zeros(1000, np.float32)
    assert audible_ms(samples, 1000) == 1000
    samples[199] = 0.5
    assert audible_ms(samples, 1000) == 200


def test_sampling_takes_defaults_for_what_is_missing() -> None:
    assert sampling_of({"temperature": 0, "seed": None}) == Sampling(temperature=0)


def test_every_wrong_sampling_value_is_named() -> None:
    with pytest.raises(RequestError, match=r"temperature: .*got 9.*top_z"):
        sampling_of({"temperature": 9, "top_z": 1})
