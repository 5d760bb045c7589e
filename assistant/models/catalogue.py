"""The models Lares knows by name: typed entries, read from `catalogue.toml` beside this file."""

from __future__ import annotations

import difflib
import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.errors import ModelError
from assistant.models.checks import Digest

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Md5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Kind(StrEnum):
    """What a model does."""

    STT = "stt"
    LLM = "llm"
    VOICE = "voice"


class Record(BaseModel):
    """Base of everything in the file. Unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(Record):
    """The terms of a model."""

    id: str
    """SPDX identifier where there is one."""

    url: str
    """Page that holds the terms or states them."""


class FileSpec(Record):
    """One file: its name here, its place at the source, and how it is known to be whole."""

    name: Name
    path: str = ""
    """Path inside the repository or the wheel; the name itself where empty."""

    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256 | None = None
    md5: Md5 | None = None
    """Where no sha256 is published: a check against accidents, not against forgery."""

    @model_validator(mode="after")
    def _one_digest(self) -> Self:
        if (self.sha256 is None) == (self.md5 is None):
            raise ValueError("exactly one of sha256 and md5 is needed")
        return self

    @property
    def digest(self) -> Digest:
        """What the file's contents must hash to."""
        if self.sha256 is not None:
            return Digest("sha256", self.sha256)
        return Digest("md5", self.md5 or "")

    @property
    def remote(self) -> PurePosixPath:
        """Where the file lies at its source."""
        return PurePosixPath(self.path or self.name)


class HubSource(Record):
    """Files of one commit of a Hugging Face repository."""

    type: Literal["hub"]
    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    commit: Commit

    def __str__(self) -> str:
        return f"{self.repo} @ {self.commit[:8]}"


class WheelSource(Record):
    """A file inside a wheel on the Python package index."""

    type: Literal["wheel"]
    project: Name
    version: str
    file: Name
    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256

    def __str__(self) -> str:
        return f"PyPI {self.project} {self.version}"


class PackageSource(Record):
    """Files that are shipped with Lares."""

    type: Literal["package"]

    def __str__(self) -> str:
        return "ships with Lares"


class Prepare(Record):
    """A language model is re-quantised once to what computes fastest here."""

    to: Name
    """Quantisation of the prepared file, such as q4_0."""

    file: Name
    why: str
    """What was measured."""


class Entry(Record):
    """One model."""

    id: Name
    kind: Kind
    about: str
    licence: Licence
    source: Annotated[HubSource | WheelSource | PackageSource, Field(discriminator="type")]
    files: Annotated[tuple[FileSpec, ...], Field(min_length=1)]
    """The first is the one an engine opens, unless another is prepared from it."""

    prepare: Prepare | None = None

    @property
    def bytes(self) -> int:
        """Length of what is downloaded, or shipped."""
        if isinstance(self.source, WheelSource):
            return self.source.bytes
        return sum(file.bytes for file in self.files)

    @property
    def weak(self) -> bool:
        """Whether some file is known by length and md5 alone."""
        return any(file.digest.weak for file in self.files)


class Choice(Record):
    """A language model of a set, for machines with enough memory."""

    id: Name
    memory_bytes: Annotated[int, Field(ge=0)] = 0
    """Least memory of the machine."""


class ModelSet(Record):
    """Models that together make an assistant."""

    name: Name
    about: str
    stt: Annotated[tuple[Name, ...], Field(min_length=1)]
    voice: tuple[Name, ...]
    llm: Annotated[tuple[Choice, ...], Field(min_length=1)]
    """In order of quality: the first that the memory allows is taken."""

    def llm_for(self, memory_bytes: int) -> str:
        """Return the id of the language model for a machine with so much memory."""
        fitting = (choice.id for choice in self.llm if choice.memory_bytes <= memory_bytes)
        return next(fitting, self.llm[-1].id)

    def ids(self, memory_bytes: int) -> tuple[str, ...]:
        """Return the ids of all models of the set on a machine with so much memory."""
        return (*self.stt, *self.voice, self.llm_for(memory_bytes))


class Catalogue(Record):
    """All models and sets."""

    models: Annotated[tuple[Entry, ...], Field(alias="model")]
    sets: Annotated[tuple[ModelSet, ...], Field(alias="set")]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        kinds = {entry.id: entry.kind for entry in self.models}
        if len(kinds) != len(self.models):
            raise ValueError("two models have the same id")
        for group in self.sets:
            named = [(name, Kind.STT) for name in group.stt]
            named += [(name, Kind.VOICE) for name in group.voice]
            named += [(choice.id, Kind.LLM) for choice in group.llm]
            for name, kind in named:
                if kinds.get(name) is not kind:
                    raise ValueError(f"set {group.name}: there is no {kind} model {name!r}")
        return self

    def entry(self, name: str) -> Entry:
        """Return the model of that id, or raise ModelError with the nearest one."""
        for entry in self.models:
            if entry.id == name:
                return entry
        raise ModelError(self._unknown(name, [entry.id for entry in self.models]))

    def group(self, name: str) -> ModelSet:
        """Return the set of that name, or raise ModelError."""
        for group in self.sets:
            if group.name == name:
                return group
        raise ModelError(self._unknown(name, [group.name for group in self.sets]))

    def expand(self, names: list[str], memory_bytes: int) -> tuple[Entry, ...]:
        """Return the models that sets and ids name, each once, in order."""
        groups = {group.name: group.ids(memory_bytes) for group in self.sets}
        unknown = [n for n in names if n not in groups and n not in {e.id for e in self.models}]
        if unknown:
            raise ModelError(self._unknown(unknown[0], [*groups, *(e.id for e in self.models)]))
        ids = [one for name in names for one in groups.get(name, (name,))]
        return tuple(self.entry(one) for one in dict.fromkeys(ids))

    def home_of(self, name: str) -> str:
        """Return what `lares models pull` is given to mend a model: its set, else itself."""
        for group in self.sets:
            if name in (*group.stt, *group.voice, *(choice.id for choice in group.llm)):
                return group.name
        return name

    @staticmethod
    def _unknown(name: str, known: list[str]) -> str:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return f"no model or set is named {name!r}; {hint}"


def read_catalogue(text: str) -> Catalogue:
    """Parse a catalogue; raise ModelError naming every wrong key."""
    try:
        return Catalogue.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ModelError(f"model catalogue: {error}") from error


@cache
def shipped_catalogue() -> Catalogue:
    """Return the catalogue of this version of Lares."""
    return read_catalogue(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))
