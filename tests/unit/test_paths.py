from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import AssistantError
from assistant.paths import find_paths, private


def test_the_environment_moves_every_folder_and_nothing_is_made(tmp_path: Path) -> None:
    names = ("CONFIG", "STATE", "DATA", "RUNTIME", "CACHE")
    paths = find_paths({f"LARES_{name}_DIR": str(tmp_path / name) for name in names})
    assert paths.config_file == tmp_path / "CONFIG" / "lares.toml"
    assert paths.models == tmp_path / "DATA" / "models"
    assert (paths.runtime, paths.cache) == (tmp_path / "RUNTIME", tmp_path / "CACHE")
    assert (paths.state, paths.log) == (tmp_path / "STATE", tmp_path / "STATE" / "log")
    assert list(tmp_path.iterdir()) == []


def test_folders_that_are_not_named_go_along_with_those_that_are(tmp_path: Path) -> None:
    paths = find_paths({"LARES_STATE_DIR": str(tmp_path), "LARES_DATA_DIR": str(tmp_path)})
    assert {paths.runtime, paths.log, paths.cache} == {
        tmp_path / "run",
        tmp_path / "log",
        tmp_path / "cache",
    }


def test_the_platform_has_a_folder_for_each() -> None:
    paths = find_paths({})
    every = (paths.config, paths.state, paths.cache, paths.data, paths.log, paths.runtime)
    assert all(path.is_absolute() and "lares" in str(path) for path in every)


def test_a_private_folder_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    assert private(tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert private(tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_private_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AssistantError, match="make it writable"):
        private(tmp_path / "file" / "run")
