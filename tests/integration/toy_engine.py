"""An engine for tests: counts, crashes, hangs and prints on demand."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping

from audio.wire import Packet


class Toy:
    """Does what the request's kind says."""

    def __init__(self) -> None:
        self._warmed = 0
        self.facts: dict[str, object] = {"device": "cpu"}

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        match request.kind:
            case "count":
                for n in range(int(request.fields["n"])):
                    if stopped():
                        return
                    yield Packet("tick", request.id, {"n": n}, request.payload)
                    threading.Event().wait(float(request.fields.get("step_s", 0.001)))
                yield Packet("done", request.id, {"total": request.fields["n"]})
            case "warm":
                self._warmed += 1
            case "warmed":
                yield Packet("done", request.id, {"times": self._warmed})
            case "noise":
                print("python noise", flush=True)
                libc = ctypes.CDLL(None)
                libc.puts(b"native noise")
                libc.fflush(None)
                yield Packet("tick", request.id, {"n": 0})
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                threading.Event().wait(60)
            case "raise":
                raise ValueError("bad model")


def load(options: Mapping[str, object]) -> Toy:
    """Return the engine, or fail as the options say."""
    match options.get("start"):
        case "die":
            sys.exit(3)
        case "raise":
            raise ValueError("model.bin: truncated; run: lares models pull embedded")
        case "hang":
            threading.Event().wait(60)
    return Toy()
