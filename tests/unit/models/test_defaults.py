from __future__ import annotations

from pathlib import Path

from assistant.models.catalogue import Prepare
from assistant.models.defaults import default_models, remember_people
from assistant.models.store import Store
from unit.models.small_catalogue import BRAIN, EARS, VOICE, paths_in, small_store

MUCH, LITTLE = 1000, 10


def test_the_embedded_set_is_used_until_the_one_for_people_is_whole(tmp_path: Path) -> None:
    store = small_store(tmp_path, ears=EARS)
    found = default_models(store.paths, MUCH, store=store)
    assert (found.set_name, found.llm, dict(found.voices)) == ("embedded", "small-brain", {})
    assert found.warning is None


def test_the_set_for_people_is_used_once_it_is_whole(tmp_path: Path) -> None:
    store = small_store(tmp_path, ears=EARS, voice=VOICE, brain=BRAIN)
    found = default_models(store.paths, MUCH, store=store)
    assert (found.set_name, found.stt, found.llm) == ("people", "ears", "brain")
    assert found.voices == {"voice": tmp_path / "data" / "models" / "voice" / "v.onnx"}


def test_little_memory_takes_the_small_model_and_any_is_better_than_none(tmp_path: Path) -> None:
    both = small_store(tmp_path / "a", ears=EARS, voice=VOICE, brain=BRAIN, small_brain=b"small")
    assert default_models(both.paths, LITTLE, store=both).llm == "small-brain"
    one = small_store(tmp_path / "b", ears=EARS, voice=VOICE, brain=BRAIN)
    assert default_models(one.paths, LITTLE, store=one).llm == "brain"


def test_a_set_for_people_that_was_pulled_and_broke_is_told(tmp_path: Path) -> None:
    store = small_store(tmp_path, ears=EARS, voice=VOICE, brain=BRAIN[:7])
    remember_people(store.paths)
    found = default_models(store.paths, MUCH, store=store)
    assert found.set_name == "embedded"
    assert found.warning == "missing or broken: brain; run `lares models pull people`"


def test_a_model_that_could_not_be_prepared_is_used_and_told(tmp_path: Path) -> None:
    whole = small_store(tmp_path, ears=EARS, voice=VOICE, brain=BRAIN)
    step = Prepare(to="q4_0", file="fast.gguf", why="measured")
    models = tuple(
        entry.model_copy(update={"prepare": step}) if entry.id == "brain" else entry
        for entry in whole.catalogue.models
    )
    store = Store(whole.paths, whole.catalogue.model_copy(update={"models": models}))
    found = default_models(store.paths, MUCH, store=store)
    assert (found.set_name, found.llm) == ("people", "brain")
    assert store.resolve("llm", found.llm).path.name == "brain.gguf"
    assert found.warning == (
        "brain is used unprepared, which is slower; run `lares models pull people`"
    )


def test_the_shipped_catalogue_works_on_a_fresh_machine(tmp_path: Path) -> None:
    found = default_models(paths_in(tmp_path), MUCH)
    assert (found.set_name, found.stt, found.llm) == ("embedded", "micro-whisper", "smollm2-135m")
    assert list(found.voices) == ["micro-piper"]
