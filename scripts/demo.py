"""A spoken conversation without any device: `make demo`.

In a simulated room somebody asks five things aloud, one of them a follow-up, and cuts one answer
off. `lares run` answers. What both sides said lies in build/demo.wav afterwards: the user on the
left, the assistant on the right.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from integration.pulse import Recording
    from integration.room import Room

ROOT = Path(__file__).parents[1]
SOUND = ROOT / "build" / "demo.wav"
QUESTIONS = (
    "Who are you?",
    "What is the weather in London?",
    "My favorite color is purple.",
    "What is my favorite color?",
)
LONG = ("Tell me a story.", "Tell me a joke.", "Who are you?")
"""Questions whose answer is cut off, tried in turn: an answer may be too short for that."""
CUT_IN = "Good night Nova."
CUT_AFTER_MS = 1_200
"""So much of an answer is heard before somebody cuts in."""


class Failed(Exception):
    """The demonstration did not work; its text says in one line what was wrong."""


@dataclass(frozen=True)
class Row:
    """One turn of the conversation."""

    report: Mapping[str, Any]
    voice_to_voice_s: float | None
    """Read from the recording."""


def main() -> int:
    """Run the demonstration; return the exit status."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from integration.pulse import missing

    if lacking := missing():
        return _complain(
            f"the simulated room needs {lacking}: install PulseAudio, "
            f"for example with: apt-get install -y pulseaudio pulseaudio-utils"
        )
    try:
        with tempfile.TemporaryDirectory(prefix="lares-demo-") as folder:
            rows = _converse(Path(folder))
    except Failed as failed:
        return _complain(str(failed))
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        return _complain(f"the room broke down: {' '.join(str(error).split())[:500]}")
    _show(rows)
    return 0


def _complain(text: str) -> int:
    print(f"demo: {text}", file=sys.stderr)
    return 1


def _converse(folder: Path) -> list[Row]:
    from integration.room import Room

    print("starting the room and the assistant ...", flush=True)
    with Room(folder, "--persona", "nova") as room:
        print(*room.lares.printed, sep="\n", flush=True)
        rows = [_ask(room, question) for question in QUESTIONS]
        rows += _cut_in(room)
        _write(room.recording())
    return rows


def _ask(room: Room, question: str) -> Row:
    exchange = room.exchange(question)
    _check(exchange.report)
    print(f"  {question}  ->  {exchange.report['reply']}", flush=True)
    return Row(exchange.report, exchange.voice_to_voice_s)


def _cut_in(room: Room) -> list[Row]:
    for question in LONG:
        mark = room.lares.mark()
        room.pulse.say(room.clip(question))

        def heard_enough(mark: int = mark) -> bool:
            enough = room.lares.find(
                "WordPlayed", mark, lambda told: bool(told["heard_ms"] > CUT_AFTER_MS)
            )
            return bool(enough or room.lares.find("TurnClosed", mark))

        room.lares.wait(heard_enough)
        if room.lares.find("TurnClosed", mark) is None:
            room.pulse.say(room.clip(CUT_IN))
            cut = room.closed(mark)
            if cut["cut_at"] is not None:
                after = room.closed(mark, turn=cut["turn"] + 1)
                _check(cut)
                _check(after)
                room.quiet()
                print(f"  {question}  ->  {cut['reply']} [cut off]", flush=True)
                print(f"  {CUT_IN}  ->  {after['reply']}", flush=True)
                return [Row(cut, None), Row(after, None)]
        room.quiet()
    raise Failed("no answer was long enough to be cut off")


def _check(report: Mapping[str, Any]) -> None:
    what = f"turn {report['turn']}"
    if not report["heard"]:
        raise Failed(f"{what}: nothing was understood")
    if report["error"] or report["handled_by"] != "model":
        raise Failed(f"{what} ({report['heard']!r}) failed: {report['error']}")
    if not report["reply"]:
        raise Failed(f"{what} ({report['heard']!r}) was not answered")


def _write(heard: Recording) -> None:
    from integration.pulse import RATE

    both = np.stack([heard.mic, heard.speaker], axis=1)
    SOUND.parent.mkdir(exist_ok=True)
    with wave.open(str(SOUND), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((both * 32767.0).astype("<i2").tobytes())


def _show(rows: list[Row]) -> None:
    table = Table(title="What was said in the room")
    for name in ("turn", "heard", "reply", "cut at", "voice to voice"):
        table.add_column(name, overflow="fold")
    for row in rows:
        report, cut = row.report, row.report["cut_at"]
        took_s = row.voice_to_voice_s or (report["ms"]["voice_to_voice"] or 0.0) / 1000
        table.add_row(
            str(report["turn"]),
            report["heard"],
            report["reply"],
            f"{cut['word']!r}, {cut['ms'] / 1000:.1f} s" if cut else "",
            f"{took_s:.2f} s",
        )
    console = Console()
    console.print(table)
    console.print(f"both sides: {SOUND.relative_to(ROOT)} (left: user, right: assistant)")


if __name__ == "__main__":
    sys.exit(main())
