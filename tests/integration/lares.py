"""A running `lares run` as the tests see it: what it prints, what it tells, whether it lives."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from assistant.client import Client, socket_path
from assistant.errors import RequestError
from assistant.paths import find_paths

Told = dict[str, Any]
"""An event as JSON; its name is under `event`."""

COMMAND = [str(Path(sys.executable).with_name("lares"))]
_TICK_S = 0.02


class Lares:
    """`lares run` in folders of its own; it is ready when the constructor returns."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *arguments: str,
        wait: bool = True,
        within_s: float = 30.0,
    ) -> None:
        """Start it.

        folder: for its state and configuration. environment: says where its devices are.
        wait: False returns at once. within_s: longest time to `ready:`.
        """
        self.environment = {
            "LARES_STATE_DIR": str(folder / "state"),
            "LARES_CONFIG_DIR": str(folder / "config"),
            **environment,
        }
        self.printed: list[str] = []
        self.events: list[Told] = []
        self.ready_s: float | None = None
        """Start to the `ready:` line, s; None until it came."""
        self._errors = folder / "stderr"
        began_s = time.monotonic()
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, "run", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._threads = [
            threading.Thread(target=run, args=args, daemon=True)
            for run, args in ((self._read, (began_s,)), (self._watch, ()))
        ]
        for thread in self._threads:
            thread.start()
        if wait:
            try:
                self.wait_ready(within_s=within_s)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Id of the daemon's process."""
        return self.process.pid

    def tree(self) -> list[psutil.Process]:
        """Return the daemon and every process under it that lives now."""
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def errors(self) -> str:
        """Return what it wrote to standard error."""
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def wait(self, true: Callable[[], bool], *, within_s: float = 30.0) -> None:
        """Return as soon as `true()` is; fail when it is not in time, or the daemon ended."""
        deadline = time.monotonic() + within_s
        while not true():
            code = self.process.poll()
            assert code is None, f"lares ended with {code}: {self.printed} {self.errors()}"
            assert time.monotonic() < deadline, (
                f"did not come true within {within_s:g} s; last told: {self.events[-5:]}"
            )
            time.sleep(_TICK_S)

    def wait_ready(self, *, within_s: float = 30.0) -> None:
        """Wait for the `ready:` line, and for every engine."""
        self.wait(lambda: self.ready_s is not None, within_s=within_s)
        self.wait(lambda: self.status()["engines_ready"], within_s=within_s)

    def status(self) -> dict[str, Any]:
        """Return what `lares status --json` prints; `engines_ready` is added."""
        client = Client.connect(socket_path(find_paths(self.environment)))
        assert client is not None, "no daemon answers"
        (answer,) = client.send({"command": "status"})
        status: dict[str, Any] = answer["status"]
        engines = status["engines"].values()
        return {**status, "engines_ready": all(e["state"] == "ready" for e in engines)}

    def command(self, *arguments: str, within_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a `lares` command against this daemon."""
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a `lares` command against this daemon and let it run."""
        return subprocess.Popen(
            [*COMMAND, *arguments], env=self.environment, stdout=subprocess.DEVNULL
        )

    def mark(self) -> int:
        """Return a mark between the events so far and those to come."""
        return len(self.events)

    def find(
        self, name: str, mark: int = 0, where: Callable[[Told], bool] | None = None
    ) -> Told | None:
        """Return the first such event after `mark`."""
        for told in self.events[mark:]:
            if told["event"] == name and (where is None or where(told)):
                return told
        return None

    def event(
        self,
        name: str,
        mark: int = 0,
        *,
        where: Callable[[Told], bool] | None = None,
        within_s: float = 30.0,
    ) -> Told:
        """Wait for such an event after `mark` and return it."""
        self.wait(lambda: self.find(name, mark, where) is not None, within_s=within_s)
        found = self.find(name, mark, where)
        assert found is not None
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the daemon and every process under it, children first."""
        for process in reversed(self.tree()):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def end(self, *, within_s: float = 5.0) -> tuple[int, float]:
        """Ask it to end by SIGTERM; return its exit status and how long it took, s."""
        began_s = time.monotonic()
        self.process.terminate()
        return self.process.wait(timeout=within_s), time.monotonic() - began_s

    def close(self) -> None:
        """End it, whatever state it is in."""
        family = self.tree()
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=8)
        for process in reversed(family):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self, began_s: float) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line.rstrip("\n"))
            if line.startswith("ready:"):
                self.ready_s = time.monotonic() - began_s

    def _watch(self) -> None:
        path = socket_path(find_paths(self.environment))
        while self.process.poll() is None:
            if path.exists() and (client := Client.connect(path)) is not None:
                with suppress(RequestError):
                    for answer in client.send({"command": "watch"}):
                        assert answer["kind"] != "lost", answer
                        if answer["kind"] == "event":
                            self.events.append(answer["event"])
            time.sleep(_TICK_S)
