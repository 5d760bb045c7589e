"""The daemon's commands, checked, and what they mean to a line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from audio.clip import Clip, WordMark
from audio.ear import Listening
from audio.errors import AudioError
from audio.line import Line
from audio.wire import Packet

T = TypeVar("T")


def field(packet: Packet, name: str, kind: type[T]) -> T:
    """Return a field of a packet. Raises AudioError when it is missing or of another type."""
    value = packet.fields.get(name)
    if kind is float and type(value) is int:
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise AudioError(f"{packet.kind}: {name}: expected {kind.__name__}, got {value!r}")
    return value


def ends(packet: Packet, side: str) -> tuple[str, str | None, bool]:
    """Return kind, path or device name, and whether fast, of `source` or `sink` of an `open`.

    Raises AudioError for what is not {kind: device | file | null, name, path, pace: real | fast}.
    """
    wanted: dict[str, Any] = field(packet, side, dict)
    kind, pace = wanted.get("kind"), wanted.get("pace", "real")
    if kind not in ("device", "file", "null") or pace not in ("real", "fast"):
        raise AudioError(f"open: {side}: no such kind or pace: {wanted!r}")
    where = wanted.get("path") if kind == "file" else wanted.get("name")
    if where is not None and not isinstance(where, str):
        raise AudioError(f"open: {side}: not a name: {where!r}")
    if kind == "file":
        if where is None:
            raise AudioError(f"open: {side}: a file needs a path")
        where = str(Path(where).absolute())
    return kind, where, pace == "fast"


def listening(packet: Packet) -> Listening:
    """Return how the ear of an `open` listens. Raises AudioError for unknown or wrong values."""
    given: dict[str, Any] = packet.fields.get("listen") or {}
    known = {item.name: type(item.default) for item in fields(Listening)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise AudioError(f"open: listen: no setting {name!r}; known: {', '.join(known)}")
        values[name] = field(Packet("open: listen", 0, given), name, known[name])
        if value < 0:
            raise AudioError(f"open: listen: {name}: below 0: {value!r}")
    return Listening(**values)


def apply(line: Line, packet: Packet) -> None:
    """Do what a packet asks of an open line. Raises AudioError for what cannot be understood."""
    match packet.kind:
        case "play":
            _play(line, packet)
        case "end":
            line.end(field(packet, "take", int))
        case "stop":
            line.stop(field(packet, "take", int))
        case "duck":
            line.duck(field(packet, "gain_db", float))
        case "unduck":
            line.duck(0.0)
        case "settle":
            line.settle()
        case "go":
            line.go()
        case "mute":
            line.mute(on=field(packet, "on", bool))
        case unknown:
            raise AudioError(f"no such command: {unknown!r}")


def _play(line: Line, packet: Packet) -> None:
    try:
        clip = Clip.from_bytes(packet.payload, field(packet, "rate", int))
        words = [
            WordMark(str(word["text"]), float(word["start_ms"]), float(word["end_ms"]))
            for word in packet.fields.get("words", ())
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise AudioError(f"play: bad sound or words: {error}") from error
    take = field(packet, "take", int)
    line.play(field(packet, "turn", int), take, field(packet, "clause", int), clip, words)
    if packet.fields.get("last", False):
        line.end(take)
