"""Where model files lie, what state they are in, and which file a name stands for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assistant.errors import ModelError
from assistant.modelfiles.formats import check_llm, check_stt, check_voice, voice_config
from assistant.models.catalogue import (
    Catalogue,
    Entry,
    FileSpec,
    Kind,
    PackageSource,
    shipped_catalogue,
)
from assistant.models.checks import Verdicts, fault
from assistant.models.prepare import prepared_spec
from assistant.paths import Paths

SHIPPED = Path(__file__).with_name("embedded")
ENDINGS = {Kind.LLM: ".gguf", Kind.STT: ".bin", Kind.VOICE: ".onnx"}
CHECKS = {Kind.LLM: check_llm, Kind.STT: check_stt, Kind.VOICE: check_voice}


class State(StrEnum):
    """What is here of a model."""

    PRESENT = "present"
    UNPREPARED = "unprepared"
    """Whole, but not yet re-quantised: it works, slower than it could."""

    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that an engine may open: it was found whole."""

    kind: Kind
    path: Path
    id: str | None
    """None for a file that the user named by its path."""

    config: Path | None
    """The `.onnx.json` of a voice."""


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a model, and one line for each file that is not as it should be."""

    entry: Entry
    state: State
    faults: tuple[str, ...]


class Store:
    """The model files of one user. Reads; only `lares models pull` writes."""

    def __init__(self, paths: Paths, catalogue: Catalogue | None = None) -> None:
        self.paths = paths
        self.catalogue = catalogue or shipped_catalogue()
        self._verdicts = Verdicts(paths.state / "model-verdicts.json")

    def folder(self, entry: Entry) -> Path:
        """Return where the files of a model lie."""
        shipped = isinstance(entry.source, PackageSource)
        return SHIPPED if shipped else self.paths.models / entry.id

    def resolve(self, kind: str, name: str) -> ModelFile:
        """Return the file to open for a catalogue id or a path, found whole.

        A path is absolute, begins with ~, or is seen from the config folder. Whole files are
        remembered, so this reads a file only once. Raises ModelError that names the file, what
        is wrong and what mends it.
        """
        wanted = Kind(kind)
        if os.sep in name or name.endswith(tuple(ENDINGS.values())):
            return self._named(wanted, self.paths.config / Path(name).expanduser())
        entry = self.catalogue.entry(name)
        if entry.kind is not wanted:
            raise ModelError(f"{name!r} is a model of kind {entry.kind}, not {wanted}")
        main = self._main(entry)
        needed = [main, *entry.files[1:]] if wanted is Kind.VOICE else [main]
        for spec in needed:
            wrong = self._fault(entry, spec)
            if wrong:
                raise ModelError(f"{self.folder(entry) / spec.name}: {wrong}; {self.mend(entry)}")
        path = self.folder(entry) / main.name
        return ModelFile(wanted, path, entry.id, self._config(wanted, path))

    def inspect(self, entry: Entry, *, afresh: bool = False) -> Report:
        """Return the state of a model. `afresh` reads every byte again."""
        folder = self.folder(entry)
        specs = list(entry.files)
        prepared = prepared_spec(folder, entry.prepare) if entry.prepare else None
        if prepared:
            specs.append(prepared)
        wrong = {spec.name: self._fault(entry, spec, afresh=afresh) for spec in specs}
        faults = {name: text for name, text in wrong.items() if text}
        if not faults:
            lacking = entry.prepare is not None and prepared is None
            return Report(entry, State.UNPREPARED if lacking else State.PRESENT, ())
        gone = not any((folder / spec.name).exists() for spec in specs)
        lines = tuple(f"{folder / name}: {text}" for name, text in faults.items())
        return Report(entry, State.MISSING if gone else State.BROKEN, lines)

    def whole(self, entry: Entry, spec: FileSpec) -> bool:
        """Whether a file of a model is here as it should be."""
        return self._fault(entry, spec) is None

    def mend(self, entry: Entry) -> str:
        """Return what the user does about a missing or broken model."""
        if isinstance(entry.source, PackageSource):
            return "it ships with Lares: reinstall lares-voice"
        return f"run `lares models pull {self.catalogue.home_of(entry.id)}`"

    def _main(self, entry: Entry) -> FileSpec:
        """The prepared file where it was made, else the one it is made from."""
        prepared = prepared_spec(self.folder(entry), entry.prepare) if entry.prepare else None
        return prepared or entry.files[0]

    def _fault(self, entry: Entry, spec: FileSpec, *, afresh: bool = False) -> str | None:
        path = self.folder(entry) / spec.name
        return fault(path, spec.bytes, spec.digest, self._verdicts, afresh=afresh)

    def _named(self, kind: Kind, path: Path) -> ModelFile:
        if path.suffix != ENDINGS[kind]:
            raise ModelError(f"{path}: a model of kind {kind} is a {ENDINGS[kind]} file")
        config = self._config(kind, path)
        try:
            known = self._verdicts.remembered(path, "format") == kind
        except OSError:
            known = False
        if not known or (config is not None and not config.exists()):
            CHECKS[kind](path)
            self._verdicts.note(path, "format", kind)
        return ModelFile(kind, path, None, config)

    @staticmethod
    def _config(kind: Kind, path: Path) -> Path | None:
        return voice_config(path) if kind is Kind.VOICE else None
