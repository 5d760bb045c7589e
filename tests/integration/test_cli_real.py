"""The commands with the real engines of the embedded set, no devices."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audio import wav
from integration.engine_help import WAVS, model
from integration.lares import Lares

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def lares(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lares]:
    model("stt", "micro-whisper")
    data = Path(model("llm", "smollm2-135m")).parents[2]
    own = {name: value for name, value in os.environ.items() if not name.startswith("LARES_")}
    environment = {
        **own,
        "LARES_DATA_DIR": str(data),
        "LARES_AUDIO__MICROPHONE": "none",
        "LARES_AUDIO__LOUDSPEAKER": "none",
    }
    with Lares(tmp_path_factory.mktemp("real"), environment) as running:
        yield running


def test_it_says_that_these_ears_are_a_demonstration(lares: Lares) -> None:
    assert lares.errors().count("lares models pull people") == 1


def test_a_recording_is_understood_and_answered_with_speech(lares: Lares, tmp_path: Path) -> None:
    out = tmp_path / "reply.wav"
    asked = lares.command("ask", "--wav", str(WAVS / "clean-01.wav"), "--out", str(out), "--json")
    assert asked.returncode == 0, asked.stderr
    report = json.loads(asked.stdout)
    assert report["heard"] == "Set a timer for five minutes."
    assert report["reply"]
    assert report["ms"]["voice_to_voice"] > 0
    spoken = wav.read(out)
    assert spoken.duration_s > 0.5
    assert np.sqrt(np.mean(spoken.samples**2)) > 0.01


def test_silence_is_no_question(lares: Lares) -> None:
    asked = lares.command("ask", "--wav", str(WAVS / "silence-02.wav"))
    assert asked.returncode == 1
    assert "nothing was heard" in asked.stderr


@pytest.mark.parametrize("engine", ["stt", "llm", "tts", "audio"])
def test_a_killed_child_is_told_and_the_next_question_is_answered(
    lares: Lares, engine: str
) -> None:
    status = lares.status()
    pid = {**status["engines"], "audio": status["audio"]}[engine]["pid"]
    mark = lares.mark()
    os.kill(pid, signal.SIGKILL)
    lares.event("StageReady", mark, where=lambda told: told["stage"] == engine)
    assert lares.find("StageFailed", mark, lambda told: told["stage"] == engine)
    lares.wait(lambda: lares.status()["engines_ready"])
    asked = lares.command("ask", "--wav", str(WAVS / "clean-01.wav"), "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["reply"]


def test_what_the_engines_log_stays_off_the_terminal(lares: Lares) -> None:
    lines = lares.errors().splitlines()
    assert all(line.startswith("lares: ") for line in lines), lines
    logs = Path(lares.environment["LARES_STATE_DIR"]) / "log"
    assert {"stt.log", "llm.log", "tts.log", "audio.log"} <= {file.name for file in logs.iterdir()}
