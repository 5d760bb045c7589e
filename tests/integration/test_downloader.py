"""The downloader on real sockets, real files and real processes."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models.catalogue import Catalogue, Prepare
from assistant.models.checks import Digest, digest_file
from assistant.models.downloader import Downloader
from assistant.models.network import Http
from assistant.models.part import Wanted
from assistant.models.prepare import Preparer, prepared_spec
from assistant.models.pull import Puller
from assistant.models.store import State, Store
from assistant.paths import find_paths
from integration.file_server import FileServer, serving

CONTENTS = random.Random(7).randbytes(3_000_000)
COMMIT = "0" * 40
PULL = """
import os, sys
from assistant.models.catalogue import Catalogue
from assistant.models.downloader import Downloader
from assistant.models.network import Http
from assistant.models.pull import Puller
from assistant.models.store import Store
from assistant.paths import find_paths
store = Store(find_paths(), Catalogue.model_validate_json(sys.argv[1]))
puller = Puller(store, Downloader(Http()), os.environ, print)
print(puller.pull(store.catalogue.entry("model")), flush=True)
"""


def no_wait(_duration_s: float) -> None:
    return


def downloader(stall_s: float = 10.0, *, offline: bool = False) -> Downloader:
    return Downloader(Http(stall_s=stall_s, offline=offline), sleep=no_wait)


def wanted(*urls: str) -> Wanted:
    return Wanted(urls, len(CONTENTS), Digest("sha256", hashlib.sha256(CONTENTS).hexdigest()))


def catalogue(**changes: object) -> Catalogue:
    file = {
        "name": "model.bin",
        "bytes": len(CONTENTS),
        "sha256": hashlib.sha256(CONTENTS).hexdigest(),
    }
    entry = {
        "id": "model",
        "kind": "stt",
        "about": "noise",
        "licence": {"id": "CC0-1.0", "url": "https://example.org"},
        "source": {"type": "hub", "repo": "some/models", "commit": COMMIT},
        "files": [file],
        **changes,
    }
    return Catalogue.model_validate({"model": [entry], "set": []}, by_name=False)


def environment(folder: Path, server: FileServer) -> dict[str, str]:
    return {
        **os.environ,
        "HF_ENDPOINT": server.url(""),
        "LARES_DATA_DIR": str(folder / "data"),
        "LARES_STATE_DIR": str(folder / "state"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


def start_pull(folder: Path, server: FileServer) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PULL, catalogue().model_dump_json(by_alias=True)]
    return subprocess.Popen(
        command, env=environment(folder, server), stdout=subprocess.PIPE, text=True
    )


def test_wherever_the_server_cuts_the_file_arrives_whole(tmp_path: Path) -> None:
    chance = random.Random(11)
    for run in range(20):
        cuts = [chance.randrange(len(CONTENTS)) for _ in range(3)]
        target = tmp_path / f"{run}.bin"
        with serving(CONTENTS, cut_after=cuts, ranges=run % 4 != 0) as server:
            downloader().fetch(wanted(server.url()), target, "model")
        assert target.read_bytes() == CONTENTS
    assert len(list(tmp_path.iterdir())) == 20


def test_a_silent_server_is_asked_again_for_the_rest(tmp_path: Path) -> None:
    with serving(CONTENTS, stall_after=[1_000_000]) as server:
        downloader(stall_s=0.2).fetch(wanted(server.url()), tmp_path / "model.bin", "model")
    assert (tmp_path / "model.bin").read_bytes() == CONTENTS
    assert int(server.asked[1][1]["Range"][6:-1]) == 1_000_000


def test_a_file_that_changed_at_its_source_is_read_from_the_start(tmp_path: Path) -> None:
    with serving(b"?" * len(CONTENTS), etag='"old"', cut_after=[1_000_000]) as server:

        def change(_duration_s: float) -> None:
            server.etag, server.contents = '"new"', CONTENTS

        changing = Downloader(Http(), sleep=change)
        changing.fetch(wanted(server.url()), tmp_path / "model.bin", "model")
    assert server.asked[1][1]["If-Range"] == '"old"'
    assert (tmp_path / "model.bin").read_bytes() == CONTENTS


def test_credentials_stay_with_the_host_they_were_given_for(tmp_path: Path) -> None:
    with serving(CONTENTS) as other, serving(CONTENTS, redirect=other.url()) as first:
        address = first.url("/moved").replace("//", "//user:secret@")
        downloader().fetch(wanted(address), tmp_path / "model.bin", "model")
    assert first.asked[0][1]["Authorization"].startswith("Basic ")
    assert "Authorization" not in other.asked[0][1]


@pytest.mark.parametrize(
    "target", ["http://example.org/model.bin", "file:///etc/passwd", "ftp://127.0.0.1/model.bin"]
)
def test_a_redirect_to_an_address_that_is_not_trusted_is_not_followed(
    tmp_path: Path, target: str
) -> None:
    with (
        serving(CONTENTS, redirect=target) as server,
        pytest.raises(ModelError, match=r"not trusted|status 302"),
    ):
        downloader().fetch(wanted(server.url("/moved")), tmp_path / "model.bin", "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://example.org/model.bin", "file:///etc/passwd"])
def test_only_https_is_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(ModelError, match="only https is trusted"):
        downloader().fetch(wanted(url), tmp_path / "model.bin", "model")


def test_offline_no_socket_is_opened(tmp_path: Path) -> None:
    with serving(CONTENTS) as server, pytest.raises(ModelError, match="offline"):
        downloader(offline=True).fetch(wanted(server.url()), tmp_path / "model.bin", "model")
    assert server.asked == []


def test_a_host_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with serving(CONTENTS) as gone:
        address = gone.url()
    with pytest.raises(ModelError, match=r"cannot be reached .*check the network") as caught:
        downloader().fetch(wanted(address), tmp_path / "model.bin", "model")
    assert "\n" not in str(caught.value)


def _fails(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode != 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or _fails(mount):
        pytest.skip("a small disk can only be mounted by root on Linux")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_given_back_what_was_taken(small_disk: Path) -> None:
    with serving(CONTENTS) as server, pytest.raises(ModelError, match="the disk is full"):
        Downloader(Http(), sleep=no_wait, free=lambda _folder: 1 << 40).fetch(
            wanted(server.url()), small_disk / "model.bin", "model"
        )
    assert list(small_disk.iterdir()) == []


@contextmanager
def somebody_without_rights() -> Iterator[None]:
    """Root may write everywhere: be nobody for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_without_permission_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    folder.chmod(0o500)
    with (
        serving(CONTENTS) as server,
        somebody_without_rights(),
        pytest.raises(ModelError, match=r"Permission denied; .*LARES_DATA_DIR"),
    ):
        downloader().fetch(wanted(server.url()), folder / "model.bin", "model")
    assert server.asked == []
    assert list(folder.iterdir()) == []


