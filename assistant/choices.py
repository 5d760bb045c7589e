"""From the configuration to what really runs: persona, model files, options of each engine.

Raises everything that is wrong at once, before anything starts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from assistant.config import Config, EngineConfig
from assistant.engines import registry
from assistant.engines.lease import threads_for
from assistant.errors import AssistantError, ConfigError
from assistant.models.defaults import Defaults, default_models
from assistant.models.store import Store
from assistant.paths import Paths
from assistant.personas.persona import Persona
from assistant.personas.store import PersonaStore

KINDS = ("stt", "llm", "tts")
STORED = ("stt", "llm")
"""Kinds whose engine is given its one model; voices come with each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What this daemon runs with."""

    persona: Persona
    voice: Mapping[str, Any]
    """The persona's voice, as the engine is asked for it."""
    modules: Mapping[str, str]
    """stt, llm, tts → the module of the engine."""
    models: Mapping[str, str]
    """stt, llm → the model in words for people."""
    defaults: Defaults

    @property
    def voice_is_here(self) -> bool:
        """Whether the persona's own voice is on this machine."""
        return self.voice["engine"] != "piper" or self.voice["model"] in self.defaults.voices


class Chooser:
    """Resolves names against the catalogue, the personas and the installed engines."""

    def __init__(self, config: Config, paths: Paths, file: Path | None = None) -> None:
        """Choose what the configuration asks for.

        file: where it was read from, for the errors; None: the user's `lares.toml`.
        """
        self._file = file or paths.config_file
        self._config = config
        self._paths = paths
        self._store = Store(paths)
        self._defaults = default_models(paths, psutil.virtual_memory().total, store=self._store)

    def choose(self, persona: str | None = None) -> Choices:
        """Return what to run.

        persona: overrides the configuration. Raises ConfigError with all that is wrong.
        """
        wrong: list[str] = []
        found, modules = None, dict[str, str]()
        try:
            store = PersonaStore(self._paths.config / "personas")
            found = store.load(persona or self._config.session.persona)
        except AssistantError as error:
            wrong.append(str(error))
        for kind in KINDS:
            engine: EngineConfig = getattr(self._config, kind)
            where = f"{self._file}: {kind}"
            try:
                modules[kind] = registry.engine_module(engine.engine, f"{where}.engine")
                wrong += registry.check_options(engine.engine, self.options(kind), where)
            except AssistantError as error:
                wrong.append(str(error))
        wrong += self._wrong_stages()
        if wrong or found is None:
            raise ConfigError("\n".join(wrong))
        return Choices(
            persona=found,
            voice=self._voice(found),
            modules=modules,
            models={kind: self._model_name(kind) for kind in STORED},
            defaults=self._defaults,
        )

    def options(self, kind: str) -> dict[str, Any]:
        """Return the options of an engine, its model checked: called before every start.

        Raises ModelError when the model is missing or broken, ConfigError for an unknown engine.
        """
        engine: EngineConfig = getattr(self._config, kind)
        module = registry.engine_module(engine.engine, f"{kind}.engine")
        fields = registry.engine_options(module).model_fields
        options: dict[str, Any] = {}
        if "model" in fields and kind in STORED:
            options["model"] = str(self._store.resolve(kind, self._model_name(kind)).path)
        if "voices" in fields:
            options["voices"] = {name: str(path) for name, path in self._defaults.voices.items()}
        if "threads" in fields:
            options["threads"] = 1 if kind == "tts" else threads_for(os.cpu_count() or 1)
        if "language" in fields:
            options["language"] = self._config.session.language
        return {**options, **engine.options}

    def _wrong_stages(self) -> list[str]:
        wrong: list[str] = []
        for name in self._config.session.stages:
            try:
                stage = registry.find(registry.STAGES, name, f"{self._file}: session.stages").load()
            except ConfigError as error:
                wrong.append(str(error))
                continue
            if not hasattr(stage, "handle"):
                wrong.append(f"{self._file}: session.stages: {name!r} is a source, not a stage")
        return wrong

    def _model_name(self, kind: str) -> str:
        engine: EngineConfig = getattr(self._config, kind)
        if engine.model != "auto":
            return engine.model
        return self._defaults.stt if kind == "stt" else self._defaults.llm

    def _voice(self, persona: Persona) -> dict[str, Any]:
        voice = persona.voice.model_dump()
        if self._config.tts.model != "auto":
            voice |= {"engine": "piper", "model": self._config.tts.model}
        if voice["engine"] == "piper" and voice["model"].endswith(".onnx"):
            voice["model"] = str(self._store.resolve("voice", voice["model"]).path)
        return voice
