"""`lares check`: everything that is wrong, before it is missed."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil
import typer

from assistant.choices import Chooser
from assistant.cli.output import print_json
from assistant.client import socket_path
from assistant.config import Config, load
from assistant.errors import AssistantError
from assistant.models.defaults import default_models
from assistant.models.store import State, Store
from assistant.paths import Paths, find_paths
from assistant.personas.store import PersonaStore
from audio.devices import choose, list_devices
from audio.errors import AudioError

LOW_DISK_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check."""

    level: Literal["ok", "note", "error"]
    about: str
    text: str


def check_all(*, as_json: bool) -> None:
    """Print every finding; leave with status 1 if any is an error."""
    findings = list(_find(find_paths()))
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            typer.echo(f"{finding.level:<5} {finding.about:<9} {finding.text}")
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


def _find(paths: Paths) -> Iterator[Finding]:
    config: Config | None = None
    try:
        config = load(paths.config_file)
        here = "" if paths.config_file.exists() else " (not there: the defaults hold)"
        yield Finding("ok", "settings", f"{paths.config_file}{here}")
    except AssistantError as error:
        yield from _errors("settings", error)
    yield from _folders(paths)
    yield from _personas(paths)
    yield from _models(paths)
    if config is not None:
        yield from _choices(config, paths)
        yield from _devices(config)
    yield from _wake_words()


def _errors(about: str, error: Exception) -> Iterator[Finding]:
    for line in str(error).splitlines():
        yield Finding("error", about, line)


def _folders(paths: Paths) -> Iterator[Finding]:
    try:
        socket_path(paths)
    except AssistantError as error:
        yield from _errors("folders", error)
    for folder in (paths.config, paths.state, paths.data, paths.runtime):
        if fault := _not_writable(folder):
            yield Finding("error", "folders", fault)
    free = shutil.disk_usage(_nearest(paths.data)).free
    if free < LOW_DISK_BYTES:
        yield Finding("note", "folders", f"{paths.data}: only {free // 2**20} MB are free")


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _not_writable(folder: Path) -> str | None:
    import os

    existing = _nearest(folder)
    if not existing.is_dir():
        return f"{existing}: is not a folder; remove it"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"{existing}: cannot be written; make it writable"
    return None


def _personas(paths: Paths) -> Iterator[Finding]:
    entries = PersonaStore(paths.config / "personas").entries()
    for entry in entries:
        for finding in entry.findings:
            yield Finding("error", "personas", f"{entry.path}:{finding}")
    good = [entry.id for entry in entries if entry.persona]
    yield Finding("ok", "personas", ", ".join(good))


def _models(paths: Paths) -> Iterator[Finding]:
    store = Store(paths)
    defaults = default_models(paths, psutil.virtual_memory().total, store=store)
    if defaults.warning:
        yield Finding("note", "models", defaults.warning)
    for entry in store.catalogue.models:
        report = store.inspect(entry)
        if report.state is State.BROKEN:
            for line in report.faults:
                yield Finding("error", "models", f"{line}; {store.mend(entry)}")
    yield Finding("ok", "models", f"set {defaults.set_name}: {defaults.stt}, {defaults.llm}")


def _choices(config: Config, paths: Paths) -> Iterator[Finding]:
    try:
        choices = Chooser(config, paths).choose()
    except AssistantError as error:
        yield from _errors("engines", error)
        return
    engines = ", ".join(f"{kind} {getattr(config, kind).engine}" for kind in choices.modules)
    yield Finding("ok", "engines", f"{engines}; {choices.persona.called} answers")
    if config.tts.engine == "piper" and not choices.voice_is_here:
        text = f"{choices.voice['model']!r} is not here: eSpeak NG speaks instead"
        yield Finding("note", "voice", text)


def _devices(config: Config) -> Iterator[Finding]:
    wanted = (
        ("microphone", config.audio.microphone, False),
        ("loudspeaker", config.audio.loudspeaker, True),
    )
    if all(name == "none" for _, name, _ in wanted):
        yield Finding("note", "devices", "none are wanted: lares ask talks to it")
        return
    try:
        found = list_devices()
    except AudioError as error:
        yield Finding("error", "devices", str(error))
        return
    for kind, name, output in wanted:
        if name == "none":
            continue
        try:
            device = choose(found, None if name == "default" else name, output=output)
        except AudioError as error:
            level: Literal["note", "error"] = "note" if name == "default" else "error"
            yield Finding(level, "devices", str(error))
        else:
            yield Finding("ok", "devices", f"{kind}: {device.name}")


def _wake_words() -> Iterator[Finding]:
    if importlib.util.find_spec("pymicro_wakeword") is not None:
        yield Finding("ok", "wake", "wake words are available")
        return
    old_mac = sys.platform == "darwin" and int(platform.mac_ver()[0].split(".")[0] or 0) < 15
    why = "they need macOS 15" if old_mac else "pip install 'lares-voice[wake]' adds them"
    yield Finding("note", "wake", f"wake words are not available: {why}")
