"""The engine of the README is installed and answers, word for word as it is printed there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def block(language: str, number: int) -> str:
    """Return the n-th fenced block of a language."""
    found = re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    text: str = found[number]
    return text


def test_the_engine_of_the_readme_answers(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "parrot.py").write_text(block("python", 0), encoding="utf-8")
    (source / "pyproject.toml").write_text(block("toml", 0), encoding="utf-8")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--target", str(target), str(source)], check=True)
    config = tmp_path / "config"
    config.mkdir()
    settings = block("toml", 1) + '[audio]\nmicrophone = "none"\nloudspeaker = "none"\n'
    (config / "lares.toml").write_text(settings, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(target),
        "LARES_CONFIG_DIR": str(config),
        "LARES_STATE_DIR": str(tmp_path / "state"),
        "LARES_STT__ENGINE": "scripted-stt",
    }
    asked = subprocess.run(
        [Path(sys.executable).with_name("lares"), "ask", "Good morning.", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["reply"] == "Good morning. Good morning."


def test_the_engine_has_at_most_sixty_lines() -> None:
    lines = block("python", 0) + block("toml", 0) + block("toml", 1)
    assert len([line for line in lines.splitlines() if line.strip()]) <= 60
