"""The project's files agree with one another."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("lock.txt", "dev.txt", "wake.txt", "build.txt", "llama.txt")


def requirement_name(text: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", text)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def locked(name: str) -> dict[str, str]:
    """Return name and requirement lines, hashes included, of one file of requirements/."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z])", text)
    return {requirement_name(block): block for block in blocks if block[:1].isalpha()}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_is_pinned_and_hashed(name: str) -> None:
    requirements = locked(name)
    assert requirements
    for block in requirements.values():
        assert re.match(r"[A-Za-z0-9_.-]+==\S+", block)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block)


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_no_place_but_the_index(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert not re.search(r"file:|https?:|--find-links|--extra-index|/(opt|home|Users|tmp)/", text)


def test_every_direct_dependency_is_locked() -> None:
    wanted = {requirement_name(text) for text in PROJECT["dependencies"]}
    assert wanted - {"llama-cpp-python"} <= set(locked("lock.txt"))
    assert set(locked("llama.txt")) == {"llama-cpp-python"}


def test_what_runs_is_what_was_tested() -> None:
    def pins(name: str) -> set[str]:
        return {block.split()[0] for block in locked(name).values()}

    assert pins("lock.txt") <= pins("dev.txt")


def test_every_dependency_tells_its_licence() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|dev) = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for part in lists for line in part.splitlines()]
    entries = [line for line in lines if line.startswith('"')]
    assert len(entries) >= 20
    licence = re.compile(r"# (?:MIT|L?GPL|MPL|BSD|Apache)-?")
    assert [line for line in entries if not licence.search(line)] == []


def test_gpl_and_lgpl_parts_are_named_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for name in ("piper-tts", "eSpeak NG", "soxr"):
        assert name in notice


def test_the_installed_command_and_the_project_agree() -> None:
    installed = metadata.distribution("lares-voice")
    assert installed.version == PROJECT["version"]
    told = {entry.name for entry in installed.entry_points if entry.group == "lares.engines"}
    assert told == set(PROJECT["entry-points"]["lares.engines"])


def test_every_stage_can_be_imported_by_its_entry_point() -> None:
    stages = PROJECT["entry-points"]["lares.stages"]
    for name, value in stages.items():
        entry = metadata.EntryPoint(name=name, value=value, group="lares.stages")
        assert isinstance(entry.load(), type)


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "exec make test"
    assert not [line for line in lines[:-1] if not line.startswith(("#!", "set ", "cd "))]
