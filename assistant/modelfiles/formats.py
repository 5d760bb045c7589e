"""Does a file hold a whole model? Looked at before a native library, which would crash, opens it.

For files that no catalogue knows: GGUF language models, whisper's ggml files, Piper's ONNX voices.
Each is walked to its end, so that a file cut short anywhere is found.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Callable
from pathlib import Path

from assistant.errors import ModelError
from assistant.modelfiles.ggml import Reader, check_gguf, check_whisper

RATES = range(8000, 96001)
"""What a voice's sample rate may be, Hz."""


def check_llm(path: Path) -> None:
    """Raise ModelError unless the file is a whole GGUF model."""
    _walk(path, "GGUF language model", check_gguf)


def check_stt(path: Path) -> None:
    """Raise ModelError unless the file is a whole whisper.cpp model."""
    _walk(path, "whisper.cpp model", check_whisper)


def check_voice(path: Path) -> None:
    """Raise ModelError unless the file is a whole ONNX model with its `.onnx.json` beside it."""
    _walk(path, "ONNX voice", _check_onnx)
    beside = voice_config(path)
    try:
        config = json.loads(beside.read_text(encoding="utf-8"))
        rate = config["audio"]["sample_rate"]
        known = rate in RATES and isinstance(config["phoneme_id_map"], dict)
    except FileNotFoundError:
        raise ModelError(f"{beside}: is missing; a Piper voice needs it beside its .onnx") from None
    except OSError as error:
        raise ModelError(f"{beside}: {error.strerror}; make it readable") from error
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise ModelError(f"{beside}: is not the description of a Piper voice; download it again")


def voice_config(path: Path) -> Path:
    """Return where the description of an `.onnx` voice lies."""
    return path.with_name(path.name + ".json")


def _walk(path: Path, what: str, check: Callable[[Reader], None]) -> None:
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise ModelError(f"{path}: is empty; download it again")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                reader = Reader(data)
                try:
                    check(reader)
                except (ValueError, struct.error) as error:
                    raise ModelError(
                        f"{path}: is not a whole {what}: {error}; download it again"
                    ) from error
                finally:
                    reader.close()
    except FileNotFoundError:
        raise ModelError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; make it readable") from error


def _check_onnx(reader: Reader) -> None:
    """Walk the top level of the protobuf message: it ends in time and holds a graph."""
    fields = set()
    while reader.left:
        key = reader.varint()
        field, form = key >> 3, key & 7
        if form == 0:
            reader.varint()
        elif form == 2:
            reader.skip(reader.varint())
        elif form in (1, 5):
            reader.skip(8 if form == 1 else 4)
        else:
            raise ValueError("it does not begin as one")
        fields.add(field)
    graph = 7
    if graph not in fields:
        raise ValueError("it holds no graph")
