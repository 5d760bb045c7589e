from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models.catalogue import (
    HubSource,
    Kind,
    PackageSource,
    WheelSource,
    read_catalogue,
    shipped_catalogue,
)
from assistant.models.checks import digest_file
from assistant.models.pull import hubs, offline_asked
from assistant.models.store import SHIPPED

ENTRY = """
[[model]]
id = "m"
kind = "stt"
about = "a model"
licence = {{ id = "MIT", url = "https://example.org" }}
source = {{ type = "hub", repo = "a/b", commit = "{commit}" }}
files = [{{ name = "{name}", bytes = 5, {digest} }}]
"""
COMMIT = "0" * 40
SHA256 = f'sha256 = "{"0" * 64}"'


def test_each_shipped_file_is_the_one_in_the_catalogue() -> None:
    shipped = [e for e in shipped_catalogue().models if isinstance(e.source, PackageSource)]
    files = [spec for entry in shipped for spec in entry.files]
    assert sorted(spec.name for spec in files) == sorted(p.name for p in SHIPPED.iterdir())
    for spec in files:
        assert (SHIPPED / spec.name).stat().st_size == spec.bytes
        assert digest_file(SHIPPED / spec.name, "sha256") == spec.sha256


def test_everything_that_is_fetched_is_pinned_to_a_commit_or_a_wheel() -> None:
    fetched = [e for e in shipped_catalogue().models if not isinstance(e.source, PackageSource)]
    assert len(fetched) == 6
    assert all(isinstance(entry.source, HubSource | WheelSource) for entry in fetched)
    assert not any(entry.weak for entry in fetched)


@pytest.mark.parametrize(
    ("memory_bytes", "llm"),
    [(16_000_000_000, "qwen3.5-2b"), (7_800_000_000, "qwen3.5-2b"), (4 << 30, "qwen3.5-0.8b")],
)
def test_memory_chooses_the_language_model_of_the_set_for_people(
    memory_bytes: int, llm: str
) -> None:
    ids = shipped_catalogue().group("people").ids(memory_bytes)
    assert ids == ("whisper-base-q5_1", "en_US-ljspeech-medium", "en_US-amy-medium", llm)


def test_sets_and_ids_expand_to_models_once_each() -> None:
    entries = shipped_catalogue().expand(["micro-piper", "embedded"], 1 << 34)
    assert [entry.id for entry in entries] == ["micro-piper", "micro-whisper", "smollm2-135m"]
    assert {entry.kind for entry in entries} == set(Kind)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'people'"):
        shipped_catalogue().expand(["poeple"], 1 << 34)


@pytest.mark.parametrize(
    ("name", "commit", "digest"),
    [
        ("../m.bin", COMMIT, SHA256),
        ("a/m.bin", COMMIT, SHA256),
        (".hidden", COMMIT, SHA256),
        ("m.bin", "main", SHA256),
        ("m.bin", COMMIT, 'sha256 = "short"'),
        ("m.bin", COMMIT, 'md5 = "' + "0" * 32 + '", ' + SHA256),
        ("m.bin", COMMIT, "name2 = 1"),
    ],
)
def test_an_entry_that_could_do_harm_is_refused(name: str, commit: str, digest: str) -> None:
    with pytest.raises(ModelError, match="model catalogue"):
        read_catalogue(ENTRY.format(name=name, commit=commit, digest=digest) + "set = []")


def test_a_file_with_md5_alone_is_marked_weak() -> None:
    text = ENTRY.format(name="m.bin", commit=COMMIT, digest=f'md5 = "{"0" * 32}"')
    assert read_catalogue("set = []" + text).entry("m").weak


def test_mirrors_come_before_the_endpoint_and_the_hub() -> None:
    environ = {"LARES_MODEL_MIRRORS": "https://a/, https://b", "HF_ENDPOINT": "https://c/"}
    assert hubs(environ) == ("https://a", "https://b", "https://c", "https://huggingface.co")
    assert hubs({}) == ("https://huggingface.co",)


def test_the_environment_can_forbid_the_network() -> None:
    assert offline_asked({"HF_HUB_OFFLINE": "1"})
    assert not offline_asked({"HF_HUB_OFFLINE": "0"})


def test_the_catalogue_lies_beside_its_reader() -> None:
    assert Path(SHIPPED.parent / "catalogue.toml").is_file()
