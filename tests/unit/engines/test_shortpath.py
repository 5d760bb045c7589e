from __future__ import annotations

from pathlib import Path

import pytest

from assistant.engines.native.shortpath import LONGEST, shortened


def deep(tmp_path: Path) -> Path:
    folder = tmp_path / "/".join(["long" * 10] * 5)
    folder.mkdir(parents=True)
    return folder


def test_a_short_path_stays_as_it_is(tmp_path: Path) -> None:
    assert shortened(Path("/usr/share")) == Path("/usr/share")
    assert list(tmp_path.iterdir()) == []


def test_a_long_path_gets_one_lasting_short_name(tmp_path: Path) -> None:
    folder = deep(tmp_path)
    (folder / "phontab").write_text("x")
    link = shortened(folder, temporary=tmp_path)
    assert len(str(link)) <= LONGEST
    assert (link / "phontab").read_text() == "x"
    assert shortened(folder, temporary=tmp_path) == link


def test_a_foreign_link_of_that_name_is_not_followed(tmp_path: Path) -> None:
    folder = deep(tmp_path)
    link = shortened(folder, temporary=tmp_path)
    link.unlink()
    link.symlink_to(tmp_path)
    with pytest.raises(FileExistsError):
        shortened(folder, temporary=tmp_path)