def test_a_process_killed_in_the_middle_leaves_what_the_next_one_uses(tmp_path: Path) -> None:
    with serving(CONTENTS, stall_after=[1_800_000]) as server:
        first = start_pull(tmp_path, server)
        assert server.silent.wait(20)
        part = tmp_path / "data" / "models" / "model" / "model.bin.part"
        while part.stat().st_size < 1_800_000:
            assert first.poll() is None
        first.kill()
        first.communicate()
        second = start_pull(tmp_path, server)
        out, _ = second.communicate(timeout=20)
    assert out == "present\n"
    assert server.asked[1][1]["Range"] == "bytes=1800000-"
    assert part.with_suffix("").read_bytes() == CONTENTS


def test_two_processes_share_one_download(tmp_path: Path) -> None:
    with serving(CONTENTS, stall_after=[1_000]) as server:
        first = start_pull(tmp_path, server)
        assert server.silent.wait(20)
        second = start_pull(tmp_path, server)
        assert second.stdout is not None
        assert "waiting" in second.stdout.readline()
        server.ended.set()
        outs = [process.communicate(timeout=20)[0] for process in (first, second)]
    assert outs == ["present\n", "present\n"]
    whole = [headers for _, headers in server.asked if "Range" not in headers]
    assert len(whole) == 1


