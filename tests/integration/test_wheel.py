"""The built wheel, installed into a fresh environment, is the whole assistant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assistant.personas.store import shipped_folder

ROOT = Path(__file__).resolve().parents[2]
NATIVE = {"espeakng_loader", "llama_cpp", "onnxruntime", "piper", "pywhispercpp"}

PERSONAS = """
import json
from pathlib import Path
from assistant.personas.store import PersonaStore, shipped_folder
entries = PersonaStore(Path("nowhere")).entries()
print(json.dumps({"folder": str(shipped_folder()),
                  "whole": [entry.id for entry in entries if entry.persona]}))
"""
MODELS = """
import json
from assistant.models.catalogue import PackageSource
from assistant.models.store import Store
from assistant.paths import find_paths
store = Store(find_paths())
ours = [entry for entry in store.catalogue.models if isinstance(entry.source, PackageSource)]
print(json.dumps({entry.id: [str(store.folder(entry)), store.inspect(entry).state]
                  for entry in ours}))
"""
ENGINES = """
import json, sys
from importlib import import_module, metadata
modules = {entry.name: import_module(entry.value)
           for entry in metadata.distribution("lares-voice").entry_points
           if entry.group == "lares.engines"}
print(json.dumps({
    "complete": [name for name, module in modules.items()
                 if hasattr(module, "Options") and hasattr(module, "load")],
    "all": list(modules), "loaded": sorted(sys.modules),
    "files": [module.__file__ for module in modules.values()]}))
"""


class Installed(NamedTuple):
    """A virtual environment with the wheel in it, and this one's libraries behind it."""

    wheel: Path
    folder: Path
    env: dict[str, str]

    def run(self, command: list[str]) -> str:
        told = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr
        return told.stdout

    def ask(self, code: str) -> Any:
        return json.loads(self.run([str(self.folder / "bin" / "python"), "-P", "-c", code]))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    dist = tmp_path_factory.mktemp("dist")
    folder = tmp_path_factory.mktemp("venv")
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(ROOT)]
    subprocess.run([sys.executable, *build], check=True, capture_output=True)
    wheel = next(dist.glob("lares_voice-*.whl"))
    make = ["-m", "venv", "--without-pip", str(folder)]
    subprocess.run([sys.executable, *make], check=True, capture_output=True)
    libraries = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    # A folder that a .pth file names is searched, its own .pth files are not read: the libraries
    # are found there, this checkout is not.
    (Path(libraries) / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = ["-m", "pip", "--python", str(folder), "install", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, *install, str(wheel)], check=True, capture_output=True)
    ours = ("LARES_", "PYTHON", "XDG_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return Installed(wheel, folder, {**env, "HOME": str(folder)})


def test_the_wheel_holds_our_two_packages_and_nothing_else(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"assistant", "audio"}


def test_the_shipped_personas_are_found_in_the_wheel_and_in_the_checkout(
    installed: Installed,
) -> None:
    told = installed.ask(PERSONAS)
    assert told["folder"].startswith(str(installed.folder))
    assert shipped_folder() == ROOT / "personas"
    assert len(told["whole"]) >= 2
    assert sorted(told["whole"]) == sorted(file.stem for file in shipped_folder().glob("*.yaml"))


def test_the_embedded_models_come_whole(installed: Installed) -> None:
    told = installed.ask(MODELS)
    assert set(told) == {"micro-whisper", "micro-piper"}
    for folder, state in told.values():
        assert folder.startswith(str(installed.folder))
        assert state == "present"


def test_reading_an_engines_options_loads_no_native_library(installed: Installed) -> None:
    told = installed.ask(ENGINES)
    assert {"whisper", "llama", "piper", "espeak"} <= set(told["all"])
    assert sorted(told["complete"]) == sorted(told["all"])
    assert all(file.startswith(str(installed.folder)) for file in told["files"])
    assert NATIVE & set(told["loaded"]) == set()


def test_the_command_starts(installed: Installed) -> None:
    told = installed.run([str(installed.folder / "bin" / "lares"), "--help"])
    for command in ("run", "ask", "say", "status"):
        assert command in told
