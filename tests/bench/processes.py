"""Figures of processes: how long they take to start, what they use while nobody speaks."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from statistics import median

import psutil

from bench.figures import Figure
from integration.lares import COMMAND, Lares
from integration.room import Room

IDLE_S = 20.0
STARTS = 3
MB = 1e6


def start_up(room: Room) -> Iterator[Figure]:
    """Start the commands a few times in the room, whose own daemon is ended; yield medians."""
    help_s = median(_help_s() for _ in range(5))
    yield Figure("start", "lares --help", 1000 * help_s, "ms", 350)
    room.lares.end(within_s=10.0)
    ready_s, whole_s = [], []
    for number in range(STARTS):
        folder = room.folder / f"start-{number}"
        folder.mkdir()
        began_s = time.monotonic()
        with Lares(folder, room.environment) as lares:
            whole_s.append(time.monotonic() - began_s)
            assert lares.ready_s is not None
            ready_s.append(lares.ready_s)
    yield Figure("start", f"lares run to `ready:`, median of {STARTS}", median(ready_s), "s", 4.0)
    yield Figure("start", "lares run to all engines ready", median(whole_s), "s")


def idle(room: Room) -> Iterator[Figure]:
    """Listen for a while in a silent room; yield processor and memory of each process."""
    names = _names(room.lares)
    before = {pid: _cpu_s(process) for pid, (_, process) in names.items()}
    began_s = time.monotonic()
    room.pulse.wait(lambda: time.monotonic() - began_s >= IDLE_S, within_s=IDLE_S + 5.0)
    took_s = time.monotonic() - began_s
    used = {pid: (_cpu_s(process) - before[pid]) / took_s for pid, (_, process) in names.items()}
    yield Figure("idle", "all processes, of one core", 100 * sum(used.values()), "%", 15)
    for pid, (name, _) in names.items():
        yield Figure("idle", f"{name}, of one core", 100 * used[pid], "%")
    for name, process in names.values():
        aim = 120.0 if name == "daemon" else None
        yield Figure("memory", name, process.memory_info().rss / MB, "MB", aim)


def _names(lares: Lares) -> dict[int, tuple[str, psutil.Process]]:
    status = lares.status()
    known = {status["audio"]["pid"]: "audio", lares.pid: "daemon"}
    known |= {engine["pid"]: kind for kind, engine in status["engines"].items()}
    return {p.pid: (known.get(p.pid, p.name()), p) for p in lares.tree()}


def _cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _help_s() -> float:
    began_s = time.perf_counter()
    subprocess.run([*COMMAND, "--help"], check=True, capture_output=True, timeout=30)
    return time.perf_counter() - began_s
