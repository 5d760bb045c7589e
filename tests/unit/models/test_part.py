from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models.checks import Digest, save_json
from assistant.models.part import Part, Wanted

WANTED = Wanted(("https://example.org/x",), 10**6, Digest("sha256", "0" * 64))
FULL_DISK = Path("/dev/full")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to make files longer than this, in the middle of a write."""
    held = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, held[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_the_disk_refuses_is_a_model_error(tmp_path: Path) -> None:
    with files_of_at_most(5000), Part(tmp_path / "x", WANTED) as part:
        part.append(b"a" * 3000)
        with pytest.raises(ModelError, match="File too large"):
            part.append(b"a" * 3000)


def test_a_note_that_the_disk_refuses_is_a_model_error_and_leaves_nothing(tmp_path: Path) -> None:
    with files_of_at_most(10), pytest.raises(ModelError, match="File too large"):
        Part(tmp_path / "x", WANTED)
    assert list(tmp_path.iterdir()) == []


def test_a_json_file_that_the_disk_refuses_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    save_json(path, {"a": 1})
    with files_of_at_most(5), pytest.raises(OSError, match="too large"):
        save_json(path, {"a": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]
    assert '"a": 1' in path.read_text()


@pytest.mark.skipif(not FULL_DISK.exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_gets_back_what_the_part_took(tmp_path: Path) -> None:
    (tmp_path / "x.part").symlink_to(FULL_DISK)
    save_json(tmp_path / "x.part.json", {"digest": str(WANTED.digest)})
    with (
        Part(tmp_path / "x", WANTED) as part,
        pytest.raises(ModelError, match="the disk is full"),
    ):
        part.append(b"a" * 3000)
    assert list(tmp_path.iterdir()) == []
