from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.clip import Clip, Samples
from audio.resample import Blocks, Resampler, resample, to_mono


def tone(rate: int, hz: float = 440.0, seconds: float = 1.0) -> Samples:
    time = np.arange(int(rate * seconds)) / rate
    return (np.sin(2 * np.pi * hz * time) / 2).astype(np.float32)


def loudest_hz(sound: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * rate / len(sound))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_pitch_length_and_loudness_from_any_rate(rate: int) -> None:
    out = resample(Clip(tone(rate), rate), 16_000)
    assert abs(out.duration_s - 1.0) < 0.002
    assert abs(loudest_hz(out.samples, 16_000) - 440.0) <= 1.0
    assert abs(np.abs(out.samples[2_000:-2_000]).max() - 0.5) < 0.01


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_stream_in_blocks_is_the_same_as_the_whole(rate: int) -> None:
    sound = tone(rate)
    stream = Resampler(rate, 16_000)
    parts = [stream.push(sound[at : at + 700]) for at in range(0, len(sound), 700)]
    parts.append(stream.push(np.zeros(0, np.float32), last=True))
    joined = np.concatenate(parts)
    assert abs(len(joined) - 16_000) <= 2
    assert np.abs(joined[100:15_900] - tone(16_000)[100:15_900]).max() < 0.01


def test_equal_rates_touch_nothing() -> None:
    block = tone(16_000)
    assert Resampler(16_000, 16_000).push(block) is block


def test_stereo_becomes_the_mean_of_both_sides() -> None:
    assert to_mono(np.array([[1.0, 0.0], [0.5, -0.5]], np.float32)).tolist() == [0.5, 0.0]


@given(st.lists(st.integers(0, 40), max_size=40), st.integers(1, 16))
def test_blocks_hold_every_sample_in_order(lengths: list[int], size: int) -> None:
    cutter = Blocks(size)
    sent: list[float] = []
    got: list[float] = []
    for length in lengths:
        part = np.arange(len(sent), len(sent) + length, dtype=np.float32)
        sent += part.tolist()
        for block in cutter.push(part):
            assert block.shape == (size,)
            got += block.tolist()
    assert got == sent[: len(sent) // size * size]
