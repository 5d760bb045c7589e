"""One session's microphone side and loudspeaker side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from audio.alarm import Alarm
from audio.clip import Clip, WordMark
from audio.ear import Ear, Heard, SilenceGrew, VoicePaused
from audio.errors import AudioError
from audio.facts import packet
from audio.mouth import Mouth, Played
from audio.sinks import FileSink, Sink
from audio.sources import Source
from audio.vad import BLOCK_MS
from audio.wire import Packet

Emit: TypeAlias = Callable[[Packet], None]
Command: TypeAlias = Callable[[Mouth], None]

Guard: TypeAlias = Callable[[Callable[[], None], Callable[[str], None]], None]
"""Runs the first; whatever that raises, the second is told in words."""

_WAITING_COMMANDS = 256
"""Commands kept while a loudspeaker opens; the newest are refused beyond."""

_LAST_SILENCE_MS = 1_000.0
"""Silence heard after the end of a file, so that its last word is followed by a pause."""


class Opener(Protocol):
    """Makes the two ends of a line; each may take seconds. Raises AudioError."""

    def source(self, forget: Callable[[], None]) -> Source | None:
        """Return the source, None for a line that does not listen.

        forget: to be called when sound was lost between two blocks
        """

    def wait(self, gone: threading.Event) -> bool:
        """Wait until a source that could not be opened may be there; False when it never will.

        gone: set when nobody wants it any more
        """

    def sink(self) -> Sink:
        """Return the sink."""


class Line:
    """Listens in a thread of its own and passes commands to its mouth.

    Commands are taken at once, also while the devices still open; none of them waits.
    """

    def __init__(
        self,
        ident: str,
        opener: Opener,
        make_ear: Callable[[], Ear],
        alarm: Alarm,
        emit: Emit,
        guard: Guard,
    ) -> None:
        self.ident = ident
        self._alarm = alarm
        self._opener = opener
        self._make_ear = make_ear
        self._emit = emit
        self._guard = guard
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._sink: Sink | None = None
        self._has_sink = False
        self._mouth: Mouth | None = None
        self._waiting: list[Command] = []
        self._ear: Ear | None = None
        self._ear_lock = threading.Lock()
        self._go = threading.Event()
        self._go.set()
        self._muted = False
        self._closed = threading.Event()
        self._microphone_missing = False
        self._blocks = 0
        self._refused = 0
        self._thread = threading.Thread(
            target=lambda: guard(self._run, self._fail), name=f"line.{ident}", daemon=True
        )

    def start(self) -> None:
        """Open both ends and begin to listen, in the line's own thread."""
        self._thread.start()

    def play(
        self, turn: int, take: int, clause: int, clip: Clip, words: Sequence[WordMark]
    ) -> None:
        """Say a clip after those before it."""
        self._tell(lambda mouth: mouth.play(turn, take, clause, clip, words))

    def end(self, take: int) -> None:
        """No more clips will come for this take."""
        self._tell(lambda mouth: mouth.end(take))

    def stop(self, take: int) -> None:
        """Be silent now; takes up to this one are dropped."""
        self._tell(lambda mouth: mouth.stop(take))

    def duck(self, gain_db: float) -> None:
        """Speak at this gain, dB."""
        self._tell(lambda mouth: mouth.duck(gain_db))

    def settle(self) -> None:
        """The utterance is over."""
        self._go.clear()
        with self._ear_lock:
            heard = self._ear.settle() if self._ear else []
            self._report_heard(heard)

    def go(self) -> None:
        """Let a source that waits for its session go on."""
        self._go.set()

    def mute(self, *, on: bool) -> None:
        """Hear nothing, and forget what was heard, until switched off."""
        with self._ear_lock:
            self._muted = on
            if on and self._ear is not None:
                self._ear.forget()

    def close(self) -> None:
        """Stop listening, fall silent and finish files. Waits for file sinks only."""
        with self._lock:
            self._closed.set()
            source, sink, mouth = self._source, self._sink, self._mouth
        self._go.set()
        if source is not None:
            source.close()
        if sink is not None and mouth is not None:
            self._detach(sink, mouth)

    def stats(self) -> dict[str, object]:
        """Return counts since the line was opened."""
        return {
            "blocks": self._blocks,
            "clamped_samples": self._ear.clamped if self._ear is not None else 0,
            "refused_commands": self._refused,
            **(self._source.stats() if self._source is not None else {}),
        }

    def _tell(self, command: Command) -> None:
        with self._lock:
            if self._mouth is None or self._sink is None:
                self._keep(command)
                return
            mouth, sink = self._mouth, self._sink
        command(mouth)
        sink.wake()

    def _keep(self, command: Command) -> None:
        if len(self._waiting) < _WAITING_COMMANDS:
            self._waiting.append(command)
        else:
            self._refused += 1

    def _run(self) -> None:
        opening = threading.Thread(target=self._open_sink, name=f"line.{self.ident}.sink")
        opening.start()
        source = self._open_source()
        ear = None if source is None else self._make_ear()
        opening.join()
        self._emit(Packet("opened", 0, {"line": self.ident, **self._ends(source)}))
        if source is None and self._microphone_missing:
            source, ear = self._wait_for_source(), self._make_ear()
        if source is not None and ear is not None:
            self._listen(source, ear)

    def _wait_for_source(self) -> Source | None:
        """Return a microphone that is plugged in after the line was opened; None once closed."""
        while self._opener.wait(self._closed):
            if (source := self._open_source()) is not None:
                self._alarm.still("no_microphone")
                return source
        return None

    def _fail(self, text: str) -> None:
        """Tell that nothing is heard any more, and let the device go."""
        self._alarm.ring("no_microphone", f"listening failed: {text}")
        if self._source is not None:
            self._source.close()

    def _open_source(self) -> Source | None:
        try:
            source = self._opener.source(self._forget)
        except AudioError as error:
            self._ring("no_microphone", error)
            self._microphone_missing = not error.code
            return None
        with self._lock:
            self._source = source
            closed = self._closed.is_set()
        if closed and source is not None:
            source.close()
        return source

    def _open_sink(self) -> None:
        """Open the sink; without one the line speaks into the void, at the pace of speech."""
        try:
            sink = self._opener.sink()
            self._has_sink = True
        except AudioError as error:
            self._ring("no_loudspeaker", error)
            sink = FileSink(None, fast=False)
        self._begin_playing(sink)

    def _ends(self, source: Source | None) -> dict[str, object]:
        sink = self._sink if self._has_sink else None
        return {
            "source": source and {"name": source.name, "rate": source.rate},
            "sink": sink and {"name": sink.name, "rate": sink.rate},
            "latency_ms": {
                "in": source.latency_ms if source else 0.0,
                "out": sink.latency_ms if sink else 0.0,
            },
        }

    def _begin_playing(self, sink: Sink) -> None:
        """Replay what waits; the mouth is handed out only once nothing older is left."""
        mouth = Mouth(sink.rate)
        sink.attach(mouth, self._report_played)
        while True:
            with self._lock:
                if self._closed.is_set():
                    break
                waiting, self._waiting = self._waiting, []
                if not waiting:
                    self._sink, self._mouth = sink, mouth
                    return
            for command in waiting:
                command(mouth)
            sink.wake()
        self._detach(sink, mouth)

    def _detach(self, sink: Sink, mouth: Mouth) -> None:
        try:
            sink.detach(mouth)
        except AudioError as error:
            self._ring("no_loudspeaker", error)

    def _listen(self, source: Source, ear: Ear) -> None:
        with self._ear_lock:
            self._ear = ear
        silence_ms = 0.0
        for block in source.blocks():
            with self._turn_to_listen(source):
                if self._closed.is_set():
                    return
                if not self._muted:
                    self._report_heard(ear.push(block))
                self._blocks += 1
                if ear.clamped:
                    text = f"{source.name} gave samples that are no sound; they were clamped"
                    self._alarm.ring("clamped_samples", text)
                silence_ms = silence_ms + BLOCK_MS if source.used_up else 0.0
                finished = silence_ms >= _LAST_SILENCE_MS and not ear.open
            if finished:
                self._emit(Packet("source_ended", 0, {"line": self.ident}))
                return

    @contextmanager
    def _turn_to_listen(self, source: Source) -> Iterator[None]:
        """Hold the ear; for a source that waits, only after `go` and before the next `settle`."""
        while True:
            if source.waits:
                self._go.wait()
            with self._ear_lock:
                if self._go.is_set() or not source.waits:
                    yield
                    return

    def _forget(self) -> None:
        with self._ear_lock:
            if self._ear is not None:
                self._ear.forget()

    def _ring(self, code: str, error: AudioError) -> None:
        self._alarm.ring(error.code or code, str(error), error.hint)

    def _report_heard(self, heard: list[Heard]) -> None:
        for fact in heard:
            if isinstance(fact, SilenceGrew | VoicePaused):
                self._go.clear()
            self._emit(packet(self.ident, fact))

    def _report_played(self, played: list[Played]) -> None:
        for fact in played:
            self._emit(packet(self.ident, fact))
