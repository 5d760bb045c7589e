from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ModelError
from assistant.modelfiles.formats import check_llm, check_stt, check_voice
from assistant.modelfiles.ggml import Reader, check_gguf, check_whisper
from assistant.models.store import SHIPPED

WHISPER = SHIPPED / "micro-whisper-q5_0.bin"
VOICE = SHIPPED / "micro-piper.onnx"
F32 = 0


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def gguf(version: int = 3, shape: int = 8, kind: int = F32, alignment: int = 64) -> bytes:
    """A GGUF file with every form of key and one tensor."""
    keys = [
        text(b"general.alignment") + struct.pack("<II", 4, alignment),
        text(b"general.name") + struct.pack("<I", 8) + text(b"tiny"),
        text(b"numbers") + struct.pack("<IIQ", 9, 4, 3) + bytes(12),
        text(b"words") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"bc"),
        text(b"flag") + struct.pack("<IB", 7, 1),
    ]
    head = b"GGUF" + struct.pack("<IQQ", version, 1, len(keys)) + b"".join(keys)
    head += text(b"weight") + struct.pack("<IQIQ", 1, shape, kind, 0)
    head += bytes(-len(head) % max(alignment, 1))
    return head + bytes(4 * shape)


def test_whole_files_pass(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf())
    check_llm(tmp_path / "m.gguf")
    check_stt(WHISPER)
    check_voice(VOICE)


@pytest.mark.parametrize("source", [WHISPER, VOICE, None])
@pytest.mark.parametrize("keep", [0, 4, 1000, 0.5, -1])
def test_a_file_cut_anywhere_is_found(tmp_path: Path, source: Path | None, keep: float) -> None:
    data = source.read_bytes() if source else gguf(shape=4096)
    end = round(keep * len(data)) if 0 < keep < 1 else int(keep)
    path = tmp_path / f"cut{source.suffix if source else '.gguf'}"
    path.write_bytes(data[:end])
    check = {".bin": check_stt, ".onnx": check_voice, ".gguf": check_llm}[path.suffix]
    with pytest.raises(ModelError, match=path.name):
        check(path)


@pytest.mark.parametrize("check", [check_llm, check_stt, check_voice])
def test_a_web_page_is_no_model(tmp_path: Path, check: type) -> None:
    path = tmp_path / "page"
    path.write_text("<!DOCTYPE html><html><body>Please log in</body></html>")
    with pytest.raises(ModelError, match="not a whole"):
        check(path)


@pytest.mark.parametrize(
    "data", [gguf(version=1), gguf(kind=2), gguf(alignment=0), b"GGUF" + b"\xff" * 40]
)
def test_an_unsound_header_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_gguf(Reader(data))


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such file"):
        check_llm(tmp_path / "none.gguf")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, "is missing"),
        ("{", "not the description"),
        ('{"audio": 3}', "not the description"),
        ('{"audio": {"sample_rate": 1}, "phoneme_id_map": {}}', "not the description"),
    ],
)
def test_a_voice_needs_its_description(tmp_path: Path, config: str | None, reason: str) -> None:
    (tmp_path / "v.onnx").write_bytes(VOICE.read_bytes())
    if config is not None:
        (tmp_path / "v.onnx.json").write_text(config)
    with pytest.raises(ModelError, match=reason):
        check_voice(tmp_path / "v.onnx")


def test_a_description_with_rate_and_phonemes_is_enough(tmp_path: Path) -> None:
    (tmp_path / "v.onnx").write_bytes(VOICE.read_bytes())
    config = {"audio": {"sample_rate": 16000}, "phoneme_id_map": {"a": [1]}}
    (tmp_path / "v.onnx.json").write_text(json.dumps(config))
    check_voice(tmp_path / "v.onnx")


@given(st.data())
def test_garbage_is_refused_or_passes_but_never_crashes(data: st.DataObject) -> None:
    whole = bytearray(gguf())
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    for check in (check_gguf, check_whisper):
        reader = Reader(bytes(whole))
        try:
            check(reader)
        except ValueError:
            continue
        assert bytes(whole[:4]) in (b"GGUF", b"lmgg")
