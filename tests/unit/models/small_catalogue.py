"""Catalogues of models that are a few bytes long."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from assistant.models.catalogue import Catalogue
from assistant.models.store import Store
from assistant.paths import Paths, find_paths

COMMIT = "0123456789abcdef0123456789abcdef01234567"
EARS = b"ears" * 300
BRAIN = b"brain" * 300
VOICE = b"voice" * 300
CONFIG = json.dumps({"audio": {"sample_rate": 16000}, "phoneme_id_map": {}}).encode()


def file(name: str, contents: bytes, *, weak: bool = False) -> dict[str, object]:
    key = "md5" if weak else "sha256"
    hashed = hashlib.new(key, contents, usedforsecurity=False).hexdigest()
    return {"name": name, "bytes": len(contents), key: hashed}


def model(id: str, kind: str, *files: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "id": id,
        "kind": kind,
        "about": "small",
        "licence": {"id": "MIT", "url": "https://example.org"},
        "source": {"type": "hub", "repo": "some/models", "commit": COMMIT},
        "files": list(files),
        **more,
    }


def group(name: str, stt: str, voice: str, *llm: dict[str, object]) -> dict[str, object]:
    return {"name": name, "about": "small", "stt": [stt], "voice": [voice], "llm": list(llm)}


def small_catalogue() -> Catalogue:
    voice = (file("v.onnx", VOICE), file("v.onnx.json", CONFIG))
    return Catalogue.model_validate(
        {
            "model": [
                model("ears", "stt", file("ears.bin", EARS)),
                model("brain", "llm", file("brain.gguf", BRAIN)),
                model("small-brain", "llm", file("small.gguf", b"small")),
                model("voice", "voice", *voice),
                model("weak-voice", "voice", file("w.onnx", VOICE, weak=True)),
            ],
            "set": [
                group("embedded", "ears", "voice", {"id": "small-brain"}),
                group(
                    "people",
                    "ears",
                    "voice",
                    {"id": "brain", "memory_bytes": 100},
                    {"id": "small-brain"},
                ),
            ],
        }
    )


def paths_in(folder: Path) -> Paths:
    return find_paths(
        {
            "LARES_CONFIG_DIR": str(folder / "config"),
            "LARES_STATE_DIR": str(folder / "state"),
            "LARES_DATA_DIR": str(folder / "data"),
            "LARES_RUNTIME_DIR": str(folder / "run"),
        }
    )


def small_store(folder: Path, **files: bytes) -> Store:
    """A store that holds these models, each with its first file of such contents."""
    store = Store(paths_in(folder), small_catalogue())
    for id, contents in files.items():
        entry = store.catalogue.entry(id.replace("_", "-"))
        store.folder(entry).mkdir(parents=True)
        (store.folder(entry) / entry.files[0].name).write_bytes(contents)
        if len(entry.files) > 1:
            (store.folder(entry) / entry.files[1].name).write_bytes(CONFIG)
    return store
