"""All open lines, and who gets which command."""

from __future__ import annotations

import threading
from collections.abc import Callable

from audio import commands
from audio.alarm import Alarm
from audio.devices import Backend
from audio.ear import Ear
from audio.errors import AudioError
from audio.facts import fault
from audio.line import Guard, Line
from audio.machine import Machine
from audio.openers import End, LineOpener
from audio.outbox import Outbox
from audio.wire import Packet


class Desk:
    """Opens and closes lines and hands commands to them. One thread commands it."""

    def __init__(self, outbox: Outbox, guard: Guard, stalled: Callable[[str], None]) -> None:
        """guard: runs the threads of the lines. stalled: told when the sound system hangs."""
        self._outbox = outbox
        self._guard = guard
        self._stalled = stalled
        self._machine = Machine(outbox.put, self._portaudio)
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()

    def obey(self, packet: Packet) -> None:
        """Do what the packet asks. What cannot be done is told as a fault `bad_command`."""
        try:
            self._obey(packet)
        except AudioError as error:
            self._outbox.put(self.refusal(packet, str(error)))

    def refusal(self, packet: Packet, text: str) -> Packet:
        """Return the fault that answers a command that could not be obeyed."""
        line = packet.fields.get("line")
        return fault(line if isinstance(line, str) else None, "bad_command", text)

    def tell_stats(self) -> None:
        """Tell the counts of each line."""
        with self._lock:
            lines = list(self._lines.values())
        for line in lines:
            self._tell(line, closed=False)

    def close(self) -> None:
        """Close all lines; their files are finished when this returns."""
        self._machine.close()
        for ident in list(self._lines):
            self._close(ident)

    def _portaudio(self) -> Backend:
        from audio.portaudio import PortAudio

        return PortAudio(self._stalled)

    def _obey(self, packet: Packet) -> None:
        ident = commands.field(packet, "line", str)
        if packet.kind == "open":
            self._open(ident, packet)
        elif packet.kind == "close":
            self._close(ident)
        elif (line := self._lines.get(ident)) is not None:
            commands.apply(line, packet)
        else:
            raise AudioError(f"{packet.kind}: no open line {ident!r}")

    def _open(self, ident: str, packet: Packet) -> None:
        if ident in self._lines:
            raise AudioError(f"open: line {ident!r} is open")
        listening = commands.listening(packet)
        source, sink = (End(*commands.ends(packet, side)) for side in ("source", "sink"))
        alarm = Alarm(self._outbox.put, ident)
        opener = LineOpener(source, sink, self._machine, alarm)
        line = Line(ident, opener, lambda: Ear(listening), alarm, self._outbox.put, self._guard)
        with self._lock:
            self._lines[ident] = line
        line.start()

    def _close(self, ident: str) -> None:
        with self._lock:
            line = self._lines.pop(ident, None)
        if line is not None:
            line.close()
            self._tell(line, closed=True)

    def _tell(self, line: Line, *, closed: bool) -> None:
        fields = {"line": line.ident, "closed": closed, "dropped_facts": self._outbox.dropped}
        self._outbox.put(Packet("stats", 0, {**fields, **line.stats()}))
