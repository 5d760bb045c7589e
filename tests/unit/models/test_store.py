from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models.checks import Verdicts
from assistant.models.store import SHIPPED, State, Store
from unit.models.small_catalogue import BRAIN, CONFIG, EARS, VOICE, small_store


def state(store: Store, id: str, *, afresh: bool = False) -> State:
    return store.inspect(store.catalogue.entry(id), afresh=afresh).state


def test_a_catalogue_id_stands_for_its_file(tmp_path: Path) -> None:
    store = small_store(tmp_path, ears=EARS, voice=VOICE)
    folder = tmp_path / "data" / "models"
    assert store.resolve("stt", "ears").path == folder / "ears" / "ears.bin"
    voice = store.resolve("voice", "voice")
    assert (voice.path.name, voice.config) == ("v.onnx", folder / "voice" / "v.onnx.json")


@pytest.mark.parametrize("keep", [0, 4, 600, len(EARS) - 1])
def test_a_truncated_model_is_named_with_its_remedy(tmp_path: Path, keep: int) -> None:
    store = small_store(tmp_path, ears=EARS[:keep])
    with pytest.raises(ModelError) as caught:
        store.resolve("stt", "ears")
    line = str(caught.value)
    assert "ears.bin: has" in line
    assert line.endswith("run `lares models pull embedded`")


def test_right_length_with_wrong_bytes_is_found(tmp_path: Path) -> None:
    store = small_store(tmp_path, ears=EARS[:-1] + b"?")
    with pytest.raises(ModelError, match="its sha256 is wrong"):
        store.resolve("stt", "ears")
    assert state(store, "ears") is State.BROKEN


def test_a_voice_without_its_description_is_not_resolved(tmp_path: Path) -> None:
    store = small_store(tmp_path, voice=VOICE)
    (tmp_path / "data" / "models" / "voice" / "v.onnx.json").unlink()
    with pytest.raises(ModelError, match=r"v\.onnx\.json: is missing"):
        store.resolve("voice", "voice")


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    assert state(store, "brain") is State.MISSING
    with pytest.raises(ModelError, match=r"is missing; run `lares models pull people`"):
        store.resolve("llm", "brain")


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a model of kind stt, not llm"):
        small_store(tmp_path, ears=EARS).resolve("llm", "ears")


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    store = small_store(tmp_path, ears=EARS)
    assert state(store, "ears") is State.PRESENT
    path = tmp_path / "data" / "models" / "ears" / "ears.bin"
    path.write_bytes(EARS[::-1])
    os.utime(path, ns=(1, 1))
    assert state(store, "ears") is State.BROKEN


def test_verify_finds_what_the_remembered_verdict_hides(tmp_path: Path) -> None:
    store = small_store(tmp_path, ears=EARS)
    path = tmp_path / "data" / "models" / "ears" / "ears.bin"
    assert state(store, "ears") is State.PRESENT
    times = path.stat()
    with path.open("r+b") as file:
        file.write(b"rot")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert state(store, "ears") is State.PRESENT
    assert state(store, "ears", afresh=True) is State.BROKEN


def test_verdicts_outlive_the_process_and_a_spoilt_memory(tmp_path: Path) -> None:
    memory, file = tmp_path / "verdicts.json", tmp_path / "file"
    file.write_bytes(b"contents")
    digest = Verdicts(memory).digest(file, "sha256")
    assert Verdicts(memory).remembered(file, "sha256") == digest
    memory.write_text("{ spoilt")
    assert Verdicts(memory).remembered(file, "sha256") is None
    assert Verdicts(memory).digest(file, "sha256") == digest


def test_weak_checks_compare_length_and_md5(tmp_path: Path) -> None:
    assert state(small_store(tmp_path / "a", weak_voice=VOICE), "weak-voice") is State.PRESENT
    wrong = VOICE[:-1] + b"?"
    assert state(small_store(tmp_path / "b", weak_voice=wrong), "weak-voice") is State.BROKEN


def test_any_voice_on_disk_can_be_named_by_its_path(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    found = store.resolve("voice", str(SHIPPED / "micro-piper.onnx"))
    assert found.id is None
    assert found.config == SHIPPED / "micro-piper.onnx.json"


def test_a_relative_path_is_seen_from_the_config_folder(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    (tmp_path / "config").mkdir()
    whisper = tmp_path / "config" / "mine.bin"
    whisper.write_bytes((SHIPPED / "micro-whisper-q5_0.bin").read_bytes())
    assert store.resolve("stt", "mine.bin").path == whisper


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("llm", "cut.gguf", "not a whole GGUF"),
        ("llm", "none.gguf", "there is no such file"),
        ("llm", "cut.bin", r"a model of kind llm is a \.gguf file"),
    ],
)
def test_a_path_that_is_no_model_is_refused_in_one_line(
    tmp_path: Path, kind: str, name: str, reason: str
) -> None:
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + BRAIN)
    with pytest.raises(ModelError, match=reason):
        small_store(tmp_path).resolve(kind, str(tmp_path / name))


def test_a_named_voice_that_loses_its_description_is_found_again(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    voice = tmp_path / "v.onnx"
    voice.write_bytes((SHIPPED / "micro-piper.onnx").read_bytes())
    (tmp_path / "v.onnx.json").write_bytes(CONFIG)
    assert store.resolve("voice", str(voice)).path == voice
    (tmp_path / "v.onnx.json").unlink()
    with pytest.raises(ModelError, match="is missing"):
        store.resolve("voice", str(voice))
