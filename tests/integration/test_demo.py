"""`make demo`, as a person runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from integration.pulse import missing

ROOT = Path(__file__).parents[2]
WITHIN_S = 90.0
TURNS = 6


def demo(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo.py")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


@pytest.mark.engines
@pytest.mark.room
@pytest.mark.skipif(bool(missing()), reason=f"a room needs {missing()}")
def test_the_demonstration_holds_a_conversation_and_records_both_sides() -> None:
    sound = ROOT / "build" / "demo.wav"
    sound.unlink(missing_ok=True)
    done = demo({**os.environ, "COLUMNS": "160"})
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^│ +(\d+) +│.*?(\d\.\d\d) s +│$", done.stdout, re.MULTILINE)
    assert [int(turn) for turn, _ in rows] == list(range(1, TURNS + 1))
    with wave.open(str(sound)) as file:
        assert file.getnchannels() == 2
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    user, assistant = np.abs(both.astype(np.int32)).max(axis=0)
    assert user > 3000
    assert assistant > 3000


def test_without_pulseaudio_it_says_how_to_get_it() -> None:
    done = demo({**os.environ, "PATH": ""})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "pulseaudio" in line
    assert "install" in line
