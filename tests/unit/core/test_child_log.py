"""The log of a child stays bounded, also while the child writes."""

from __future__ import annotations

from pathlib import Path

from assistant.engines.childlog import FULL_BYTES, ROTATE_BYTES, ChildLog


def test_a_full_log_is_emptied_under_the_child_that_appends_to_it(tmp_path: Path) -> None:
    path = tmp_path / "llm.log"
    with ChildLog.open(path) as log, path.open("ab", buffering=0) as child:
        child.write(b"x" * FULL_BYTES)
        log.trim()
        assert path.stat().st_size == FULL_BYTES
        child.write(b"y\n")
        log.trim()
        child.write(b"last words\n")
        assert path.read_bytes() == b"last words\n"
        assert "last words" in log.last_words()


def test_a_long_log_is_put_aside_when_the_child_starts(tmp_path: Path) -> None:
    path = tmp_path / "llm.log"
    path.write_bytes(b"x" * (ROTATE_BYTES + 1))
    with ChildLog.open(path) as log:
        assert path.stat().st_size == 0
        assert log.last_words() == ""
    assert (tmp_path / "llm.log.1").stat().st_size == ROTATE_BYTES + 1
