"""The audio process: `python -P -m audio.worker`.

Takes commands on stdin, tells facts on stdout, ends when stdin does. It says `ready` before numpy
is imported, and no command waits for a device.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from audio.outbox import Outbox
from audio.parent import die_with_parent
from audio.wire import Packet, WireError, read

if TYPE_CHECKING:
    from audio.desk import Desk

GRACE_S = 0.8
"""Longest time between the end of the input and the end of this process, s."""

STATS_S = 10.0

_STALLED_HINT = "the audio process is started anew"


def main() -> None:
    """Serve until stdin ends."""
    die_with_parent()
    # Native libraries print to file descriptor 1; keep the pipe for ourselves.
    outbox = Outbox(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    outbox.put(Packet("ready", 0))
    writer = threading.Thread(target=outbox.run, name="writer", daemon=True)
    writer.start()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from audio.desk import Desk

    desk = Desk(outbox, guarded, lambda text: _give_up(text, outbox, writer))
    threading.Thread(target=_tell_stats, args=(desk,), name="stats", daemon=True).start()
    _obey(desk, sys.stdin.buffer, outbox)
    leaving = threading.Thread(target=_leave, args=(desk, outbox, writer), daemon=True)
    leaving.start()
    leaving.join(GRACE_S)
    os._exit(0)


def guarded(body: Callable[[], None], failed: Callable[[str], None]) -> None:
    """Run the body of a thread; tell `failed` in words what it raised."""
    try:
        body()
    except Exception as error:  # a thread that dies unheard leaves its line deaf
        traceback.print_exc()
        failed(f"{type(error).__name__}: {error}")


def _give_up(text: str, outbox: Outbox, writer: threading.Thread) -> None:
    """End this process, so that a new one is started: the sound system hangs."""
    fields = {"line": None, "code": "stalled", "text": text, "hint": _STALLED_HINT}
    outbox.put(Packet("fault", 0, fields))
    outbox.close()
    writer.join(GRACE_S)
    os._exit(1)


def _obey(desk: Desk, commands: BinaryIO, outbox: Outbox) -> None:
    try:
        while (packet := read(commands)) is not None:
            try:
                desk.obey(packet)
            except Exception as error:  # one bad command must not silence the others
                traceback.print_exc()
                text = f"{packet.kind}: {type(error).__name__}: {error}"
                outbox.put(desk.refusal(packet, text))
    except WireError:
        traceback.print_exc()


def _tell_stats(desk: Desk) -> None:
    waiting = threading.Event()
    while not waiting.wait(STATS_S):
        desk.tell_stats()


def _leave(desk: Desk, outbox: Outbox, writer: threading.Thread) -> None:
    try:
        desk.close()
    finally:
        outbox.close()
        writer.join()


if __name__ == "__main__":
    main()
