"""Makes a Piper voice tell how long each of its phonemes lasts. PURE: bytes in, bytes out.

The network of every Piper voice computes the lengths in its only Ceil node, but hardly any voice
names them among its outputs. Protobuf messages are merged by joining their bytes, so an output is
added by appending a second, tiny model to the first.
"""

from __future__ import annotations

from collections.abc import Iterator

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_OUTPUT = 1, 12
_NODE_OUTPUT, _NODE_KIND = 2, 4
_NAME = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def with_lengths(model: bytes) -> bytes:
    """Return the ONNX model with its phoneme lengths as last output.

    A model that has that output already, or has not exactly one Ceil node, comes back unchanged.
    Raises ValueError when the bytes are no protobuf message.
    """
    lengths: list[bytes] = []
    outputs: list[bytes] = []
    for graph in _values(memoryview(model), _MODEL_GRAPH):
        for node in _values(graph, _GRAPH_NODE):
            if [bytes(kind) for kind in _values(node, _NODE_KIND)] == [b"Ceil"]:
                lengths += [bytes(name) for name in _values(node, _NODE_OUTPUT)]
        for output in _values(graph, _GRAPH_OUTPUT):
            outputs += [bytes(name) for name in _values(output, _NAME)]
    if len(lengths) != 1 or lengths[0] in outputs:
        return model
    return model + _wrap(_MODEL_GRAPH, _wrap(_GRAPH_OUTPUT, _wrap(_NAME, lengths[0])))


def _values(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Yield the values of one field of a message that are messages or strings themselves."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"no protobuf message: wire type {kind} at byte {at}")
        if at + size > len(message):
            raise ValueError(f"cut off: {at + size - len(message)} bytes are missing")
        if kind == _BYTES and key >> 3 == wanted:
            yield message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it."""
    number = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    raise ValueError(f"no protobuf message: a number without an end at byte {at}")


def _wrap(field: int, value: bytes) -> bytes:
    return _number(field << 3 | _BYTES) + _number(len(value)) + value


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
