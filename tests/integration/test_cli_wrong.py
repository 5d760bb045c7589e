"""Commands where something is wrong, and where no daemon runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audio import wav
from integration.scripted import command, scripted


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return scripted(tmp_path)


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
