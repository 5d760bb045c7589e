"""The audio process as a child, driven by a test."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from audio.clip import Samples
from audio.wire import Packet, encode, read

ROOT = Path(__file__).parents[2]
WAVS = ROOT / "tests" / "fixtures" / "wav"


class AudioChild:
    """Collects every fact; the tests wait for those they need."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "audio.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**(environment or os.environ), "PYTHONPATH": str(ROOT)},
        )
        self.facts: list[Packet] = []
        self._news = threading.Condition()
        self._answers: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self._settle_ms = float("inf")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self._reader.join()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def settle_after(self, silence_ms: float) -> None:
        """Answer every fact as a session does: settle at this silence, and always `go`."""
        self._settle_ms = silence_ms

    def send(self, kind: str, payload: bytes = b"", line: str = "a", **fields: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(encode(Packet(kind, 0, {"line": line, **fields}, payload)))
        self.process.stdin.flush()

    def open(self, source: dict[str, Any], sink: dict[str, Any], line: str = "a") -> Packet:
        """Open a line and wait until it is."""
        self.send("open", line=line, source=source, sink=sink)
        return self.wait("opened", line=line)

    def play(
        self, sound: Samples, take: int, clause: int = 0, *, rate: int = 16_000, line: str = "a"
    ) -> None:
        """Say a clip of two words, each half of it."""
        ms = 1000.0 * len(sound) / rate
        words = [
            {"text": "one", "start_ms": 0.0, "end_ms": ms / 2},
            {"text": "two", "start_ms": ms / 2, "end_ms": ms},
        ]
        self.send(
            "play", sound.tobytes(), line, turn=1, take=take, clause=clause, rate=rate, words=words
        )

    def wait(
        self, kind: str, *, line: str | None = "a", within_s: float = 10.0, **fields: Any
    ) -> Packet:
        """Return the first fact of that kind with these fields, past or to come."""
        return self.wait_for(
            lambda fact: (
                fact.kind == kind
                and fact.fields.get("line") == (line if kind != "ready" else None)
                and fields.items() <= fact.fields.items()
            ),
            within_s=within_s,
            what=f"{kind} {fields}",
        )

    def wait_for(self, match: Callable[[Packet], bool], *, within_s: float, what: str) -> Packet:
        deadline = time.monotonic() + within_s
        with self._news:
            while True:
                for fact in self.facts:
                    if match(fact):
                        return fact
                left = deadline - time.monotonic()
                assert left > 0, f"no {what} within {within_s:g} s; told: {self.kinds()}"
                self._news.wait(left)

    def kinds(self, line: str | None = None) -> list[str]:
        """Return what was told, in order, without silence and stats."""
        return [
            ".".join(
                [fact.kind, *(str(fact.fields[k]) for k in ("state", "code") if k in fact.fields)]
            )
            for fact in self.facts
            if fact.kind not in ("silence", "stats")
            and (line is None or fact.fields.get("line") == line)
        ]

    def heard(self, **fields: Any) -> list[Packet]:
        """Return the `voice` facts with these fields."""
        return [f for f in self.facts if f.kind == "voice" and fields.items() <= f.fields.items()]

    def end_input(self) -> float:
        """Close its input; return how long it took to leave, s."""
        assert self.process.stdin is not None
        closed = time.monotonic()
        self.process.stdin.close()
        self.process.wait(timeout=10)
        return time.monotonic() - closed

    def _read(self) -> None:
        assert isinstance(self.process.stdout, io.BufferedReader)
        while (packet := read(self.process.stdout)) is not None:
            self._answer(packet)
            with self._news:
                self.facts.append(packet)
                self._news.notify_all()

    def _answer(self, packet: Packet) -> None:
        line = packet.fields.get("line", "")
        paused = packet.kind == "voice" and packet.fields["state"] == "paused"
        if packet.kind != "silence" and not paused:
            return
        if packet.fields["silence_ms"] >= self._settle_ms:
            self.send("settle", line=line)
        if self._settle_ms < float("inf"):
            self.send("go", line=line)


def tone(seconds: float, rate: int = 16_000, level: float = 0.3) -> Samples:
    """Return a tone, float32."""
    time_s = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * 440.0 * time_s)).astype(np.float32)
