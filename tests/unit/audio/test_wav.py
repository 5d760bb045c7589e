from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio import wav
from audio.clip import Clip, Samples
from audio.errors import AudioError

RATE = 16_000
RAMP = np.linspace(-0.9, 0.9, 800)


def riff(kind: int, bits: int, data: bytes, channels: int = 1, rate: int = RATE) -> bytes:
    width = bits // 8 * channels
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * width, width, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"LIST\x03\x00\x00\x00abc\x00data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pcm24(values: np.ndarray) -> bytes:
    ints = (values * 8_388_607).astype("<i4")
    return b"".join(int(i).to_bytes(3, "little", signed=True) for i in ints)


@pytest.mark.parametrize(
    ("kind", "bits", "data", "error"),
    [
        (1, 8, ((RAMP * 128) + 128).astype(np.uint8).tobytes(), 0.01),
        (1, 16, (RAMP * 32_767).astype("<i2").tobytes(), 1e-4),
        (1, 24, pcm24(RAMP), 1e-6),
        (1, 32, (RAMP * 2_147_483_647).astype("<i4").tobytes(), 1e-6),
        (3, 32, RAMP.astype("<f4").tobytes(), 1e-6),
        (3, 64, RAMP.astype("<f8").tobytes(), 1e-6),
    ],
)
def test_every_usual_format_is_read(
    tmp_path: Path, kind: int, bits: int, data: bytes, error: float
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(kind, bits, data))
    clip = wav.read(path)
    assert clip.rate == RATE
    assert np.abs(clip.samples - RAMP).max() <= error


def test_stereo_at_48_khz_becomes_mono_at_16_khz(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    both = np.stack([np.full(48_000, 8_000), np.full(48_000, 4_000)], axis=1).astype("<i2")
    path.write_bytes(riff(1, 16, both.tobytes(), channels=2, rate=48_000))
    clip = wav.read(path)
    assert len(clip.samples) == RATE
    assert clip.samples[8_000] == pytest.approx(6_000 / 32_768, abs=1e-3)


def test_wild_floats_are_clamped(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(3, 32, np.array([np.nan, np.inf, -1e30, 0.5], "<f4").tobytes()))
    assert wav.read(path).samples.tolist() == [0.0, 1.0, -1.0, 0.5]


@given(st.lists(st.integers(-32_767, 32_767), min_size=1, max_size=200), st.sampled_from([RATE]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[int], rate: int
) -> None:
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    samples = (np.array(values) / 32_768).astype(np.float32)
    wav.write(path, Clip(samples, rate))
    assert np.abs(wav.read(path, rate).samples - samples).max() <= 1e-4
    with wave.open(str(path)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, rate)
        assert read.getnframes() == len(values)


GOOD = riff(1, 16, bytes(2_000))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (b"\xff\xfb" * 500, "not a wav file.*ffmpeg"),
        (GOOD[:30], "cut off"),
        (GOOD[:1_000], "cut off: .* bytes of sound missing"),
        (riff(1, 16, b""), "holds no sound"),
        (riff(2, 4, bytes(100)), "format 2 with 4 bits is not supported"),
        (riff(1, 16, bytes(2 * 1_000 * 601), rate=1_000), "longer than 10 minutes"),
        (b"RIFF\x04\x00\x00\x00WAVEdata\x02\x00\x00\x00ab", "sound comes before its format"),
        (riff(1, 16, bytes(100), channels=0), "0 channels"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    with pytest.raises(AudioError, match=says) as told:
        wav.read(path)
    assert str(path) in str(told.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"nowhere\.wav: cannot be read: No such file"):
        wav.read(tmp_path / "nowhere.wav")


@given(st.binary(max_size=200), st.integers(0, 60))
def test_garbage_is_an_error_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    path.write_bytes(GOOD[:at] + noise + GOOD[at + len(noise) :])
    try:
        samples = wav.read(path).samples
    except AudioError:
        return
    assert len(samples) > 0
    assert np.isfinite(samples).all()


def test_a_folder_that_is_not_there_leaves_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot be written: No such file"):
        wav.write(tmp_path / "no" / "a.wav", Clip(np.zeros(10, np.float32), RATE))


def test_a_file_appears_only_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = wav.Writer(path, RATE)
    writer.append(np.zeros(100, np.float32))
    assert not path.exists()
    writer.close()
    assert [found.name for found in tmp_path.iterdir()] == ["a.wav"]


class Endless:
    """So much sound that only its length can be asked."""

    def __len__(self) -> int:
        return 2**31


def test_a_file_that_would_outgrow_its_format_is_refused_and_what_it_holds_is_kept(
    tmp_path: Path,
) -> None:
    writer = wav.Writer(tmp_path / "long.wav", RATE)
    writer.append(RAMP.astype(np.float32))
    with pytest.raises(AudioError, match=r"long\.wav: full: .* 4 GiB"):
        writer.append(cast(Samples, Endless()))
    writer.close()
    assert wav.read(tmp_path / "long.wav").samples.shape == RAMP.shape


def test_a_file_that_is_given_up_leaves_nothing_behind(tmp_path: Path) -> None:
    writer = wav.Writer(tmp_path / "half.wav", 16_000)
    writer.append(np.zeros(1_000, np.float32))
    writer.discard()
    assert list(tmp_path.iterdir()) == []
