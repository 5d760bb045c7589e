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

ENGINES = {
    "LARES_AUDIO__MICROPHONE": "none",
    "LARES_AUDIO__LOUDSPEAKER": "none",
    "LARES_STT__ENGINE": "scripted-stt",
    "LARES_LLM__ENGINE": "scripted-llm",
    "LARES_TTS__ENGINE": "scripted-tts",
    "LARES_TTS__WORD_MS": "20",
}
LONG = " ".join(f"word{n}" for n in range(400))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("LARES_")}
    return {**own, "LARES_DATA_DIR": str(tmp_path / "data"), **ENGINES}


@pytest.fixture
def lares(tmp_path: Path, environment: dict[str, str]) -> Iterator[Lares]:
    with Lares(tmp_path, environment) as running:
        yield running


def command(
    tmp_path: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in the same folders, where no daemon runs."""
    folders = {
        "LARES_STATE_DIR": str(tmp_path / "state"),
        "LARES_CONFIG_DIR": str(tmp_path / "config"),
    }
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**folders, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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


def test_everything_that_is_wrong_is_told_at_once_and_nothing_starts(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    file = tmp_path / "config" / "lares.toml"
    file.parent.mkdir()
    file.write_text('[session]\nperson = "nova"\n[audio]\nspeech_threshold = "loud"\n')
    ran = command(tmp_path, environment, "run")
    assert ran.returncode == 1
    assert f"{file}:2: session.person: unknown key; did you mean 'persona'?" in ran.stderr
    assert f"{file}:4: audio.speech_threshold" in ran.stderr
    assert "Traceback" not in ran.stderr
    checked = command(tmp_path, environment, "check")
    assert checked.returncode == 1
    assert "error settings" in checked.stdout


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    for arguments in (["run"], ["ask", "-q", "Hello?"]):
        ran = command(tmp_path, environment, *arguments)
        assert ran.returncode == 1
        assert f"{tmp_path / 'state'}" in ran.stderr.splitlines()[-1]
        assert "Traceback" not in ran.stderr


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


def test_an_unknown_persona_is_answered_with_the_nearest(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    ran = command(tmp_path, environment, "run", "--persona", "novva")
    assert (ran.returncode, ran.stderr) == (
        1,
        "lares: no persona named 'novva'; did you mean 'nova'?\n",
    )


def test_without_a_daemon_a_private_one_answers(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    out = tmp_path / "reply.wav"
    asked = command(tmp_path, environment, "ask", "Who are you?", "--json", "--out", str(out))
    assert asked.returncode == 0, asked.stderr
    report = json.loads(asked.stdout)
    assert report["reply"] == "You said: Who are you?"
    assert wav.read(out).duration_s == pytest.approx(0.1, abs=0.05)
    assert "no daemon runs" in asked.stderr


def test_a_private_daemon_whose_engine_cannot_start_says_why(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    asked = command(tmp_path, {**environment, "LARES_LLM__ENGINE": "llama"}, "ask", "-q", "Hello?")
    assert asked.returncode == 1
    assert "lares models pull" in asked.stderr.splitlines()[-1]
    assert "Traceback" not in asked.stderr


def test_a_recording_without_a_voice_says_so(tmp_path: Path, environment: dict[str, str]) -> None:
    silence = Path(__file__).parents[1] / "fixtures" / "wav" / "silence-01.wav"
    asked = command(tmp_path, environment, "ask", "--wav", str(silence))
    assert asked.returncode == 1
    assert f"{silence}: nothing was heard in it" in asked.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["ask"], 2, "name a question"),
        (["say"], 2, "name the words"),
        (["ask", " "], 1, "the text is empty"),
        (["ask", "--wav", "/dev/null"], 1, "an empty file"),
        (["ask", "--wav", "none.wav"], 1, "none.wav: cannot be read"),
        (["ask", "hello", "--out", "/nowhere/x.wav"], 1, "make it first"),
        (["status"], 1, "no daemon runs"),
        (["stop"], 1, "no daemon runs"),
        (["talk"], 1, "no daemon runs"),
        (["listen", "--timeout", "0"], 2, "timeout"),
        (["run", "--config", "none.toml"], 1, "none.toml: no such file"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_a_wrong_command_fails_with_clear_words(
    tmp_path: Path, environment: dict[str, str], arguments: list[str], code: int, text: str
) -> None:
    ran = command(tmp_path, environment, *arguments)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert text in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_folder_with_too_long_a_path_for_a_socket_is_named(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    deep = str(tmp_path / ("deep" * 30))
    ran = command(tmp_path, {**environment, "LARES_RUNTIME_DIR": deep}, "run")
    assert ran.returncode == 1
    assert "LARES_RUNTIME_DIR" in ran.stderr
