"""Setup says what is wrong and what to do, and builds nothing twice."""

from __future__ import annotations

import ast
import platform
import sys
from pathlib import Path

import pytest

from scripts.lock import FOLDER, requirements_for
from scripts.setup import llama
from scripts.setup.environment import refusal, usable
from scripts.setup.system import COMPILER, PORTAUDIO, Need, install_hint, provide
from scripts.setup.terminal import SetupError, explain, telling_line

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "setup"
LINUX = {"sys_platform": "linux", "platform_release": "6.1.0-18-amd64"}
MACOS_14 = {"sys_platform": "darwin", "platform_release": "23.6.0"}
MACOS_15 = {"sys_platform": "darwin", "platform_release": "24.1.0"}


@pytest.mark.parametrize("file", sorted(SCRIPTS.glob("*.py")), ids=lambda file: file.name)
def test_an_old_python_can_read_setup_and_be_told_so(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))
    futures = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert futures[0] == "__future__"


def test_a_python_too_old_is_offered_uv_in_one_line() -> None:
    line = refusal((3, 9), translated=False)
    assert "3.11" in line
    assert "3.9" in line
    assert "astral.sh/uv" in line
    assert "\n" not in line


def test_an_intel_python_on_apple_silicon_is_named_in_one_line() -> None:
    line = refusal((3, 12), translated=True)
    assert "Rosetta" in line
    assert "brew install" in line
    assert "\n" not in line


def test_an_environment_is_usable_only_with_the_python_it_was_made_with(tmp_path: Path) -> None:
    assert not usable(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    packages = tmp_path / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    older = tmp_path / "lib" / "python3.9"
    older.mkdir(parents=True)
    assert not usable(tmp_path)
    packages.mkdir()
    assert usable(tmp_path)


@pytest.mark.parametrize(
    "output",
    [
        "WARNING: Retrying\nERROR: Failed to establish a new connection: [Errno 111]",
        "error: Failed to fetch: `https://pypi.org/simple/soxr/`\n  Caused by: dns error",
        "Temporary failure in name resolution",
    ],
)
def test_no_network_is_one_clear_line(output: str) -> None:
    line = explain("installing requirements/lock.txt", 1, output)
    assert "package server cannot be reached" in line
    assert "\n" not in line


def test_a_failed_build_is_told_by_its_own_error_not_by_pips() -> None:
    output = (
        "  Building wheel (pyproject.toml): finished with status 'error'\n"
        "  error: subprocess-exited-with-error\n"
        "      CMake Error in ggml/CMakeLists.txt:\n"
        "        no GPU was detected.\n"
        "ERROR: Failed to build one or more wheels\n"
    )
    assert telling_line(output) == "CMake Error in ggml/CMakeLists.txt: no GPU was detected."


def test_output_without_an_error_is_told_by_its_last_line() -> None:
    assert telling_line("one\n\ntwo\n\n") == "two"
    assert telling_line("") == "no output"


def test_a_need_that_nothing_works_without_stops_setup_with_the_command() -> None:
    missing = COMPILER._replace(present=lambda: False)
    with pytest.raises(SetupError, match=r"missing: a C\+\+ compiler; to get it: \S+"):
        provide([missing], as_root=False)


def test_a_need_that_some_things_work_without_is_told_and_setup_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    provide([PORTAUDIO._replace(present=lambda: False)], as_root=False)
    told = capsys.readouterr().out
    assert "missing: PortAudio" in told
    assert "over MQTT work" in told
    assert told.count("\n") == 1


def test_nothing_is_said_when_nothing_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    provide([Need("a thing", lambda: True, {})], as_root=False)
    assert capsys.readouterr().out == ""


def test_hints_are_commands_of_the_platform() -> None:
    assert install_hint("apt-get", ["cmake", "g++"]) == "sudo apt-get install cmake g++"
    assert install_hint("pacman", ["portaudio"]) == "sudo pacman -S portaudio"
    assert install_hint("brew", [], compiler=True) == "xcode-select --install"
    assert install_hint("brew", ["cmake"]) == "brew install cmake"


def test_the_llama_wheel_is_keyed_by_its_cmake_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    plain = llama.key()
    assert llama.key() == plain
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_NATIVE=OFF")
    assert llama.key() != plain
    assert llama.options()[-1] == "-DGGML_NATIVE=OFF"


def test_the_llama_wheel_is_found_again_in_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert llama.wheel() is None
    llama.folder().mkdir(parents=True)
    file = llama.folder() / f"llama_cpp_python-0.3.36-py3-none-linux_{platform.machine()}.whl"
    file.touch()
    assert llama.wheel() == file


@pytest.mark.parametrize(
    ("environment", "wanted"), [(LINUX, True), (MACOS_14, False), (MACOS_15, True)]
)
def test_wake_words_are_left_out_where_they_have_no_wheel(
    environment: dict[str, str], wanted: bool
) -> None:
    facts = {"python_full_version": "3.11.0", "implementation_name": "cpython", **environment}
    text = (FOLDER / "wake.txt").read_text(encoding="utf-8")
    names = [block.split("==")[0] for block in requirements_for(text, facts)]
    assert ("pymicro-wakeword" in names) is wanted


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
def test_a_lock_with_two_versions_of_a_library_gives_each_python_one(python: str) -> None:
    text = (FOLDER / "lock.txt").read_text(encoding="utf-8")
    facts = {"python_full_version": python, "implementation_name": "cpython", **LINUX}
    names = [block.split("==")[0] for block in requirements_for(text, facts)]
    assert names.count("numpy") == 1
    assert "colorama" not in names
