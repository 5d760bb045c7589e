from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soxr

from audio import wav
from audio.clip import Clip
from integration.audio_child import ROOT, WAVS, AudioChild, tone

MANIFEST = [json.loads(line) for line in (WAVS / "manifest.jsonl").read_text().splitlines()]
NOTHING = {"kind": "null"}


def recording(name: str, pace: str = "fast") -> dict[str, str]:
    return {"kind": "file", "path": str(WAVS / name), "pace": pace}


def test_every_recording_is_heard_as_fast_as_it_can_be_read_and_answered() -> None:
    with AudioChild() as child:
        child.settle_after(1_600.0)
        for entry in MANIFEST:
            name = entry["file"]
            child.open(recording(name), {"kind": "null", "pace": "fast"}, line=name)
            child.wait("source_ended", line=name, within_s=20)
            child.send("close", line=name)
            child.wait("stats", line=name, closed=True)
            voices = [
                f.fields["state"]
                for f in child.facts
                if f.kind == "voice" and f.fields["line"] == name
            ]
            assert voices.count("started") == (1 if entry["text"] else 0), name
            assert voices.count("paused") == voices.count("resumed") + voices.count("started")


def test_silence_is_told_block_by_block_and_a_waiting_file_goes_no_further() -> None:
    with AudioChild() as child:
        child.open(recording("clean-01.wav"), NOTHING)
        pause = child.wait("voice", state="paused")
        assert pause.fields["silence_ms"] == 96.0
        assert len(pause.payload) / 4 / 16_000 == pytest.approx(2.144, abs=0.2)
        for silence_ms in (128.0, 160.0, 192.0):
            child.send("go")
            child.wait("silence", silence_ms=silence_ms)
        child.send("stop", turn=1, take=1)
        child.open(NOTHING, {"kind": "null", "pace": "fast"}, line="b")
        assert [f.fields["silence_ms"] for f in child.facts if f.kind == "silence"] == [
            128.0, 160.0, 192.0,
        ]  # fmt: skip


def test_a_settled_utterance_ends_the_source_after_the_next_go() -> None:
    with AudioChild() as child:
        child.open(recording("clean-07.wav"), NOTHING)
        child.wait("voice", state="paused")
        child.send("settle")
        child.send("go")
        child.wait("source_ended")


