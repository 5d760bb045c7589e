"""Walks ggml's two file formats, as far as is needed to know that a file is whole."""

from __future__ import annotations

import math
import mmap
import struct

BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}
"""Tensor type → values a block, bytes a block (ggml.h)."""

GGUF_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Value type → bytes."""

GGUF_STRING = 8
GGUF_ARRAY = 9
WHISPER_MAGIC = 0x67676D6C
MOST_ITEMS = 10_000_000
"""Beyond this a count is garbage."""


class Reader:
    """Reads little-endian values from the front of a file; ValueError where it ends too early."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data = memoryview(data)
        self.at = 0

    def close(self) -> None:
        """Let go of the file."""
        self._data.release()

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self.at

    def skip(self, count: int) -> int:
        """Step over so many bytes; return where they began."""
        if not 0 <= count <= self.left:
            raise ValueError(f"it ends at byte {len(self._data)}, {count - self.left} too early")
        began = self.at
        self.at += count
        return began

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        began = self.skip(count)
        return bytes(self._data[began : self.at])

    def u32(self) -> int:
        """Return an unsigned 32-bit integer."""
        return int(struct.unpack_from("<I", self._data, self.skip(4))[0])

    def u64(self) -> int:
        """Return an unsigned 64-bit integer."""
        return int(struct.unpack_from("<Q", self._data, self.skip(8))[0])

    def varint(self) -> int:
        """Return an integer in protobuf's form of seven bits a byte."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self._data[self.skip(1)]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("a number in it has no end")

    def count(self, what: str) -> int:
        """Return a 64-bit count that may be true."""
        value = self.u64()
        if value > MOST_ITEMS:
            raise ValueError(f"it claims {value} {what}")
        return value


def tensor_bytes(kind: int, shape: list[int]) -> int:
    """Return the length of a tensor; ValueError for a shape that cannot be. Unknown types: 0."""
    values = math.prod(shape)
    block, length = BLOCKS.get(kind, (1, 0))
    if values % block:
        raise ValueError(f"a tensor of type {kind} has {values} values")
    return values // block * length


def check_gguf(reader: Reader) -> None:
    """Raise ValueError unless the header is sound and every tensor lies inside the file."""
    if reader.take(4) != b"GGUF":
        raise ValueError("it does not begin with GGUF")
    version = reader.u32()
    if version not in (2, 3):
        raise ValueError(f"GGUF version {version} is not known")
    tensors, keys = reader.count("tensors"), reader.count("keys")
    if tensors == 0:
        raise ValueError("it holds no tensors")
    alignment = 32
    for _ in range(keys):
        key, kind = reader.take(reader.u64()), reader.u32()
        if key == b"general.alignment" and kind == 4:
            alignment = reader.u32()
        else:
            _skip_value(reader, kind)
    if alignment == 0:
        raise ValueError("its alignment is 0")
    needed = 0
    for _ in range(tensors):
        reader.skip(reader.u64())
        shape = [reader.u64() for _ in range(_dimensions(reader))]
        kind, offset = reader.u32(), reader.u64()
        needed = max(needed, offset + tensor_bytes(kind, shape))
    reader.skip(-reader.at % alignment)
    reader.skip(needed)


def check_whisper(reader: Reader) -> None:
    """Raise ValueError unless header, filters, vocabulary and tensors fill the file exactly."""
    if reader.u32() != WHISPER_MAGIC:
        raise ValueError("it does not begin with the bytes lmgg")
    sizes = [reader.u32() for _ in range(11)]
    if not all(0 < size < 1_000_000 for size in sizes[:10]):
        raise ValueError("its sizes cannot be")
    reader.skip(4 * reader.u32() * reader.u32())
    for _ in range(reader.u32()):
        reader.skip(reader.u32())
    tensors = 0
    while reader.left:
        dimensions, name, kind = _dimensions(reader), reader.u32(), reader.u32()
        shape = [reader.u32() for _ in range(dimensions)]
        reader.skip(name)
        if kind not in BLOCKS:
            raise ValueError(f"tensor type {kind} is not known")
        reader.skip(tensor_bytes(kind, shape))
        tensors += 1
    if tensors == 0:
        raise ValueError("it holds no tensors")


def _dimensions(reader: Reader) -> int:
    count = reader.u32()
    if not 1 <= count <= 4:
        raise ValueError(f"a tensor has {count} dimensions")
    return count


def _skip_value(reader: Reader, kind: int) -> None:
    if kind == GGUF_STRING:
        reader.skip(reader.u64())
    elif kind == GGUF_ARRAY:
        kind, count = reader.u32(), reader.count("values")
        if kind == GGUF_ARRAY:
            raise ValueError("an array of arrays is not known")
        if kind in GGUF_SCALARS:
            reader.skip(count * GGUF_SCALARS[kind])
            return
        for _ in range(count):
            _skip_value(reader, kind)
    elif kind in GGUF_SCALARS:
        reader.skip(GGUF_SCALARS[kind])
    else:
        raise ValueError(f"a key of type {kind} is not known")
