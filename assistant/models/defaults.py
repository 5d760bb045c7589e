"""The models that are used where `lares.toml` names none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from assistant.errors import ModelError
from assistant.models.catalogue import Kind, ModelSet
from assistant.models.checks import load_json, save_json
from assistant.models.part import explain_disk
from assistant.models.store import State, Store
from assistant.paths import Paths

EMBEDDED = "embedded"
PEOPLE = "people"
USABLE = (State.PRESENT, State.UNPREPARED)


@dataclass(frozen=True, slots=True)
class Defaults:
    """Ids for `Store.resolve`, and the voices that are here."""

    stt: str
    llm: str
    voices: Mapping[str, Path]
    """Voice id → its .onnx file: every voice of the catalogue that is present."""

    set_name: str
    warning: str | None = None
    """Why another set is used than the one that was pulled for people, or a slower model."""


def default_models(paths: Paths, memory_bytes: int, *, store: Store | None = None) -> Defaults:
    """Return the models of the set for people once it is here, else of the embedded one.

    memory_bytes: memory of this machine; it chooses the language model.
    """
    store = store or Store(paths)
    people, embedded = store.catalogue.group(PEOPLE), store.catalogue.group(EMBEDDED)
    voices = _voices(store)
    llm = _llm(store, people, memory_bytes)
    lacking = [name for name in (*people.stt, *people.voice) if not _usable(store, name)]
    if llm is not None and not lacking:
        return Defaults(people.stt[0], llm, voices, people.name, _slower(store, llm))
    warning = None
    if load_json(_active(paths)).get("set") == PEOPLE:
        missing = ", ".join([*lacking, *([] if llm else [people.llm_for(memory_bytes)])])
        warning = f"missing or broken: {missing}; run `lares models pull {PEOPLE}`"
    llm = _llm(store, embedded, memory_bytes) or embedded.llm_for(memory_bytes)
    told = warning or _slower(store, llm)
    return Defaults(embedded.stt[0], llm, voices, embedded.name, told)


def remember_people(paths: Paths) -> None:
    """Note that the user wants the set for people, so that its loss is told."""
    try:
        save_json(_active(paths), {"set": PEOPLE})
    except OSError as error:
        raise explain_disk(_active(paths), error) from error


def _active(paths: Paths) -> Path:
    return paths.state / "active-models.json"


def _llm(store: Store, group: ModelSet, memory_bytes: int) -> str | None:
    """The language model for this memory, else another of the set that is here."""
    best = group.llm_for(memory_bytes)
    order = [best, *(choice.id for choice in group.llm if choice.id != best)]
    return next((name for name in order if _usable(store, name)), None)


def _slower(store: Store, llm: str) -> str | None:
    """What is to be said of a language model that was not re-quantised."""
    if _state(store, llm) is not State.UNPREPARED:
        return None
    mend = store.mend(store.catalogue.entry(llm))
    return f"{llm} is used unprepared, which is slower; {mend}"


def _voices(store: Store) -> Mapping[str, Path]:
    entries = [entry for entry in store.catalogue.models if entry.kind is Kind.VOICE]
    return MappingProxyType(
        {
            entry.id: store.folder(entry) / entry.files[0].name
            for entry in entries
            if _usable(store, entry.id)
        }
    )


def _usable(store: Store, name: str) -> bool:
    return _state(store, name) in USABLE


def _state(store: Store, name: str) -> State:
    try:
        return store.inspect(store.catalogue.entry(name)).state
    except ModelError:
        return State.BROKEN
