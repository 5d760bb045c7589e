"""Packets between the daemon and its children: a JSON line, then raw bytes.

    {"kind": "transcribe", "id": 7, "rate": 16000, "bytes": 64000} NEWLINE <64000 bytes>

Used on both sides of the pipe, so it depends on nothing but the standard library.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

MAX_HEAD_BYTES = 1024 * 1024
MAX_PAYLOAD_BYTES = 64 * 1024 * 1024
_RESERVED = frozenset({"kind", "id", "bytes"})


class WireError(Exception):
    """The peer sent something that is not a packet, or closed in mid-packet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `fields` must be JSON; `payload` is usually float32 samples."""

    kind: str
    id: int
    fields: dict[str, Any] = field(default_factory=dict)
    payload: bytes = b""


def encode(packet: Packet) -> bytes:
    """Return the bytes of one packet.

    Raises ValueError for a field with a reserved name.
    """
    if clash := _RESERVED & packet.fields.keys():
        raise ValueError(f"field {min(clash)!r} of packet {packet.kind!r} is a reserved name")
    head = {"kind": packet.kind, "id": packet.id, "bytes": len(packet.payload), **packet.fields}
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + packet.payload


def _parse_head(line: bytes) -> tuple[dict[str, Any], int]:
    try:
        head = json.loads(line)
        size = head["bytes"]
        well_formed = isinstance(head["kind"], str) and all(
            type(n) is int for n in (head["id"], size)
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"not a packet head: {line[:80]!r}") from error
    if not well_formed:
        raise WireError(f"not a packet head: {line[:80]!r}")
    if not 0 <= size <= MAX_PAYLOAD_BYTES:
        raise WireError(f"payload of {size} bytes is over the limit of {MAX_PAYLOAD_BYTES}")
    return head, size


def _build(head: dict[str, Any], payload: bytes) -> Packet:
    kind, ident = head.pop("kind"), head.pop("id")
    del head["bytes"]
    return Packet(kind, ident, head, payload)


def read(stream: BinaryIO) -> Packet | None:
    """Read one packet, or None at a clean end of stream. Blocks.

    Raises WireError when the stream holds anything else.
    """
    line = stream.readline(MAX_HEAD_BYTES)
    if not line:
        return None
    head, size = _parse_head(line)
    payload = stream.read(size) if size else b""
    if len(payload) < size:
        raise WireError(f"stream ended {size - len(payload)} bytes before the end of a payload")
    return _build(head, payload)


class AsyncReader(Protocol):
    """The part of asyncio.StreamReader that read_async needs."""

    async def readline(self) -> bytes:
        """Return one line with its newline, or less at the end of the stream."""

    async def readexactly(self, n: int, /) -> bytes:
        """Return exactly n bytes or raise EOFError."""


async def read_async(stream: AsyncReader) -> Packet | None:
    """Read one packet, or None at a clean end of stream.

    Raises WireError when the stream holds anything else.
    """
    try:
        line = await stream.readline()
    except ValueError as error:
        raise WireError("a packet head is too long") from error
    if not line:
        return None
    head, size = _parse_head(line)
    try:
        payload = await stream.readexactly(size) if size else b""
    except EOFError as error:
        raise WireError(f"stream ended inside a payload of {size} bytes") from error
    return _build(head, payload)
