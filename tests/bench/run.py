"""`make bench`: measures, prints a table, writes build/bench.json.

With --docs it also writes docs/benchmarks.md. A missed aim fails nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.figures import Figure
    from integration.room import Room

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Measure everything; return the exit status."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from bench.figures import machine, page, show, write_json

    where = machine()
    figures = list(_measure())
    show(where, figures)
    write_json(ROOT / "build" / "bench.json", where, figures)
    if "--docs" in sys.argv[1:]:
        (ROOT / "docs" / "benchmarks.md").write_text(page(where, figures), encoding="utf-8")
    return 0


def _measure() -> Iterator[Figure]:
    from bench import conversation, parts, processes
    from integration.pulse import missing
    from integration.room import Room

    yield from _timed("bus", parts.bus)
    yield from _timed("ears", parts.ears)
    if lacking := missing():
        print(f"no simulated room here: it needs {lacking}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="lares-bench-") as folder, Room(Path(folder)) as room:
        for name, measure in (
            ("idle", processes.idle),
            ("voice to voice", conversation.voice_to_voice),
            ("talking over it", conversation.cut_in),
            ("start", processes.start_up),
        ):
            yield from _timed(name, _in(room, measure))


def _in(room: Room, measure: Callable[[Room], Iterator[Figure]]) -> Callable[[], Iterator[Figure]]:
    return lambda: measure(room)


def _timed(name: str, measure: Callable[[], Iterator[Figure]]) -> list[Figure]:
    began_s = time.monotonic()
    print(f"measuring {name} ...", flush=True)
    figures = list(measure())
    print(f"  took {time.monotonic() - began_s:.0f} s", flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
