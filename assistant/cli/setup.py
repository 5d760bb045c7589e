"""From the files of this user to a daemon that could start."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.choices import Choices, Chooser
from assistant.config import Config, load
from assistant.daemon import Daemon
from assistant.errors import ConfigError
from assistant.models.defaults import EMBEDDED
from assistant.paths import Paths, find_paths, private


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that was chosen."""

    paths: Paths
    config: Config
    chooser: Chooser
    choices: Choices

    def daemon(self) -> Daemon:
        """Return a daemon whose child processes write to the log folder."""
        return Daemon(self.config, self.chooser, self.choices, logs=private(self.paths.log))

    def notices(self) -> Iterator[str]:
        """Yield what people should know of the models and the voice before they speak."""
        config, choices = self.config, self.choices
        if choices.defaults.warning:
            yield choices.defaults.warning
        if (
            config.stt.engine == "whisper"
            and config.stt.model == "auto"
            and choices.defaults.set_name == EMBEDDED
        ):
            yield (
                "These ears know only a few hundred words of a synthetic voice: a demonstration. "
                "For people: lares models pull people"
            )
        voice = choices.voice
        if (
            config.tts.engine == "piper"
            and not choices.voice_is_here
            and not Path(voice["model"]).is_file()
        ):
            instead = voice.get("fallback") or "of the language"
            yield (
                f"{choices.persona.called}'s voice {voice['model']!r} is not here: "
                f"the eSpeak NG voice {instead} speaks instead"
            )


def prepare(persona: str | None = None, file: Path | None = None) -> Prepared:
    """Read the configuration and choose. Raises ConfigError with all that is wrong."""
    paths = find_paths()
    if file is not None and not file.is_file():
        raise ConfigError(f"{file}: no such file; name a lares.toml")
    config = load(file or paths.config_file)
    set_up_logging(config.log.level)
    chooser = Chooser(config, paths, file)
    return Prepared(paths=paths, config=config, chooser=chooser, choices=chooser.choose(persona))


def set_up_logging(level: str) -> None:
    """Write the log to standard error; tracebacks only at the level debug.

    Crashes of parts are told as events; the supervisor's own lines come at debug.
    """
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(name)s: %(message)s")
    if level == "debug":
        return
    logging.getLogger("assistant.supervisor").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Brief("%(levelname)s %(name)s: %(message)s"))


class _Brief(logging.Formatter):
    """Leaves tracebacks out."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = None
        return super().format(record)
