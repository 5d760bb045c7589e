"""Software under the GPL is loaded in the tts process, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.lares import Lares

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc"),
]

UNDER_GPL = ("espeak", "piper")
"""Parts of the names of their libraries and packages."""
QUIET = {"LARES_AUDIO__MICROPHONE": "none", "LARES_AUDIO__LOUDSPEAKER": "none"}
IMPORTED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print("\\n".join(sys.modules))
"""


@pytest.fixture(scope="module")
def lares(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lares]:
    with Lares(tmp_path_factory.mktemp("lares"), {**os.environ, **QUIET}) as lares:
        said = lares.command("ask", "Who are you?")
        assert said.returncode == 0, said.stderr
        yield lares


def mapped(pid: int) -> set[str]:
    """Return the files under the GPL that a process has mapped into its memory."""
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    names = {line.split(maxsplit=5)[5] for line in lines if line.count("/")}
    return {name for name in names if any(part in Path(name).name for part in UNDER_GPL)}


def test_the_voices_are_loaded_where_they_speak(lares: Lares) -> None:
    pid = lares.status()["engines"]["tts"]["pid"]
    assert any("espeak" in name for name in mapped(pid))


@pytest.mark.parametrize("process", ["daemon", "audio", "stt", "llm"])
def test_no_other_process_has_them(lares: Lares, process: str) -> None:
    status = lares.status()
    pids = {"daemon": lares.pid, "audio": status["audio"]["pid"]}
    pids |= {kind: engine["pid"] for kind, engine in status["engines"].items()}
    assert mapped(pids[process]) == set()


@pytest.mark.parametrize(
    "modules",
    [
        ("assistant.daemon", "assistant.cli", "assistant.cli.run", "assistant.bridges.mqtt"),
        ("audio.worker", "audio.desk", "audio.portaudio", "audio.vad"),
    ],
    ids=["daemon", "audio"],
)
def test_nothing_of_them_is_imported(modules: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *modules],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    imported = done.stdout.split()
    assert modules[0] in imported
    assert [name for name in imported if name.split(".")[0].startswith(UNDER_GPL)] == []