def wheel(folder: Path) -> bytes:
    path = folder / "built.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("noise/model.bin", CONTENTS)
    contents = path.read_bytes()
    path.unlink()
    return contents


def test_a_model_in_a_wheel_comes_through_the_index_without_being_installed(
    tmp_path: Path,
) -> None:
    contents = wheel(tmp_path)
    name = "noise-1.0-py3-none-any.whl"
    source = {
        "type": "wheel",
        "project": "noise",
        "version": "1.0",
        "file": name,
        "bytes": len(contents),
        "sha256": hashlib.sha256(contents).hexdigest(),
    }
    file = {**catalogue().models[0].files[0].model_dump(), "path": "noise/model.bin"}
    page = {"/simple/noise/": f'<a href="../../files/{name}#sha256=0">w</a>'.encode()}
    with serving(contents, cut_after=[2_000_000], pages=page) as server:
        environ = {**environment(tmp_path, server), "PIP_INDEX_URL": server.url("/simple")}
        store = Store(find_paths(environ), catalogue(source=source, files=[file]))
        puller = Puller(store, downloader(), environ, print)
        assert puller.pull(store.catalogue.entry("model")) is State.PRESENT
    folder = tmp_path / "data" / "models" / "model"
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "model.bin"]
    assert [path for path, _ in server.asked] == ["/simple/noise/", *[f"/files/{name}"] * 2]


COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
FAIL = "import sys; sys.exit('no such kind')"


@pytest.mark.parametrize(
    ("program", "state", "told"),
    [(FAIL, State.UNPREPARED, "no such kind"), (COPY, State.UNPREPARED, "not a whole GGUF")],
)
def test_a_model_that_cannot_be_prepared_is_used_as_it_is(
    tmp_path: Path, program: str, state: State, told: str
) -> None:
    said: list[str] = []
    step = {"to": "q4_0", "file": "fast.gguf", "why": "measured"}
    with serving(CONTENTS) as server:
        environ = environment(tmp_path, server)
        store = Store(find_paths(environ), catalogue(prepare=step))
        command = Preparer((sys.executable, "-c", program))
        puller = Puller(store, downloader(), environ, said.append, command)
        assert puller.pull(store.catalogue.entry("model")) is state
    assert told in said[0]
    assert store.resolve("stt", "model").path.name == "model.bin"


def test_a_model_that_cannot_be_prepared_again_keeps_nothing_of_the_first_time(
    tmp_path: Path,
) -> None:
    gguf = tmp_path / "source.gguf"
    gguf.write_bytes(tiny_gguf())
    step = Prepare(to="q4_0", file="fast.gguf", why="measured")
    Preparer((sys.executable, "-c", COPY)).prepare(gguf, step)
    with pytest.raises(ModelError, match="no such kind"):
        Preparer((sys.executable, "-c", FAIL)).prepare(gguf, step)
    assert prepared_spec(tmp_path, step) is None
    assert [path.name for path in tmp_path.iterdir()] == ["source.gguf"]


def test_a_prepared_model_is_remembered_by_what_it_became(tmp_path: Path) -> None:
    gguf = tmp_path / "source.gguf"
    gguf.write_bytes(tiny_gguf())
    step = Prepare(to="q4_0", file="fast.gguf", why="measured")
    made = Preparer((sys.executable, "-c", COPY)).prepare(gguf, step)
    assert made.read_bytes() == tiny_gguf()
    spec = prepared_spec(tmp_path, step)
    assert spec is not None
    assert (spec.bytes, spec.sha256) == (len(tiny_gguf()), digest_file(made, "sha256"))
    assert not (tmp_path / "fast.gguf.part").exists()


def tiny_gguf() -> bytes:
    head = b"GGUF" + (3).to_bytes(4, "little") + (1).to_bytes(8, "little") + bytes(8)
    head += (1).to_bytes(8, "little") + b"w" + (1).to_bytes(4, "little")
    head += (8).to_bytes(8, "little") + bytes(4) + bytes(8)
    return head + bytes(-len(head) % 32) + bytes(32)
