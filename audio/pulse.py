"""Which devices a PulseAudio server really uses, told the moment it changes.

When a device vanishes the server moves the stream, silently, to whatever is left: a microphone's
often to the monitor of the loudspeaker. No sample and no flag of the stream shows it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

_ANSWER_S = 2.0

_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0


@dataclass(frozen=True, slots=True)
class Place:
    """A device of the server. monitor: it is the sound of a loudspeaker, not a microphone."""

    name: str
    monitor: bool


class Subscription(Protocol):
    """A process that prints the server's news, as subprocess.Popen."""

    @property
    def stdout(self) -> Iterable[bytes] | None:
        """The news, line by line, until the server goes away."""

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""

    def wait(self) -> int:
        """Wait for the end."""

    def kill(self) -> None:
        """End it."""


class PulseWatch:
    """Calls back when devices or streams change. Does nothing where there is no PulseAudio."""

    def __init__(
        self,
        microphones: Callable[[], None],
        loudspeakers: Callable[[], None],
        subscribe: Callable[[], Subscription] | None = None,
        pause_s: float = _PAUSE_S,
    ) -> None:
        """Both are called in the watch's own thread.

        subscribe: asks the server for its news; by `pactl` for None
        pause_s:   first wait before it is asked again once it has gone away
        """
        self._microphones = microphones
        self._loudspeakers = loudspeakers
        self._subscribe = subscribe or _subscribe
        self._pause_s = pause_s
        self._child: Subscription | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            self._closed.set()
            child = self._child
        if child is not None:
            child.kill()

    def _run(self) -> None:
        pause_s, again = self._pause_s, False
        while (child := self._begin()) is not None:
            if again and not self._closed.wait(self._pause_s) and child.poll() is None:
                self._microphones()
                self._loudspeakers()
                pause_s = self._pause_s
            self._pass_on(child)
            again = True
            self._closed.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _begin(self) -> Subscription | None:
        with self._lock:
            self._child = None if self._closed.is_set() else self._subscribe()
            return self._child

    def _pass_on(self, child: Subscription) -> None:
        for line in child.stdout or ():
            if b" on source" in line or b" on server" in line:
                self._microphones()
            if b"'new' on sink #" in line or b"'remove' on sink #" in line:
                self._loudspeakers()
        child.wait()


class Server(Protocol):
    """Answers where sound comes from and where it goes."""

    @property
    def found(self) -> bool:
        """Whether there is a server to ask."""

    def recording_from(self) -> Place | None:
        """Return what this process records from; None where that cannot be known.

        With several streams a monitor comes first: one wrong stream is enough to be told.
        """

    def playing_to(self) -> Place | None:
        """Return what this process plays to; None where that cannot be known."""

    def has_microphone(self) -> bool:
        """Whether any source is more than the monitor of a loudspeaker."""


class PulseServer:
    """Asks the PulseAudio or PipeWire server by `pactl`. See Server."""

    @property
    def found(self) -> bool:
        """See Server."""
        return sys.platform == "linux" and bool(_ask("sources"))

    def recording_from(self) -> Place | None:
        """See Server."""
        places = _used("source-outputs", "source")
        return max(places, key=lambda place: place.monitor, default=None)

    def playing_to(self) -> Place | None:
        """See Server."""
        return next(iter(_used("sink-inputs", "sink")), None)

    def has_microphone(self) -> bool:
        """See Server."""
        return any(not _place(source).monitor for source in _ask("sources"))


def _subscribe() -> Subscription:
    return subprocess.Popen(
        [*_leash(), "pactl", "subscribe"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"LC_ALL": "C"},
        start_new_session=True,
    )


def _leash() -> list[str]:
    """Return the command that ends a child with the thread that started it, where there is one."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def _used(streams: str, kind: str) -> list[Place]:
    """Return the devices of this kind that this process has streams on."""
    own = str(os.getpid())
    used = {
        stream.get(kind)
        for stream in _ask(streams)
        if stream.get("properties", {}).get("application.process.id") == own
    }
    devices = _ask(f"{kind}s") if used else []
    return [_place(device) for device in devices if device.get("index") in used]


def _place(source: dict[str, Any]) -> Place:
    return Place(source["name"], source.get("properties", {}).get("device.class") == "monitor")


def _ask(what: str) -> list[dict[str, Any]]:
    """Return a list of the server's; empty when it cannot be had."""
    command = ["pactl", "--format=json", "list", what]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ANSWER_S, check=False)
        answer = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []
    return answer if isinstance(answer, list) else []
