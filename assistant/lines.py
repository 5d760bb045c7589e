"""Where a session hears and speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.config import AudioConfig

End = Mapping[str, object]
"""One side of a line: a table of the audio process's `open`."""

SILENCE: End = {"kind": "null", "pace": "real"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSpec:
    """The two sides of a session's line."""

    source: End
    sink: End
    paced: bool = False
    """True: the source is a file that waits for the conversation."""


def device_spec(audio: AudioConfig) -> LineSpec:
    """Return the line on the machine's own devices, as the configuration names them."""
    return LineSpec(source=_device(audio.microphone), sink=_device(audio.loudspeaker))


def private_spec(audio: AudioConfig, wav: Path | None, out: Path | None) -> LineSpec:
    """Return the line of a conversation beside the one on the devices.

    wav: a recording, answered as fast as possible; None: requests alone.
    out: absolute path of a file for the answers; None: the loudspeaker.
    """
    sink = _device(audio.loudspeaker)
    if out is not None:
        sink = {"kind": "file", "path": str(out), "pace": "fast"}
    return LineSpec(source=SILENCE, sink=sink) if wav is None else file_spec(wav, sink)


def file_spec(wav: Path, sink: End) -> LineSpec:
    """Return the line of a recording that is answered as fast as possible."""
    source = {"kind": "file", "path": str(wav.absolute()), "pace": "fast"}
    return LineSpec(source=source, sink=sink, paced=True)


def _device(name: str) -> End:
    if name == "none":
        return SILENCE
    return {"kind": "device", "name": None if name == "default" else name}
