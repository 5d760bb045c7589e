from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ModelError
from assistant.models.progress import Progress
from unit.models.scripted_network import (
    CONTENTS,
    MIRROR,
    URL,
    Machine,
    Scripted,
    names,
    wanted,
)

HALF = len(CONTENTS) // 2
WHOLE = Scripted((CONTENTS,))
BROKEN = Scripted((CONTENTS[:HALF],), breaks=True, headers={"ETag": '"v1"'})


def rest(start: int, total: int = len(CONTENTS)) -> Scripted:
    headers = {"Content-Range": f"bytes {start}-{total - 1}/{total}"}
    return Scripted((CONTENTS[start:],), 206, headers)


def test_a_file_takes_its_name_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    machine = Machine(WHOLE)
    machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert (tmp_path / "model.bin").read_bytes() == CONTENTS
    assert names(tmp_path) == ["model.bin"]


def test_a_file_that_is_here_is_not_asked_for(tmp_path: Path) -> None:
    machine = Machine()
    (tmp_path / "model.bin").write_bytes(CONTENTS)
    machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert machine.network.asked == []


def test_a_broken_connection_goes_on_where_it_stopped(tmp_path: Path) -> None:
    machine = Machine(BROKEN, rest(HALF))
    machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert machine.network.asked[1][1]["Range"] == f"bytes={HALF}-"
    assert machine.network.asked[1][1]["If-Range"] == '"v1"'
    assert (tmp_path / "model.bin").read_bytes() == CONTENTS


def test_another_run_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    with pytest.raises(ModelError):
        Machine(BROKEN).downloader.fetch(wanted(), target, "model")
    assert names(tmp_path) == ["model.bin.part", "model.bin.part.json"]
    machine = Machine(rest(HALF))
    machine.downloader.fetch(wanted(), target, "model")
    assert machine.network.asked[0][1]["Range"] == f"bytes={HALF}-"
    assert target.read_bytes() == CONTENTS


def test_what_is_left_of_another_file_is_not_used(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    with pytest.raises(ModelError):
        Machine(Scripted((b"other",), breaks=True)).downloader.fetch(
            wanted(b"other contents"), target, "model"
        )
    machine = Machine(WHOLE)
    machine.downloader.fetch(wanted(), target, "model")
    assert "Range" not in machine.network.asked[0][1]


def test_a_server_without_ranges_is_read_from_the_start_again(tmp_path: Path) -> None:
    machine = Machine(BROKEN, WHOLE)
    machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert (tmp_path / "model.bin").read_bytes() == CONTENTS


def test_a_range_that_the_server_denies_is_fetched_anew(tmp_path: Path) -> None:
    machine = Machine(BROKEN, Scripted(status=416), WHOLE)
    machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert "Range" not in machine.network.asked[2][1]


def test_a_resumed_file_that_proves_wrong_is_fetched_anew_once(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    wrong_half = Scripted((b"?" * HALF,), breaks=True)
    with pytest.raises(ModelError):
        Machine(wrong_half).downloader.fetch(wanted(), target, "model")
    machine = Machine(rest(HALF), WHOLE)
    machine.downloader.fetch(wanted(), target, "model")
    assert target.read_bytes() == CONTENTS


def test_waits_grow_and_patience_ends_after_three_failures(tmp_path: Path) -> None:
    machine = Machine(*[Scripted(status=503)] * 9)
    with pytest.raises(ModelError, match="status 503"):
        machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert machine.waited_s == [2.0, 4.0]
    assert names(tmp_path) == []


def test_a_connection_that_always_brings_something_is_never_given_up(tmp_path: Path) -> None:
    step = len(CONTENTS) // 10
    answers = [Scripted((CONTENTS[:step],), breaks=True)]
    for start in range(step, len(CONTENTS), step):
        whole = rest(start)
        answers.append(Scripted((CONTENTS[start : start + step],), 206, whole.headers))
    machine = Machine(*answers)
    machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert set(machine.waited_s) == {1.0}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Scripted((b"<html>",), headers={"Content-Type": "text/html"}), "web page"),
        (Scripted((CONTENTS,), headers={"Content-Length": "7"}), "has 7 bytes"),
        (Scripted((CONTENTS, b"more")), "sent more than"),
        (Scripted((b"?" * len(CONTENTS),)), "sha256"),
        (Scripted((CONTENTS,), headers={"Content-Encoding": "gzip"}), "compressed"),
        (Scripted(status=404), "status 404"),
    ],
)
def test_a_wrong_answer_sends_it_to_the_next_address(
    tmp_path: Path, answer: Scripted, reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        Machine(answer).downloader.fetch(wanted(), tmp_path / "alone.bin", "model")
    assert not (tmp_path / "alone.bin").exists()
    machine = Machine(answer, WHOLE)
    machine.downloader.fetch(wanted(CONTENTS, URL, MIRROR), tmp_path / "model.bin", "model")
    assert [url for url, _ in machine.network.asked] == [URL, MIRROR]
    assert (tmp_path / "model.bin").read_bytes() == CONTENTS


def test_every_address_that_failed_is_named_in_one_line(tmp_path: Path) -> None:
    machine = Machine(Scripted(status=404), Scripted((b"?" * len(CONTENTS),)))
    with pytest.raises(ModelError) as caught:
        machine.downloader.fetch(wanted(CONTENTS, URL, MIRROR), tmp_path / "model.bin", "model")
    assert "hub.test" in str(caught.value)
    assert "mirror.test" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_disk_without_a_spare_gigabyte_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    machine = Machine(WHOLE, free_bytes=1 << 30)
    with pytest.raises(ModelError, match="make room"):
        machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model")
    assert machine.network.asked == []
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="LARES_DATA_DIR"):
        Machine(WHOLE).downloader.fetch(wanted(), tmp_path / "file" / "model.bin", "model")


def test_progress_has_rate_and_time_to_go(tmp_path: Path) -> None:
    told: list[Progress] = []
    pieces = tuple(CONTENTS[at : at + 1024] for at in range(0, len(CONTENTS), 1024))
    machine = Machine(Scripted(pieces))
    machine.downloader.fetch(wanted(), tmp_path / "model.bin", "model", told.append)
    assert told[0].eta_s is None
    assert told[5].rate == pytest.approx(1024 / 0.1)
    assert told[5].eta_s == pytest.approx((len(CONTENTS) - told[5].done) / (1024 / 0.1))
    assert told[-1].done == told[-1].total == len(CONTENTS)


@given(cuts=st.lists(st.integers(1, len(CONTENTS)), max_size=6), ranges=st.booleans())
def test_wherever_connections_are_cut_the_file_ends_up_whole(cuts: list[int], ranges: bool) -> None:
    """cuts: bytes that each connection brings before it breaks, until one does not."""
    machine = Machine()
    machine.network.serve(CONTENTS, cuts, ranges=ranges)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.bin"
        for _ in range(len(cuts)):
            try:
                machine.downloader.fetch(wanted(), target, "model")
            except ModelError:
                assert not target.exists()
        machine.downloader.fetch(wanted(), target, "model")
        assert target.read_bytes() == CONTENTS
        assert names(Path(folder)) == ["model.bin"]
