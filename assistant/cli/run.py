"""`lares run`: the daemon in the foreground, until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

from assistant.bridges import control
from assistant.cli.problems import complain, runnable
from assistant.cli.setup import Prepared, prepare
from assistant.cli.status import device, engine
from assistant.cli.teller import Teller
from assistant.client import socket_path
from assistant.daemon import Bridge, Daemon
from assistant.events import MAIN, Event, Requested
from assistant.lines import device_spec
from assistant.lock import device_lock, held
from assistant.personas.prompt import greetings

STOP_S = 4.5
"""Longest time for everything to stop, s; whatever is left then dies with this process."""


def run_daemon(persona: str | None, file: Path | None) -> None:
    """Serve until a signal, then leave with status 0.

    Raises ConfigError when anything that was asked for is wrong, AssistantError when another
    daemon runs, GaveUp when an essential part cannot be kept alive.
    """
    prepared = prepare(persona, file)
    audio, paths = prepared.config.audio, prepared.paths
    control_socket = socket_path(paths)
    with ExitStack() as locks:
        locks.enter_context(held(paths.runtime / "lares.lock", f"the folder {paths.runtime}"))
        for side, name in (("microphone", audio.microphone), ("loudspeaker", audio.loudspeaker)):
            if name != "none":
                locks.enter_context(held(device_lock(f"{side} {name}"), f"the same {side}"))
        for notice in prepared.notices():
            complain(notice)
        bridges = {"control": control.bridge(control_socket)}
        if prepared.config.mqtt.enabled:
            from assistant.bridges.mqtt import bridge

            bridges["mqtt"] = bridge(prepared.config.mqtt)
        asyncio.run(_serve(prepared, bridges))


async def _serve(prepared: Prepared, bridges: Mapping[str, Bridge]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    daemon = prepared.daemon()
    on_terminal = sys.stdout.isatty()

    def on_ready() -> None:
        _print(runnable(ready_line(daemon.status(), _age_s())))
        if on_terminal:
            _greet(daemon)

    teller = Teller(_print if on_terminal else None, complain)
    with daemon.bus.tap(Event, teller.note):
        serving = asyncio.create_task(
            daemon.run(device_spec(prepared.config.audio), bridges, on_ready), name="daemon"
        )
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        serving.cancel()
        await asyncio.wait({serving}, timeout=STOP_S)
    if stop.is_set():
        _leave()
    serving.result()


def _leave() -> None:
    """End the process at once: threads of libraries that still connect would hold it up."""
    os._exit(0)


def ready_line(status: Mapping[str, Any], age_s: float) -> str:
    """Return the line that tells who hears, speaks and computes."""
    audio = status["audio"]
    microphone, loudspeaker = device(audio.get("source")), device(audio.get("sink"))
    engines = ", ".join(
        f"{kind} {engine(part) if part['state'] == 'ready' else _unready(part['state'])}"
        for kind, part in status["engines"].items()
    )
    line = (
        f"ready: microphone {microphone}, loudspeaker {loudspeaker}, "
        f"persona {status['persona']}, {engines}, {age_s:.1f} s since start"
    )
    if microphone == "none":
        line += "; it hears nothing: talk to it with `lares ask TEXT`"
    elif loudspeaker == "none":
        line += "; it says nothing aloud: `lares talk` shows the answers"
    return line


def _unready(state: str) -> str:
    return "(loading)" if state == "starting" else f"({state})"


def _greet(daemon: Daemon) -> None:
    words = greetings(daemon.choices.persona)
    if words:
        daemon.bus.publish(Requested(session=MAIN, request="greeting", kind="say", text=words[0]))


def _print(line: str) -> None:
    """Write a line to standard output, unless its reader is gone: a closed terminal stops us."""
    with suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _age_s() -> float:
    """Return the seconds since this process was started, imports included."""
    if sys.platform != "linux":
        return time.time() - psutil.Process().create_time()
    # The wall clock's time of the boot is known in whole seconds only; ticks since it are exact.
    fields = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
