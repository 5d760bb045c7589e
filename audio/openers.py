"""Makes the two ends of a line from what an `open` asks for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audio.alarm import Alarm
from audio.machine import Machine
from audio.sinks import FileSink, Sink
from audio.sources import FileSource, Source


@dataclass(frozen=True, slots=True)
class End:
    """One end as asked for. where: a path, a device's name, or None for the default device."""

    kind: str
    where: str | None
    fast: bool


class LineOpener:
    """Opens files, devices and nothing. See Opener."""

    def __init__(self, source: End, sink: End, machine: Machine, alarm: Alarm) -> None:
        self._source = source
        self._sink = sink
        self._machine = machine
        self._alarm = alarm

    def source(self, forget: Callable[[], None]) -> Source | None:
        """See Opener."""
        where = self._source.where
        if self._source.kind == "device":
            return self._machine.microphone(where, self._alarm, forget)
        if self._source.kind == "file" and where is not None:
            return FileSource(Path(where), fast=self._source.fast)
        return None

    def wait(self, gone: threading.Event) -> bool:
        """See Opener. A file is asked for once."""
        return self._source.kind == "device" and self._machine.wait(self._source.where, gone)

    def sink(self) -> Sink:
        """See Opener."""
        where = self._sink.where
        if self._sink.kind == "device":
            return self._machine.loudspeaker(where)
        path = Path(where) if self._sink.kind == "file" and where is not None else None
        return FileSink(path, fast=self._sink.fast)
