"""Serves one engine in its own process: `python -P -m audio.host MODULE`.

If the engine segfaults, leaks or hangs, only this process is lost. The module's `load(options)`
imports the native library here and nowhere else. One thread reads the pipe, so cancels and
heartbeats get through while native code computes on the main thread.
"""

from __future__ import annotations

import heapq
import importlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Protocol

from audio.parent import die_with_parent
from audio.wire import Packet, WireError, encode, read

GRACE_S = 1.0
"""Longest time between the end of the input and the end of this process, s."""


class Engine(Protocol):
    """What an engine module's load(options) returns."""

    facts: dict[str, object]
    """Told once with `ready`: device, model, library."""

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Yield replies that carry request.id; return early once stopped() is true.

        The host adds the terminal packet; the fields of a last reply of kind `done` go into it.
        """


class Jobs:
    """Requests by priority, then age. A cancelled one never starts."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Packet]] = []
        self._alive: set[int] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._count = 0

    def put(self, request: Packet) -> None:
        """Queue a request; its field `priority` (lower is sooner) defaults to 0."""
        with self._changed:
            self._count += 1
            self._alive.add(request.id)
            priority = int(request.fields.get("priority", 0))
            heapq.heappush(self._heap, (priority, self._count, request))
            self._changed.notify()

    def next(self) -> Packet | None:
        """Wait for a request; None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._heap or self._closed)
            return None if self._closed else heapq.heappop(self._heap)[2]

    def cancel(self, ident: int) -> None:
        """Let the request stop, or never start. An id that is done is forgotten already."""
        with self._changed:
            self._alive.discard(ident)

    def cancelled(self, ident: int) -> bool:
        """Tell whether the request should stop."""
        return ident not in self._alive

    def close(self) -> None:
        """Cancel everything and end next()."""
        with self._changed:
            self._closed = True
            self._alive.clear()
            self._changed.notify()


class Pipe:
    """Standard output, shared by the two threads."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, packet: Packet) -> None:
        """Write one whole packet."""
        with self._lock:
            self._stream.write(encode(packet))
            self._stream.flush()


def serve(load: Callable[[Mapping[str, object]], Engine]) -> None:
    """Load the engine, say `ready`, then answer requests until standard input ends.

    Never returns: native threads may outlive any orderly way to leave.
    """
    pipe = Pipe(claim_stdout())
    die_with_parent()
    code = 0
    try:
        first = read(sys.stdin.buffer)
        if first is not None:
            engine = load(first.fields)
            pipe.send(Packet("ready", 0, engine.facts))
            _answer_all(engine, pipe)
    except BrokenPipeError:
        pass
    except Exception as error:  # the parent must learn why there is no engine
        traceback.print_exc()
        pipe.send(Packet("error", 0, {"text": str(error) or type(error).__name__}))
        code = 1
    sys.stderr.flush()
    os._exit(code)


def _answer_all(engine: Engine, pipe: Pipe) -> None:
    jobs = Jobs()
    threading.Thread(target=_listen, args=(jobs, pipe), name="listen", daemon=True).start()
    while (request := jobs.next()) is not None:
        pipe.send(_answer(engine, request, jobs, pipe))
        jobs.cancel(request.id)


def _answer(engine: Engine, request: Packet, jobs: Jobs, pipe: Pipe) -> Packet:
    """Stream the replies; return the terminal packet."""
    if jobs.cancelled(request.id):
        return Packet("stopped", request.id)
    pipe.send(Packet("started", request.id))
    summary: dict[str, object] = {}
    try:
        for reply in engine.answer(request, lambda: jobs.cancelled(request.id)):
            if reply.kind == "done":
                summary = reply.fields
            elif not jobs.cancelled(request.id):
                pipe.send(reply)
    except BrokenPipeError:
        raise
    except Exception as error:  # one request failed; the parent decides what that means
        if not jobs.cancelled(request.id):
            traceback.print_exc()
            return Packet("error", request.id, {"text": str(error) or type(error).__name__})
    if jobs.cancelled(request.id):
        return Packet("stopped", request.id)
    return Packet("done", request.id, dict(summary))


def _listen(jobs: Jobs, pipe: Pipe) -> None:
    try:
        while (packet := read(sys.stdin.buffer)) is not None:
            match packet.kind:
                case "cancel":
                    jobs.cancel(packet.id)
                case "ping":
                    pipe.send(Packet("pong", packet.id))
                case _:
                    jobs.put(packet)
    except (WireError, BrokenPipeError) as error:
        sys.stderr.write(f"the pipe to the daemon broke: {error}\n")
    finally:
        jobs.close()
        timer = threading.Timer(GRACE_S, os._exit, args=(0,))
        timer.daemon = True
        timer.start()


def claim_stdout() -> BinaryIO:
    """Return standard output for packets alone; native libraries print to descriptor 1."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


if __name__ == "__main__":
    serve(lambda options: importlib.import_module(sys.argv[1]).load(options))
