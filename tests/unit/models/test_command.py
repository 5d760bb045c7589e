from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli.models import app
from assistant.models.catalogue import shipped_catalogue


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name in ("CONFIG", "STATE", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"LARES_{name}_DIR", str(tmp_path / name))
    return CliRunner()


def broken_model(tmp_path: Path) -> Path:
    entry = shipped_catalogue().entry("smollm2-135m")
    path = tmp_path / "DATA" / "models" / entry.id / entry.files[0].name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF, but cut short")
    return path


def test_list_tells_state_size_licence_and_source_of_each_model(run: CliRunner) -> None:
    result = run.invoke(app, ["list", "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    by_id = {model["id"]: model for model in found["models"]}
    assert by_id["micro-whisper"]["state"] == "present"
    assert by_id["qwen3.5-2b"]["state"] == "missing"
    assert by_id["smollm2-135m"]["licence"]["id"] == "Apache-2.0"
    assert by_id["smollm2-135m"]["bytes"] == 92_871_040
    assert found["active"] == "embedded"


def test_the_table_names_every_model_and_set(run: CliRunner) -> None:
    shown = run.invoke(app, ["list"], env={"COLUMNS": "200"}).stdout
    for entry in shipped_catalogue().models:
        assert entry.id in shown
    assert "set embedded (in use)" in shown


def test_pull_shows_size_source_and_licence_and_keeps_what_is_here(run: CliRunner) -> None:
    result = run.invoke(app, ["pull", "micro-piper", "--offline"])
    assert result.exit_code == 0
    assert "micro-piper: 1.6 MB, ships with Lares, Apache-2.0" in result.stderr
    assert result.stdout == "micro-piper: present\n"


def test_pull_offline_is_one_clear_line(run: CliRunner) -> None:
    result = run.invoke(app, ["pull", "people", "--offline"])
    assert result.exit_code == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last == "lares: whisper-base-q5_1: ggml-base-q5_1.bin is not here and Lares is offline"


def test_pull_of_an_unknown_name_suggests_the_nearest(run: CliRunner) -> None:
    result = run.invoke(app, ["pull", "embeded"])
    assert result.exit_code == 1
    assert "did you mean 'embedded'?" in result.stderr


def test_verify_names_each_bad_file_and_its_remedy(run: CliRunner, tmp_path: Path) -> None:
    path = broken_model(tmp_path)
    result = run.invoke(app, ["verify"])
    assert result.exit_code == 1
    assert result.stderr == (
        f"lares: {path}: has 19 bytes instead of 98362432; run `lares models pull embedded`\n"
    )
    assert not json.loads(run.invoke(app, ["verify", "--json"]).stdout)["whole"]
