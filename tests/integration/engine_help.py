"""What tests of real engines share."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest

from assistant.errors import ModelError
from assistant.models.store import Store
from assistant.paths import find_paths
from audio.clip import Samples
from audio.host import Engine
from audio.wire import Packet, encode, read

WAVS = Path(__file__).parents[1] / "fixtures" / "wav"


def model(kind: str, name: str) -> str:
    """Return the path of a model of the embedded set; skip the test where it was not pulled."""
    try:
        return str(Store(find_paths()).resolve(kind, name).path)
    except ModelError as error:
        pytest.skip(f"{error} (lares models pull embedded)")


def never() -> bool:
    return False


class Counter:
    """A `stopped` that counts how often it is asked, and turns true after `limit` times."""

    def __init__(self, limit: float = math.inf) -> None:
        self.asked = 0
        self._limit = limit

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self._limit


def ask(
    engine: Engine,
    kind: str,
    payload: bytes = b"",
    stopped: Callable[[], bool] = never,
    **fields: Any,
) -> list[Packet]:
    return list(engine.answer(Packet(kind, 7, fields, payload), stopped))


def ask_for(engine: Engine, kind: str, most: int, **fields: Any) -> list[Packet]:
    """Return the replies to a request that is cancelled once there are `most` of them."""
    told: list[Packet] = []

    def enough() -> bool:
        return len(told) >= most

    for packet in engine.answer(Packet(kind, 7, fields), enough):
        told = [*told, packet]
    return told


def recordings() -> Iterator[tuple[dict[str, Any], Samples]]:
    for line in (WAVS / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row, samples(row["file"])


def samples(file: str) -> Samples:
    with wave.open(str(WAVS / file)) as source:
        data = np.frombuffer(source.readframes(source.getnframes()), "<i2")
    return data.astype(np.float32) / np.float32(32768)


def plain(text: str) -> list[str]:
    """Return the words of a text without case and punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower())


def errors(said: list[str], heard: list[str]) -> int:
    """Return how many words were inserted, left out or exchanged."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other)),
            )
    return row[-1]


class Child:
    """An engine behind audio.host, spoken to over its pipe."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self._stdin = stdin
        self._stdout = stdout

    def send(self, kind: str, ident: int, payload: bytes = b"", **fields: Any) -> None:
        self._stdin.write(encode(Packet(kind, ident, fields, payload)))
        self._stdin.flush()

    def next(self) -> Packet:
        packet = read(self._stdout)
        assert packet is not None, "the engine's process ended"
        return packet

    def until(self, *kinds: str) -> list[Packet]:
        """Return all packets up to the first of one of these kinds."""
        packets = [self.next()]
        while packets[-1].kind not in kinds:
            packets.append(self.next())
        return packets


@contextmanager
def child(module: str, **options: Any) -> Iterator[Child]:
    """Start an engine's process and load it; it must end by itself when its input does."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "audio.host", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        engine = Child(cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout))
        try:
            engine.send("load", 0, **options)
            yield engine
            process.stdin.close()
            process.stdout.read()
            process.wait(10)
        finally:
            process.kill()
