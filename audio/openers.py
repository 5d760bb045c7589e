"""Makes the two ends of a line from what an `open` asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio.errors import AudioError
from audio.sinks import FileSink, Sink
from audio.sources import FileSource, Source


@dataclass(frozen=True, slots=True)
class End:
    """One end as asked for. where: a path, a device's name, or None for the default device."""

    kind: str
    where: str | None
    fast: bool


class LineOpener:
    """Opens files, devices and nothing."""

    def __init__(self, source: End, sink: End) -> None:
        self._source = source
        self._sink = sink

    def source(self) -> Source | None:
        """See Opener."""
        if self._source.kind == "null":
            return None
        if self._source.kind == "file" and self._source.where is not None:
            return FileSource(Path(self._source.where), fast=self._source.fast)
        raise AudioError("no microphone")

    def sink(self) -> Sink:
        """See Opener."""
        if self._sink.kind != "device":
            path = None if self._sink.where is None else Path(self._sink.where)
            return FileSink(path, fast=self._sink.fast)
        raise AudioError("no loudspeaker")
