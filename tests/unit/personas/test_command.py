from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assistant.cli.personas import app


class Home:
    """A config folder of its own and the command that works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"LARES_CONFIG_DIR": str(self.folder)})

    def write(self, name: str, text: str) -> Path:
        file = self.folder / "personas" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_list_marks_the_persona_that_answers(home: Home) -> None:
    home.write("ada.yaml", "schema: 1\nnmae: Ada\n")
    lines = home.run("list").stdout.splitlines()
    assert [line.split()[:2] for line in lines if "*" in line] == [["*", "nova"]]
    assert any("broken: lares personas check" in line for line in lines)


def test_use_is_remembered_and_takes_a_name(home: Home) -> None:
    assert home.run("use", "SAGE").exit_code == 0
    assert json.loads(home.run("list", "--json").stdout)["active"] == "sage"


def test_use_of_an_unknown_persona_names_the_nearest(home: Home) -> None:
    result = home.run("use", "nowa")
    assert result.exit_code == 1
    assert result.stderr == "lares: no persona named 'nowa'; did you mean 'nova'?\n"
    assert not (home.folder / "lares.toml").exists()


def test_show_prints_character_voice_and_greeting(home: Home) -> None:
    shown = home.run("show", "sage").stdout
    assert "lighthouse" in shown
    assert "else en-gb-scotland+f4" in shown
    data = json.loads(home.run("show", "nova", "--json").stdout)
    assert (data["id"], data["active"], data["schema"]) == ("nova", True, "1")
    assert data["told"][0]["role"] == "system"


def test_check_prints_every_finding_with_its_line(home: Home) -> None:
    file = home.write("ada.yaml", "schema: 1\nnmae: Ada\nname: Ada\nvoice: {speed: 9}\n")
    result = home.run("check", str(file))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{file}:2:1: nmae: unknown key; did you mean 'name'?",
        f"{file}:4:9: voice.speed: should be less than or equal to 2, not '9'",
    ]
    rows = json.loads(home.run("check", str(file), "--json").stdout)["findings"]
    assert [row["line"] for row in rows] == [2, 4]


def test_check_of_a_right_file_says_so(home: Home) -> None:
    file = home.write("ada.yaml", "schema: 1\nname: Ada\n")
    result = home.run("check", str(file))
    assert (result.exit_code, result.stdout) == (0, f"{file}: Ada (ada) is right\n")


def test_check_of_a_missing_file_is_one_line(home: Home) -> None:
    result = home.run("check", str(home.folder / "none.yaml"))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