def test_what_is_played_fast_is_heard_at_once_and_stands_in_the_file(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with AudioChild() as child:
        child.open(NOTHING, {"kind": "file", "path": str(out), "pace": "fast"})
        child.play(tone(0.5), take=1)
        child.play(tone(0.5, 22_050), take=1, clause=1, rate=22_050)
        child.send("end", turn=1, take=1)
        ended = child.wait("ended").fields
        assert (ended["completed"], ended["clause"], ended["word"]) == (True, 1, 1)
        assert child.kinds()[1:] == ["opened", "playing", *["played"] * 4, "ended"]
        child.send("close")
        child.wait("stats", closed=True)
    assert wav.read(out).duration_s == pytest.approx(1.0, abs=0.002)


def test_at_the_pace_of_time_both_files_share_one_time_line(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with AudioChild() as child:
        child.settle_after(200.0)
        child.open(
            recording("clean-07.wav", "real"), {"kind": "file", "path": str(out), "pace": "real"}
        )
        opened = time.monotonic()
        child.wait("voice", state="started")
        assert 0.6 < time.monotonic() - opened < 1.3
        said_at = time.monotonic() - opened
        child.play(tone(0.4), take=1)
        child.send("end", turn=1, take=1)
        child.wait("ended")
        assert 0.35 < time.monotonic() - opened - said_at < 0.9
        child.wait("source_ended")
        child.send("close")
        child.wait("stats", closed=True)
    sound = wav.read(out)
    loud = np.flatnonzero(np.abs(sound.samples) > 0.05) / sound.rate
    assert abs(loud[0] - said_at) < 0.2
    assert loud[-1] - loud[0] == pytest.approx(0.4, abs=0.01)


def test_a_stop_silences_within_a_tick_and_nothing_follows(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with AudioChild() as child:
        child.open(NOTHING, {"kind": "file", "path": str(out), "pace": "real"})
        child.play(tone(2.0), take=1)
        child.play(tone(2.0), take=1, clause=1)
        child.wait("playing")
        child.send("stop", turn=1, take=1)
        ended = child.wait("ended").fields
        assert (ended["completed"], ended["clause"]) == (False, -1)
        assert ended["heard_ms"] < 200.0
        child.play(tone(0.5), take=1, clause=2)
        child.play(tone(0.1), take=2)
        child.send("end", turn=1, take=2)
        child.wait("ended", take=2)
        child.send("close")
        child.wait("stats", closed=True)
    sounding = np.count_nonzero(np.abs(wav.read(out).samples) > 0.01) / 16_000
    assert sounding < 0.4


def test_several_lines_keep_their_facts_apart() -> None:
    with AudioChild() as child:
        child.settle_after(300.0)
        for line, name in (
            ("a", "clean-01.wav"),
            ("b", "noise_only-01.wav"),
            ("c", "clean-02.wav"),
        ):
            child.send("open", line=line, source=recording(name), sink={"kind": "null"})
        for line in "abc":
            child.wait("source_ended", line=line, within_s=20)
        assert child.kinds("a") == child.kinds("c")
        assert "voice.started" not in child.kinds("b")


def test_a_48_khz_stereo_file_is_heard_like_the_original(tmp_path: Path) -> None:
    original = wav.read(WAVS / "clean-01.wav")
    wide = soxr.resample(original.samples, 16_000, 48_000)
    pcm = (np.stack([wide, wide], axis=1) * 32_767).astype("<i2")
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(pcm.tobytes())
    with AudioChild() as child:
        child.open({"kind": "file", "path": str(path), "pace": "fast"}, NOTHING)
        pause = child.wait("voice", state="paused")
    heard = Clip.from_bytes(pause.payload, pause.fields["rate"])
    assert heard.duration_s == pytest.approx(2.14, abs=0.3)


def test_a_bad_file_is_a_fault_and_the_line_goes_on_without_ears(tmp_path: Path) -> None:
    with AudioChild() as child:
        opened = child.open(
            {"kind": "file", "path": str(tmp_path / "no.wav"), "pace": "fast"},
            {"kind": "null", "pace": "fast"},
        )
        assert opened.fields["source"] is None
        assert "no.wav: cannot be read" in child.wait("fault", code="no_microphone").fields["text"]
        child.play(tone(0.1), take=1)
        child.wait("played")


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("dance", {}, "no such command"),
        ("play", {"rate": 0, "turn": 1, "take": 1, "clause": 0}, "rate"),
        ("play", {"rate": 16_000}, "take: expected int"),
        ("duck", {}, "gain_db: expected float, got None"),
        ("open", {"source": {}, "sink": {}}, "is open"),
    ],
)
def test_a_command_that_makes_no_sense_is_told_and_harms_nothing(
    kind: str, fields: dict[str, Any], says: str
) -> None:
    with AudioChild() as child:
        child.open(NOTHING, {"kind": "null", "pace": "fast"})
        child.send(kind, **fields)
        assert says in child.wait("fault", code="bad_command").fields["text"]
        child.send("stop", line="nobody", turn=1, take=1)
        child.wait("fault", line="nobody", code="bad_command")
        child.play(tone(0.1), take=1)
        child.wait("played")


def test_it_is_ready_at_once_and_leaves_when_its_input_ends(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with AudioChild() as child:
        child.wait("ready")
        assert time.monotonic() - child.started < 1.0
        child.open(NOTHING, {"kind": "file", "path": str(out), "pace": "real"})
        child.play(tone(5.0), take=1)
        child.wait("playing")
        assert child.end_input() < 1.0
        assert child.process.returncode == 0
    assert wav.read(out).duration_s > 0.0


def test_only_its_parent_decides_when_it_ends() -> None:
    with AudioChild() as child:
        child.wait("ready")
        child.process.send_signal(signal.SIGTERM)
        child.process.send_signal(signal.SIGINT)
        child.open(NOTHING, {"kind": "null", "pace": "fast"})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's life")
def test_it_dies_with_a_parent_that_was_killed() -> None:
    code = (
        "import subprocess, sys, time; "
        "c = subprocess.Popen([sys.executable, '-P', '-m', 'audio.worker'], stdin=subprocess.PIPE);"
        "print(c.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert b'"ready"' in parent.stdout.readline()
        parent.kill()
        child.wait(timeout=5)
