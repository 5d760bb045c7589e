from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio import wav
from audio.ear import Ear, VoicePaused, VoiceResumed, VoiceStarted
from audio.resample import Blocks
from audio.vad import BLOCK, EnergyGate, GatedVad

FOLDER = Path(__file__).parents[2] / "fixtures" / "wav"
MANIFEST = [json.loads(line) for line in (FOLDER / "manifest.jsonl").read_text().splitlines()]
SPEECH = [entry for entry in MANIFEST if entry["text"]]
OTHER = [entry for entry in MANIFEST if not entry["text"]]


@dataclass
class Report:
    """What an ear said of one file; s of audio."""

    started: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    """Moments of the last voiced sample before each pause."""
    begins: list[float] = field(default_factory=list)
    """First sample of each reported utterance."""
    judged: float = 0.0
    """Share of the blocks that the judge heard."""


@cache
def listen(name: str) -> Report:
    sound = np.append(wav.read(FOLDER / name).samples, np.zeros(16_000, np.float32))
    vad, report, at = GatedVad(), Report(), 0
    ear = Ear(vad=vad)
    for block in Blocks(BLOCK).push(sound):
        at += BLOCK
        for fact in ear.push(block):
            match fact:
                case VoiceStarted():
                    report.started.append(at / 16_000)
                case VoiceResumed():
                    report.resumed.append(at / 16_000)
                case VoicePaused():
                    report.paused.append(at / 16_000 - fact.silence_ms / 1000)
                    report.begins.append((at - len(fact.clip.samples)) / 16_000)
    report.judged = vad.judged / (at // BLOCK)
    return report


@pytest.mark.parametrize("entry", SPEECH, ids=lambda entry: entry["file"])
def test_speech_is_one_utterance_with_its_whole_sound(entry: dict[str, Any]) -> None:
    report = listen(entry["file"])
    assert len(report.started) == 1
    assert report.started[0] - entry["speech_start"] < 0.5
    assert report.begins[0] <= entry["speech_start"]
    assert -0.05 <= report.paused[-1] - entry["speech_end"] <= 0.2


@pytest.mark.parametrize("entry", OTHER, ids=lambda entry: entry["file"])
def test_what_is_no_speech_opens_nothing(entry: dict[str, Any]) -> None:
    assert listen(entry["file"]).started == []


@pytest.mark.parametrize("entry", [e for e in SPEECH if "pause" in e], ids=lambda e: e["file"])
def test_a_pause_in_a_sentence_is_told_and_so_is_its_end(entry: dict[str, Any]) -> None:
    report, (start, end) = listen(entry["file"]), entry["pause"]
    assert any(abs(paused - start) < 0.15 for paused in report.paused)
    assert any(0.0 <= resumed - end < 0.25 for resumed in report.resumed)


def test_the_median_onset_is_told_within_a_fifth_of_a_second() -> None:
    lags = [listen(entry["file"]).started[0] - entry["speech_start"] for entry in SPEECH]
    assert np.median(lags) < 0.2


def test_the_judge_sleeps_in_silence_and_in_steady_noise() -> None:
    assert listen("silence-01.wav").judged == 0.0
    assert listen("silence-02.wav").judged == 0.0
    assert listen("noise_only-01.wav").judged < 0.1


def test_the_gate_opens_over_the_room_and_gets_used_to_a_fan() -> None:
    rng, gate = np.random.default_rng(1), EnergyGate()

    def opened(level: float, blocks: int) -> list[bool]:
        noise = rng.standard_normal((blocks, BLOCK)).astype(np.float32)
        return [gate.push(block * np.float32(level)) for block in noise]

    opened(0.0005, 100)
    assert not any(opened(0.0005, 50))
    assert all(opened(0.01, 30))
    opened(0.01, 70)
    assert not any(opened(0.01, 50))
