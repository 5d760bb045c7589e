"""Hints name a command that runs from where the user stands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assistant.cli.problems import runnable

HINT = "run `lares models pull people`, or lares ask TEXT; /x/lares/run is a folder"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "here" / ".venv" / "bin" / "lares"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", "/nowhere")
    return path


def test_a_program_below_the_folder_is_named_from_it(program: Path) -> None:
    assert runnable(HINT) == (
        "run `.venv/bin/lares models pull people`, or .venv/bin/lares ask TEXT; "
        "/x/lares/run is a folder"
    )


def test_from_elsewhere_its_whole_path_is_named(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    whole = str(program).lstrip("/")
    assert f"`{whole} models" in runnable(HINT)


def test_a_program_on_the_path_is_named_as_it_is(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    assert runnable(HINT) == HINT


def test_another_program_leaves_hints_alone(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert runnable(HINT) == HINT
