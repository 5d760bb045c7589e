"""`lares run` and the commands that reach it, with scripted engines and no devices."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from assistant.client import socket_path
from assistant.paths import find_paths
from audio import wav
from integration.lares import COMMAND, Lares
from integration.scripted import command, scripted

LONG = " ".join(f"word{n}" for n in range(400))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return scripted(tmp_path)


@pytest.fixture
def lares(tmp_path: Path, environment: dict[str, str]) -> Iterator[Lares]:
    with Lares(tmp_path, environment) as running:
        yield running


def until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )


def test_ready_names_devices_persona_engines_and_how_to_talk_to_it(lares: Lares) -> None:
    (line,) = [line for line in lares.printed if line.startswith("ready:")]
    assert "microphone none, loudspeaker none, persona nova, stt " in line
    assert "s since start" in line
    assert "lares ask" in line


def test_the_socket_is_its_owners_alone(lares: Lares) -> None:
    path = socket_path(find_paths(lares.environment))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_question_is_answered_with_its_times_and_reported(lares: Lares) -> None:
    asked = lares.command("ask", "Who", "are", "you?")
    assert asked.returncode == 0, asked.stderr
    answer, times = asked.stdout.splitlines()
    assert answer == "You said: Who are you?"
    assert "first word" in times
    assert "transcribe" not in times
    assert "\x1b" not in asked.stdout

    report = json.loads(lares.command("ask", "--json", "-q", "And now?").stdout)
    assert (report["heard"], report["reply"]) == ("And now?", "You said: And now?")
    assert json.loads(lares.command("status", "--last", "--json").stdout) == report


def test_a_second_daemon_names_the_first(lares: Lares, environment: dict[str, str]) -> None:
    second = lares.command("run")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"pid {lares.pid}" in second.stderr
    assert lares.command("status").returncode == 0


def test_ten_kilobytes_are_spoken_whole_and_a_longer_text_is_refused(
    lares: Lares, tmp_path: Path
) -> None:
    words = ["sentence."] * 1000
    said = lares.command("say", " ".join(words), "--out", str(tmp_path / "said.wav"))
    assert said.returncode == 0, said.stderr
    assert wav.read(tmp_path / "said.wav").duration_s == pytest.approx(20.0, rel=0.05)
    too_long = lares.command("say", "a" * 65_537)
    assert too_long.returncode == 1
    assert "65537 bytes" in too_long.stderr


def test_stop_cuts_the_answer_and_the_next_one_works(lares: Lares) -> None:
    asking = subprocess.Popen(
        [*COMMAND, "ask", LONG], env=lares.environment, stdout=subprocess.PIPE, text=True
    )
    lares.event("WordPlayed")
    stopped_s = time.monotonic()
    assert lares.command("stop").returncode == 0
    closed = lares.event("TurnClosed")
    assert time.monotonic() - stopped_s < 3
    shown, _ = asking.communicate(timeout=10)
    assert f"cut off after {closed['report']['cut_at']['word']!r}" in shown
    assert len(closed["report"]["reply"]) < len(LONG)
    assert lares.command("ask", "-q", "Still there?").stdout.startswith("You said: Still there?")


def test_nobody_speaks_after_listen(lares: Lares) -> None:
    heard = lares.command("listen", "--timeout", "1")
    assert heard.returncode == 1
    assert heard.stderr == "lares: nobody spoke in time\n"


def test_talk_shows_the_exchange_until_interrupted(lares: Lares) -> None:
    talking = subprocess.Popen(
        [*COMMAND, "talk"], env=lares.environment, stdout=subprocess.PIPE, text=True
    )
    assert talking.stdout is not None
    assert "nova is idle" in talking.stdout.readline()
    lares.command("ask", "What is this?")
    lines = iter(talking.stdout.readline, "")
    assert "you: What is this?\n" in lines
    assert "  > You said: What is this?\n" in lines
    talking.send_signal(signal.SIGINT)
    assert talking.wait(timeout=5) == 0
    talking.stdout.close()


def test_status_tells_the_truth_while_an_engine_starts_anew(lares: Lares) -> None:
    before = lares.status()["engines"]["llm"]["pid"]
    mark = lares.mark()
    os.kill(before, signal.SIGKILL)
    lares.wait(lambda: lares.status()["engines"]["llm"]["crashes"] == 1)
    lares.event("StageReady", mark, where=lambda told: told["stage"] == "llm")
    after = lares.status()["engines"]["llm"]
    assert after["state"] == "ready"
    assert after["pid"] != before
    assert "llm failed: llm was killed by signal 9" in lares.errors()
    assert "Traceback" not in lares.errors()
    assert "1 crash" in lares.command("status").stdout
    assert lares.command("ask", "-q", "Well?").returncode == 0


def moment_spawned(lares: Lares) -> bool:
    return (find_paths(lares.environment).runtime / "lares.lock").exists()


def moment_children(lares: Lares) -> bool:
    return len(lares.tree()) > 2


def moment_serving(lares: Lares) -> bool:
    return lares.ready_s is not None


def moment_answering(lares: Lares) -> bool:
    return lares.find("WordPlayed") is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("moment", [moment_spawned, moment_children, moment_serving])
def test_a_signal_ends_it_cleanly_at_any_moment(
    tmp_path: Path,
    environment: dict[str, str],
    moment: Callable[[Lares], bool],
    number: signal.Signals,
) -> None:
    with Lares(tmp_path, environment, wait=False) as lares:
        lares.wait(lambda: moment(lares))
        family = lares.tree()
        os.kill(lares.pid, number)
        assert lares.process.wait(timeout=5) == 0, lares.errors()
        until(lambda: gone(family), within_s=2)
        assert not socket_path(find_paths(lares.environment)).exists()


def test_a_signal_while_it_answers_ends_it_cleanly(lares: Lares) -> None:
    asking = subprocess.Popen(
        [*COMMAND, "ask", LONG],
        env=lares.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lares.wait(lambda: moment_answering(lares))
    family = lares.tree()
    code, took_s = lares.end()
    assert code == 0
    assert took_s < 5
    until(lambda: gone(family), within_s=2)
    _, errors = asking.communicate(timeout=10)
    assert asking.returncode == 1
    assert "the daemon left" in errors


def test_after_a_killed_daemon_no_process_is_left_and_the_next_one_starts(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with Lares(tmp_path, environment) as first:
        family = first.tree()
        assert len(family) == 5
        first.process.kill()
        until(lambda: gone(family), within_s=5)
        assert socket_path(find_paths(first.environment)).is_socket()
    assert command(tmp_path, environment, "status").returncode == 1
    with Lares(tmp_path, environment) as second:
        assert second.command("ask", "-q", "Hello?").returncode == 0


def test_on_a_terminal_the_persona_greets_and_a_closed_terminal_ends_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folders = {"LARES_STATE_DIR": str(tmp_path / "state"), "LARES_CONFIG_DIR": str(tmp_path)}
    ours, theirs = os.openpty()
    running = subprocess.Popen(
        [*COMMAND, "run"],
        env={**environment, **folders},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        shown = b""
        while b"Nova: Hello" not in shown:
            shown += terminal.read(4096)
        assert shown.startswith(b"ready: ")
    running.send_signal(signal.SIGHUP)
    assert running.wait(timeout=5) == 0
