from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from assistant.errors import ModelError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("piper") is None, reason="piper-tts is not installed"
)

TABLE = Path("assistant/models/embedded/micro-piper.onnx.json").resolve()


def field(number: int, content: bytes) -> bytes:
    """Return a field of a protobuf message."""
    length, size = len(content), b""
    while length > 0x7F:
        size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


NAME = field(2, b"g" * 2000)
NODE = field(1, field(1, b"a") + field(2, b"b") + field(4, b"NoSuchOp"))
OPSET = b"\x08\x08" + field(8, b"\x10\x11")
BROKEN = {
    "no nodes": OPSET + field(7, NAME),
    "unknown node": OPSET + field(7, NODE + NAME),
    "no opset": b"\x08\x08" + field(7, NODE + NAME),
    "future": b"\x08\x7f" + field(8, b"\x10\x7f") + field(7, NODE + NAME),
}
"""Files that are whole and hold no network that can run."""


def voice(folder: Path, contents: bytes) -> Path:
    path = folder / "v.onnx"
    path.write_bytes(contents)
    Path(f"{path}.json").write_bytes(TABLE.read_bytes())
    return path


@pytest.mark.parametrize("contents", BROKEN.values(), ids=BROKEN.keys())
def test_every_network_that_cannot_be_loaded_is_a_model_error(
    tmp_path: Path, contents: bytes
) -> None:
    from assistant.engines.native.piper_voices import LoadedVoice

    with pytest.raises(ModelError, match=r"v\.onnx: Piper cannot read it"):
        LoadedVoice(voice(tmp_path, contents), 1)


IDENTITY = field(
    7,
    field(1, field(1, b"a") + field(2, b"b") + field(4, b"Identity"))
    + NAME
    + field(11, field(1, b"a") + field(2, field(1, b"\x08\x01" + field(2, b""))))
    + field(12, field(1, b"b") + field(2, field(1, b"\x08\x01" + field(2, b"")))),
)
"""A network that runs, but takes nothing that Piper gives."""


def test_a_warm_voice_that_fails_does_not_stop_the_engine_and_espeak_stands_in(
    tmp_path: Path,
) -> None:
    from assistant.engines.native.piper import Options
    from assistant.engines.native.piper_engine import PiperEngine

    path = voice(tmp_path, OPSET + IDENTITY)
    engine = PiperEngine(Options(warm=str(path), threads=1))
    assert "voice 'v' failed" in str(engine.facts["warning"])
