from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from assistant.engines.native.files import check_gguf, check_piper, check_whisper
from assistant.errors import ModelError

GGUF_HEAD = b"GGUF" + struct.pack("<IQQ", 3, 272, 30)
WHISPER_FIELDS = (51864, 1500, 128, 2, 3, 448, 128, 2, 3, 80, 2008)
VOICE_TABLE = {"audio": {"sample_rate": 16000}, "phoneme_id_map": {"a": [1]}}


def put(path: Path, head: bytes, size: int) -> Path:
    path.write_bytes(head + bytes(size - len(head)))
    return path


def whisper_head(**changes: int) -> bytes:
    names = ("vocab", "audio", "width", "heads", "layers", "text", "w", "h", "n", "mels", "kind")
    fields = dict(zip(names, WHISPER_FIELDS, strict=True)) | changes
    return b"lmgg" + struct.pack("<11i", *fields.values())


def test_whole_files_pass(tmp_path: Path) -> None:
    check_whisper(put(tmp_path / "w.bin", whisper_head(), 7_300_000))
    check_gguf(put(tmp_path / "m.gguf", GGUF_HEAD, 100_000))
    voice = put(tmp_path / "v.onnx", b"\x08\x08", 5000)
    (tmp_path / "v.onnx.json").write_text(json.dumps(VOICE_TABLE))
    check_piper(voice)


def test_missing_files_say_their_path(tmp_path: Path) -> None:
    for check in (check_whisper, check_gguf, check_piper):
        with pytest.raises(ModelError, match=r"nothing: No such file"):
            check(tmp_path / "nothing")


def test_a_cut_off_whisper_model_is_told_by_its_own_dimensions(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cut off"):
        check_whisper(put(tmp_path / "w.bin", whisper_head(), 4_000_000))


def test_a_foreign_or_broken_whisper_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a whisper"):
        check_whisper(put(tmp_path / "w.bin", GGUF_HEAD, 9_000_000))
    with pytest.raises(ModelError, match="n_mels is 9999"):
        check_whisper(put(tmp_path / "w.bin", whisper_head(mels=9999), 9_000_000))


@pytest.mark.parametrize(
    ("head", "size", "told"),
    [
        (b"lmgg", 100_000, "not a GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 272, 30), 100_000, "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 30), 100_000, "0 tensors"),
        (GGUF_HEAD, 30, "cut off"),
        (GGUF_HEAD[:20], 20, "not a GGUF"),
    ],
)
def test_a_broken_gguf_is_refused(tmp_path: Path, head: bytes, size: int, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        check_gguf(put(tmp_path / "m.gguf", head, size))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (None, "needs it beside"),
        ("{", "not the table"),
        ("{}", "not the table"),
        (json.dumps(VOICE_TABLE | {"audio": {"sample_rate": 1}}), "sample_rate 1"),
    ],
)
def test_a_voice_without_a_good_table_is_refused(
    tmp_path: Path, table: str | None, told: str
) -> None:
    voice = put(tmp_path / "v.onnx", b"\x08\x08", 5000)
    if table is not None:
        (tmp_path / "v.onnx.json").write_text(table)
    with pytest.raises(ModelError, match=told):
        check_piper(voice)
