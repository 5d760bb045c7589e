"""What breaks while it runs, and what becomes of the conversation then."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

from integration.lares import COMMAND, Lares
from integration.pulse import missing
from integration.room import STEADY, Room

pytestmark = [
    pytest.mark.engines,
    pytest.mark.room,
    pytest.mark.skipif(bool(missing()), reason=f"a room needs {missing()}"),
]

STOPS_WITHIN_S = 5.0
READY_WITHIN_S = 3.0
PLAYER_S = 0.3
"""A player begins to sound about so long after it was started."""
GONE_WITHIN_S = 1.0
"""Children without a parent have so long to end."""
DEAF = {"LARES_AUDIO__MICROPHONE": "none", "LARES_AUDIO__LOUDSPEAKER": "none"}
ATLAS = ("--persona", "atlas")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with Room(tmp_path_factory.mktemp("room"), *ATLAS) as room:
        yield room


@pytest.mark.parametrize("victim", ["tts", "llm", "stt", "audio"])
def test_a_killed_process_costs_one_turn_at_most(room: Room, victim: str) -> None:
    room.quiet()
    before = part(room.lares, victim)
    mark = room.lares.mark()
    room.pulse.say(room.clip("Tell me a story."))
    room.lares.event("PlaybackStarted", mark)
    psutil.Process(before["pid"]).kill()

    report = room.closed(mark)
    assert report["heard"] == "Tell me a story."
    if victim == "audio":
        assert report["cut_at"] is not None
    else:
        assert report["handled_by"] == "apology" or report["cut_at"] is None
    room.lares.event("StageFailed", mark, where=lambda told: told["stage"] == victim)
    room.lares.wait(lambda: part(room.lares, victim)["state"] == "ready", within_s=10.0)
    after = part(room.lares, victim)
    assert after["pid"] != before["pid"]
    assert after["crashes"] == before["crashes"] + 1
    room.quiet()
    room.lares.wait(lambda: room.lares.status()["phase"] == "idle")

    exchange = room.exchange("Who are you?")
    assert exchange.report["heard"] == "Who are you?"
    assert exchange.report["handled_by"] == "model"


@pytest.mark.parametrize("victim", ["stt", "llm", "tts"])
def test_an_engine_killed_before_it_answered_is_apologised_for(room: Room, victim: str) -> None:
    room.quiet()
    frozen = psutil.Process(part(room.lares, victim)["pid"])
    frozen.suspend()
    mark = room.lares.mark()
    room.pulse.say(room.clip("Who are you?"))
    waits_for = {"stt": "TurnEnded", "llm": "TurnOpened", "tts": "ClauseWritten"}[victim]
    room.lares.event(waits_for, mark)
    frozen.kill()
    report = room.closed(mark)
    assert report["handled_by"] == "apology"
    assert victim in report["error"]
    assert room.exchange("Who are you?").report["handled_by"] == "model"


def test_sleep_of_four_seconds_is_over_within_three_and_nothing_said_meanwhile_is_answered(
    room: Room,
) -> None:
    sleep_and_wake(room, asleep_s=4.0)


@pytest.mark.slow
def test_sleep_of_a_minute_is_over_within_three_seconds(room: Room) -> None:
    sleep_and_wake(room, asleep_s=60.0)


@pytest.mark.parametrize("moment", ["loading", "ready", "speaking"])
def test_sigterm_ends_it_within_five_seconds_and_leaves_no_process(
    tmp_path: Path, moment: str
) -> None:
    with Room(tmp_path, *ATLAS) as room:
        lares = room.lares
        if moment == "loading":
            lares.end(within_s=STOPS_WITHIN_S)
            (tmp_path / "again").mkdir()
            lares = Lares(tmp_path / "again", room.environment, wait=False)
            wait(lambda: len(lares.tree()) > 3, within_s=10.0)
        elif moment == "speaking":
            mark = lares.mark()
            ask = lares.start("ask", "Tell me a story.")
            lares.event("PlaybackStarted", mark)
        family = lares.tree()
        status, took_s = lares.end(within_s=STOPS_WITHIN_S + 5.0)
        assert status == 0, lares.errors()
        assert took_s < STOPS_WITHIN_S
        wait(lambda: not [p for p in family if alive(p)], within_s=GONE_WITHIN_S)
        if moment == "speaking":
            assert ask.wait(timeout=10) == 1
        if moment == "loading":
            lares.close()


def test_a_killed_daemon_leaves_no_process(tmp_path: Path) -> None:
    lares = deaf(tmp_path)
    try:
        family = lares.tree()
        lares.process.kill()
        wait(lambda: not [p for p in family[1:] if alive(p)], within_s=2 * GONE_WITHIN_S)
    finally:
        lares.close()


def test_a_second_daemon_on_the_same_devices_names_the_first(room: Room, tmp_path: Path) -> None:
    environment = room.environment | {"LARES_STATE_DIR": str(tmp_path / "state")}
    done = run(environment, "run")
    assert done.returncode == 1
    assert str(room.lares.pid) in one_line(done.stderr)


def test_a_second_daemon_in_the_same_folders_names_the_first(tmp_path: Path) -> None:
    lares = deaf(tmp_path)
    try:
        done = run(lares.environment, "run")
        assert done.returncode == 1
        assert str(lares.pid) in one_line(done.stderr)
        assert lares.status()["phase"] == "idle"
    finally:
        lares.close()


def test_a_truncated_model_is_refused_and_never_opened(tmp_path: Path) -> None:
    model = tmp_path / "short.gguf"
    model.write_bytes(b"GGUF" + bytes(4096))
    done = run(
        environment(tmp_path) | {"LARES_LLM__ENGINE": "llama", "LARES_LLM__MODEL": str(model)},
        "run",
    )
    assert done.returncode == 1
    assert str(model) in one_line(done.stderr)


def test_a_file_in_place_of_the_state_folder_is_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("not a folder")
    done = run(environment(tmp_path) | {"LARES_STATE_DIR": str(state)}, "run")
    assert done.returncode == 1
    assert str(state) in one_line(done.stderr)


def test_ten_kilobytes_are_spoken_until_somebody_says_stop(tmp_path: Path) -> None:
    lares = deaf(tmp_path)
    try:
        text = "It is nine o'clock. " * 512
        mark = lares.mark()
        saying = lares.start("say", text)
        lares.event("PlaybackStarted", mark)
        assert lares.command("stop").returncode == 0
        report = lares.event("TurnClosed", mark, within_s=5.0)["report"]
        assert report["cut_at"] is not None
        saying.wait(timeout=10)
        lares.wait(lambda: lares.status()["phase"] == "idle", within_s=5.0)
    finally:
        lares.close()


def test_clients_that_talk_nonsense_or_leave_hurt_nobody(tmp_path: Path) -> None:
    lares = deaf(tmp_path)
    try:
        path = tmp_path / "state" / "run" / "lares.sock"
        for data in (b"", b"\n", b"{}\n", b"\xff\xfe\n", b'{"command":"ask"}\n', b"x" * 200_000):
            with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
                client.connect(str(path))
                client.sendall(data)
        assert path.stat().st_mode & 0o777 == 0o600
        assert lares.command("ask", "--quiet", "Who are you?").returncode == 0
    finally:
        lares.close()


def sleep_and_wake(room: Room, *, asleep_s: float) -> None:
    """Freeze the daemon with its children, speak to it, thaw it; then speak again."""
    room.quiet()
    room.lares.wait(lambda: room.lares.status()["phase"] == "idle")
    mark = room.lares.mark()
    question = room.clip("What time is it?")
    room.lares.signal(signal.SIGSTOP)
    try:
        asleep_since = room.pulse.now_s
        room.pulse.say(question)
        room.pulse.wait(
            lambda: room.pulse.now_s >= asleep_since + asleep_s, within_s=asleep_s + 10.0
        )
    finally:
        woke_s = room.pulse.now_s
        room.lares.signal(signal.SIGCONT)
    room.pulse.wait(lambda: room.pulse.now_s >= woke_s + READY_WITHIN_S - PLAYER_S)
    assert room.exchange("Who are you?").report["heard"] == "Who are you?"
    opened = [t["heard"] for t in room.lares.events[mark:] if t["event"] == "TurnOpened"]
    assert opened == ["Who are you?"]


def part(lares: Lares, name: str) -> dict[str, Any]:
    """Return what the status tells of a child."""
    status = lares.status()
    found: dict[str, Any] = status["audio"] if name == "audio" else status["engines"][name]
    return found


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a daemon that uses no devices."""
    return {
        **os.environ,
        **DEAF,
        **STEADY,
        "LARES_STATE_DIR": str(folder / "state"),
        "LARES_CONFIG_DIR": str(folder / "config"),
    }


def deaf(folder: Path) -> Lares:
    """Start a daemon that uses no devices."""
    return Lares(folder, environment(folder))


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def one_line(text: str) -> str:
    """Return the only line of a text that tells of an error."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert "Traceback" not in text
    assert len(lines) == 1, text
    return lines[0]


def wait(true: Callable[[], bool], *, within_s: float) -> None:
    """Return as soon as `true()` is; fail when it is not in time."""
    deadline = monotonic() + within_s
    while not true():
        assert monotonic() < deadline, f"did not come true within {within_s:g} s"
        sleep(0.02)


def alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; a zombie does not."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
