"""Where Lares keeps its files on this machine. Nothing is created here but by `private()`."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from assistant.errors import AssistantError

APP = "lares"


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one user. Any of them may not exist yet."""

    config: Path
    """`lares.toml` and the user's own personas. LARES_CONFIG_DIR."""

    state: Path
    """What Lares remembers between runs: history, the active model set. LARES_STATE_DIR."""

    cache: Path
    """What may be deleted at any time. LARES_CACHE_DIR."""

    data: Path
    """Model files, under `models/`. LARES_DATA_DIR."""

    log: Path
    """Log files: `log/` in the state folder where LARES_STATE_DIR is set."""

    runtime: Path
    """The control socket and the lock of the running daemon. LARES_RUNTIME_DIR.

    `run/` in the state folder where LARES_STATE_DIR is set or the system has no such folder.
    """

    @property
    def models(self) -> Path:
        """Folder of the model files, one folder a model."""
        return self.data / "models"

    @property
    def config_file(self) -> Path:
        """The user's `lares.toml`."""
        return self.config / "lares.toml"


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """Return the platform's folders, or those that the environment names instead."""

    def folder(variable: str, default: Path) -> Path:
        given = environ.get(variable)
        return Path(given).expanduser().absolute() if given else default

    dirs = platformdirs.PlatformDirs(APP, appauthor=False)
    state = folder("LARES_STATE_DIR", dirs.user_state_path)
    data = folder("LARES_DATA_DIR", dirs.user_data_path)
    cache = data / "cache" if environ.get("LARES_DATA_DIR") else dirs.user_cache_path
    return Paths(
        config=folder("LARES_CONFIG_DIR", dirs.user_config_path),
        state=state,
        cache=folder("LARES_CACHE_DIR", cache),
        data=data,
        log=state / "log" if environ.get("LARES_STATE_DIR") else dirs.user_log_path,
        runtime=folder("LARES_RUNTIME_DIR", _runtime(environ, dirs, state)),
    )


def _runtime(environ: Mapping[str, str], dirs: platformdirs.PlatformDirs, state: Path) -> Path:
    """A folder of this login where the system has one; never one that all users share."""
    if environ.get("LARES_STATE_DIR"):
        return state / "run"
    if sys.platform == "darwin":
        return dirs.user_runtime_path
    login = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return login / APP if login.is_dir() else state / "run"


def private(folder: Path) -> Path:
    """Make the folder, readable by this user alone, and return it.

    Raises AssistantError where it cannot be made, or belongs to somebody else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise AssistantError(f"{folder}: is not a folder; remove it")
        if found.st_uid != os.getuid():
            raise AssistantError(f"{folder}: belongs to user {found.st_uid}; remove it")
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise AssistantError(f"{folder}: {error.strerror}; make it writable") from error
    return folder
