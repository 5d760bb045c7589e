from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli.app import app
from assistant.client import Client, socket_path
from assistant.engines.childlog import ROTATE_BYTES, ChildLog
from assistant.errors import RequestError
from assistant.paths import find_paths

HEAVY = {"aiomqtt", "asyncio", "numpy", "pydantic", "rich", "yaml", "assistant.daemon"}
LIST_IMPORTS = """
import sys
from assistant.cli.app import app
try:
    app(["--help"])
except SystemExit:
    pass
sys.stderr.write(" ".join(sys.modules))
"""


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_IMPORTS], capture_output=True, text=True, check=True
    )
    assert "lares run" in done.stdout
    assert HEAVY.isdisjoint(done.stderr.split())


def test_every_command_explains_itself() -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["--help"]).stdout
    for name in ("run", "ask", "say", "listen", "talk", "status", "stop", "devices", "check"):
        assert f"  {name}  " in listed
        assert runner.invoke(app, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [["ask"], ["ask", "a", "--wav", "b.wav"], ["ask", "a", "-q", "--out", "b.wav"], ["say"]],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_a_client_finds_no_daemon_where_none_runs(tmp_path: Path) -> None:
    assert Client.connect(tmp_path / "none.sock") is None


def test_a_path_that_is_too_long_for_a_socket_is_an_error(tmp_path: Path) -> None:
    paths = find_paths({"LARES_RUNTIME_DIR": str(tmp_path / ("x" * 120))})
    with pytest.raises(RequestError, match="set LARES_RUNTIME_DIR"):
        socket_path(paths)


def test_a_childs_log_gives_its_last_words_and_not_those_of_its_predecessor(
    tmp_path: Path,
) -> None:
    path = tmp_path / "llm.log"
    path.write_text("an older run\n")
    with ChildLog.open(path) as log:
        assert log.file is not None
        assert log.last_words() == ""
        log.file.write(b"loading\nGGML_ASSERT failed\n\n")
    assert log.last_words() == f": GGML_ASSERT failed (more in {path})"


def test_a_long_log_is_put_aside_when_the_child_starts(tmp_path: Path) -> None:
    path = tmp_path / "stt.log"
    path.write_bytes(b"x" * (ROTATE_BYTES + 1))
    with ChildLog.open(path):
        assert path.stat().st_size == 0
    assert path.with_name("stt.log.1").stat().st_size == ROTATE_BYTES + 1
