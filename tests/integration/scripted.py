"""A `lares` without devices whose engines follow a script: starts fast, computes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from integration.lares import COMMAND

ENGINES = {
    "LARES_AUDIO__MICROPHONE": "none",
    "LARES_AUDIO__LOUDSPEAKER": "none",
    "LARES_STT__ENGINE": "scripted-stt",
    "LARES_LLM__ENGINE": "scripted-llm",
    "LARES_TTS__ENGINE": "scripted-tts",
    "LARES_TTS__WORD_MS": "20",
}


def scripted(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a daemon that is alone in this folder."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LARES_")}
    return {**own, "LARES_DATA_DIR": str(tmp_path / "data"), **ENGINES}


def command(
    tmp_path: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in the same folders, where no daemon runs."""
    folders = {
        "LARES_STATE_DIR": str(tmp_path / "state"),
        "LARES_CONFIG_DIR": str(tmp_path / "config"),
    }
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**folders, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
