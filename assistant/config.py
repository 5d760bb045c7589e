"""The user's configuration: typed, frozen, complete before anything starts.

Checked in two passes: this file against the tables below, then each engine's table against the
options of that engine (see engines.registry). All errors are told together.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import ConfigError

ENVIRONMENT = "LARES_"
FOLDERS = ("CONFIG_DIR", "STATE_DIR", "DATA_DIR", "CACHE_DIR", "RUNTIME_DIR", "MODEL_MIRRORS")
"""LARES_ variables that are not settings."""


class Section(BaseModel):
    """Base of every table in the file. Unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SessionConfig(Section):
    """How a conversation goes."""

    persona: str = "nova"
    """Id or name of the persona; `lares personas list` shows them."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    """Language of the conversation, ISO 639-1: pinned, never guessed, never translated."""

    microphone: Literal["open", "push"] = "open"
    """`open`: every voice is answered. `push`: only a voice after `lares listen` or MQTT listen."""

    pause_ms: Annotated[float, Field(ge=200, le=3000)] = 600.0
    """Silence that ends a turn, ms. Shorter answers sooner and cuts off more."""

    barge_in: bool = True
    """Whether a voice interrupts the assistant. Without headphones it may hear itself."""

    stages: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "transcribe",
        "respond",
        "prefill",
        "speak",
        "play",
    )
    """Stages of a conversation, by the names of their entry points (`lares.stages`)."""


class AudioConfig(Section):
    """Which devices are used."""

    microphone: str = "default"
    """Name of the device, `default` to follow the system's, or `none`."""

    loudspeaker: str = "default"
    """Name of the device, `default` to follow the system's, or `none`."""

    speech_threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability, 0..1, at which a block of sound counts as speech."""


class EngineConfig(BaseModel):
    """Which engine does this work. Its own options are the other keys of the table."""

    model_config = ConfigDict(extra="allow", frozen=True)

    engine: str
    """Name of an entry point of `lares.engines`."""

    model: str = "auto"
    """Id of a model in the catalogue, path of a file, or `auto`: the best set that is here."""

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are the engine's own."""
        return dict(self.model_extra or {})


class SttConfig(EngineConfig):
    """Speech to text."""

    engine: str = "whisper"


class LlmConfig(EngineConfig):
    """Text to text."""

    engine: str = "llama"


class TtsConfig(EngineConfig):
    """Text to speech. `model` overrides the voice of every persona."""

    engine: str = "piper"


class MqttConfig(Section):
    """The bridge to a broker; off while `host` is empty."""

    host: str = ""
    """Host name or address of the broker."""

    port: Annotated[int, Field(ge=1, le=65535)] = 1883

    username: str = ""

    password_file: Path | None = None
    """File that holds the password in its first line; also LARES_MQTT__PASSWORD_FILE."""

    tls: bool = False
    """Encrypt, and check the broker against the system's certificates."""

    node: Annotated[str, Field(pattern=r"^([a-z0-9_-]+)?$")] = ""
    """Name of this machine in topics; empty: its host name."""

    @property
    def enabled(self) -> bool:
        """Whether a broker is configured."""
        return bool(self.host)


class LogConfig(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "warning"


class Config(Section):
    """The whole file."""

    session: SessionConfig = SessionConfig()
    audio: AudioConfig = AudioConfig()
    stt: SttConfig = SttConfig()
    llm: LlmConfig = LlmConfig()
    tts: TtsConfig = TtsConfig()
    mqtt: MqttConfig = MqttConfig()
    log: LogConfig = LogConfig()


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file, lay the environment over it, check all of it.

    Without a file the defaults hold. Raises ConfigError with one line per wrong key.
    """
    text = _read(path)
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    origin = _overlay(table, environ)
    try:
        return Config.model_validate(table)
    except ValidationError as error:
        lines = [_explain(path, text, origin, item) for item in error.errors()]
        raise ConfigError("\n".join(lines)) from error


def set_persona(path: Path, persona: str) -> None:
    """Write the choice of persona into the file, leaving everything else as it stands.

    Raises ConfigError when the file is not TOML or cannot be written.
    """
    try:
        document = tomlkit.parse(_read(path))
        session = document.setdefault("session", tomlkit.table())
        if not isinstance(session, dict):
            raise ConfigError(f"{path}: session: is no table; write [session] in its place")
        session["persona"] = persona
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.resolve()
        new = target.with_suffix(".toml.new")
        new.write_text(tomlkit.dumps(document), encoding="utf-8")
        if target.exists():
            shutil.copymode(target, new)
        new.replace(target)
    except tomlkit.exceptions.TOMLKitError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; make it writable") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def _overlay(table: dict[str, Any], environ: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Lay LARES_SECTION__KEY over the table; return where each such key comes from."""
    origin: dict[tuple[str, ...], str] = {}
    for name, value in environ.items():
        key = name.removeprefix(ENVIRONMENT)
        if not name.startswith(ENVIRONMENT) or key in FOLDERS or "__" not in key:
            continue
        section, _, option = key.lower().partition("__")
        if not isinstance(table.setdefault(section, {}), dict):
            continue
        table[section] = {**table[section], option: _parsed(value)}
        origin[section, option] = name
        origin.setdefault((section,), name)
    return origin


def _parsed(value: str) -> Any:
    """Return the value as TOML reads it, or as the text it is."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _explain(
    path: Path,
    text: str,
    origin: Mapping[tuple[str, ...], str],
    item: Any,
) -> str:
    keys = tuple(str(part) for part in item["loc"])
    where = origin.get(keys) or f"{path}:{_line(text, keys)}"
    what = f"{where}: {'.'.join(keys)}: "
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], _known(keys[:-1]), n=1)
        return what + "unknown key" + (f"; did you mean {near[0]!r}?" if near else "")
    if item["type"] == "missing":
        return what + "is missing"
    return what + f"{item['msg'].lower()} (got {item['input']!r})"


def _known(section: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for name in section:
        annotation = model.model_fields[name].annotation if name in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _line(text: str, keys: tuple[str, ...]) -> int:
    """Return the number of the line that holds the key, or of its table, or 1."""
    section, best = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            section = header.group(1)
            if section == keys[0]:
                best = number
        elif key := re.match(r"\s*([\w.-]+|\"[^\"]+\")\s*=", line):
            dotted = f"{section}.{key.group(1)}".strip(".").replace('"', "")
            if dotted == ".".join(keys) or dotted == keys[0]:
                return number
    return best
