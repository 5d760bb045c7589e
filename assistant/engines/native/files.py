"""Checks model files before a native library opens them: those libraries crash on bad ones."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from assistant.errors import ModelError

_GGML_MAGIC = b"lmgg"
_GGUF_MAGIC = b"GGUF"
_GGUF_VERSIONS = (2, 3)
_WHISPER_MIN_BYTES = 1_000_000
_WHISPER_FIELDS = struct.Struct("<11i")
_WHISPER_RANGES = {
    "n_vocab": (0, 50_000, 60_000),
    "n_audio_ctx": (1, 1, 10_000),
    "n_audio_state": (2, 1, 16_384),
    "n_text_ctx": (5, 1, 10_000),
    "n_mels": (9, 1, 512),
}
_GGML_BITS = {0: 32, 1: 16, 2: 4, 3: 4, 7: 8, 8: 5, 9: 5}
"""Bits of one weight, rounded down, by ggml file type."""
_GGUF_MIN_BYTES = 1024
_ONNX_MIN_BYTES = 1024


def check_whisper(path: Path) -> None:
    """Raise ModelError unless the file looks like a whisper.cpp model of whole length.

    The length is compared with the smallest that the network's own dimensions allow.
    """
    head = _head(path, 4 + _WHISPER_FIELDS.size, "whisper.cpp model")
    if head[:4] != _GGML_MAGIC or len(head) < 4 + _WHISPER_FIELDS.size:
        raise ModelError(
            f"{path}: not a whisper.cpp model (begins with {head[:4]!r}, not {_GGML_MAGIC!r});"
            " name a ggml .bin file, or fetch it again"
        )
    fields = _WHISPER_FIELDS.unpack(head[4:])
    for name, (index, low, high) in _WHISPER_RANGES.items():
        if not low <= fields[index] <= high:
            raise ModelError(f"{path}: broken: {name} is {fields[index]}; fetch it again")
    _check_length(path, max(_WHISPER_MIN_BYTES, _whisper_floor_bytes(fields)))


def _whisper_floor_bytes(fields: tuple[int, ...]) -> int:
    """Return a lower bound of the file's length: its large matrices alone."""
    vocab, _, audio_width, _, audio_layers, _, text_width, _, text_layers, _, kind = fields
    weights = 12 * audio_layers * audio_width**2 + 16 * text_layers * text_width**2
    return (weights + vocab * text_width) * _GGML_BITS.get(kind % 1000, 2) // 8


def check_gguf(path: Path) -> None:
    """Raise ModelError unless the file begins like a GGUF model."""
    head = _head(path, 24, "GGUF model")
    if head[:4] != _GGUF_MAGIC or len(head) < 24:
        raise ModelError(
            f"{path}: not a GGUF model (begins with {head[:4]!r}); name a .gguf file,"
            " or fetch it again"
        )
    version, tensors, _ = struct.unpack("<IQQ", head[4:24])
    if version not in _GGUF_VERSIONS:
        raise ModelError(f"{path}: GGUF version {version} is not supported; convert it to 3")
    if not 0 < tensors < 100_000:
        raise ModelError(f"{path}: broken: it claims {tensors} tensors; fetch it again")
    _check_length(path, _GGUF_MIN_BYTES)


def check_piper(path: Path) -> None:
    """Raise ModelError unless a voice's .onnx and its .onnx.json are there and plausible."""
    head = _head(path, 1, "Piper voice")
    if head != b"\x08":
        raise ModelError(f"{path}: not an ONNX file; fetch it again")
    _check_length(path, _ONNX_MIN_BYTES)
    table = Path(f"{path}.json")
    try:
        config = json.loads(table.read_text(encoding="utf-8"))
        rate = config["audio"]["sample_rate"]
        phonemes = config["phoneme_id_map"]
    except OSError as error:
        raise ModelError(
            f"{table}: {error.strerror}; a Piper voice needs it beside its .onnx"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{table}: not the table of a Piper voice; fetch it again") from error
    if not isinstance(rate, int) or not 8000 <= rate <= 96000 or not phonemes:
        raise ModelError(f"{table}: sample_rate {rate!r} or phonemes are wrong; fetch it again")


def _head(path: Path, size: int, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; no {what} there") from error


def _check_length(path: Path, least: int) -> None:
    size = path.stat().st_size
    if size < least:
        raise ModelError(
            f"{path}: {size} bytes, but it must have at least {least}: cut off; fetch it again"
        )
