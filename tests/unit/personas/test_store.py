from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.errors import PersonaError
from assistant.personas.findings import BrokenPersona
from assistant.personas.prompt import greetings, opening
from assistant.personas.store import Entry, PersonaStore, check_file, shipped_folder
from assistant.speech.filter import speakable_text


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"schema: 1\n{text}\n", encoding="utf-8")
    return file


@pytest.fixture
def store(tmp_path: Path) -> PersonaStore:
    write(tmp_path / "shipped", "ada.yaml", "name: Ada\naliases: [lamp keeper]")
    write(tmp_path / "shipped", "eve.yaml", "name: Eve")
    return PersonaStore(tmp_path / "user", tmp_path / "shipped")


def test_a_users_file_wins_over_a_shipped_one(store: PersonaStore, tmp_path: Path) -> None:
    assert store.find("ada").origin == "shipped"
    write(tmp_path / "user", "ada/persona.yaml", "name: My Ada")
    assert store.load("ada").name == "My Ada"
    assert [(entry.id, entry.origin) for entry in store.entries()] == [
        ("ada", "user"),
        ("eve", "shipped"),
    ]


def test_a_persona_is_found_by_id_name_and_alias(store: PersonaStore) -> None:
    assert [store.load(name).id for name in ("ada", " ADA ", "Lamp Keeper")] == ["ada"] * 3


def test_an_unknown_name_is_answered_with_the_nearest(store: PersonaStore) -> None:
    with pytest.raises(PersonaError, match=r"no persona named 'adda'; did you mean 'ada'\?"):
        store.load("adda")
    with pytest.raises(PersonaError, match=r"known: ada, eve"):
        store.load("zzzzzz")


def test_a_broken_file_is_listed_and_told_of_when_it_is_wanted(
    store: PersonaStore, tmp_path: Path
) -> None:
    file = write(tmp_path / "user", "eve.yaml", "nmae: Eve")
    assert store.find("eve").persona is None
    with pytest.raises(BrokenPersona, match=re.escape(f"{file}:2:1: nmae: unknown key")):
        store.load("eve")


def test_two_files_with_one_id_are_an_error_of_the_second(
    store: PersonaStore, tmp_path: Path
) -> None:
    write(tmp_path / "user", "x.yaml", "name: X\nid: same")
    write(tmp_path / "user", "y.yaml", "name: Y\nid: same")
    assert store.load("same").name == "X"
    with pytest.raises(BrokenPersona, match=r"'same' is taken by x\.yaml"):
        store.load("y")


def test_a_file_that_cannot_be_read_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(PersonaError, match=r"none\.yaml: No such file"):
        check_file(tmp_path / "none.yaml")


@pytest.mark.parametrize("entry", PersonaStore(Path("/nonexistent")).entries(), ids=lambda e: e.id)
def test_every_shipped_persona_is_right_short_and_speakable(entry: Entry) -> None:
    persona = PersonaStore(Path("/nonexistent")).load(entry.id)
    assert persona.id == entry.path.stem
    assert persona.voice.fallback
    assert persona.summary
    for greeting in greetings(persona):
        assert speakable_text(greeting) == greeting
        assert len(greeting) <= 80
    prompt = " ".join(message["content"] for message in opening(persona))
    assert len(prompt) <= 700, "about 180 tokens: a small machine reads it in two seconds"


def test_two_personas_ship_and_differ_in_voice() -> None:
    entries = PersonaStore(Path("/nonexistent")).entries()
    assert [entry.id for entry in entries] == ["nova", "sage"]
    voices = {entry.persona.voice.model for entry in entries if entry.persona}
    assert len(voices) == 2
    assert shipped_folder().is_dir()
