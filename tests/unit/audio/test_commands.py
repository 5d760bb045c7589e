from __future__ import annotations

from typing import Any

import pytest

from audio.commands import ends, field, listening
from audio.errors import AudioError
from audio.wire import Packet


def opening(**fields: Any) -> Packet:
    return Packet("open", 0, fields)


def test_a_file_is_taken_from_where_the_daemon_stands() -> None:
    kind, where, fast = ends(opening(source={"kind": "file", "path": "/a/b.wav"}), "source")
    assert (kind, where, fast) == ("file", "/a/b.wav", False)


def test_a_device_without_a_name_is_the_default() -> None:
    assert ends(opening(sink={"kind": "device", "name": None}), "sink") == ("device", None, False)


@pytest.mark.parametrize(
    "source",
    [
        None,
        "device",
        {},
        {"kind": "radio"},
        {"kind": "file"},
        {"kind": "file", "path": 7},
        {"kind": "file", "path": "a.wav", "pace": "slow"},
        {"kind": "device", "name": ["a"]},
    ],
)
def test_what_is_no_source_is_refused(source: Any) -> None:
    with pytest.raises(AudioError, match="open: source"):
        ends(opening(source=source), "source")


def test_listening_takes_what_is_given_and_defaults_for_the_rest() -> None:
    given = listening(opening(listen={"pause_ms": 200, "level": True}))
    assert (given.pause_ms, given.level, given.start_ms) == (200.0, True, 96.0)


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ({"treshold": 0.5}, "no setting 'treshold'; known: threshold"),
        ({"threshold": "high"}, "threshold: expected float, got 'high'"),
        ({"pause_ms": -1}, "pause_ms: below 0"),
    ],
)
def test_a_wrong_way_to_listen_is_refused(listen: dict[str, Any], says: str) -> None:
    with pytest.raises(AudioError, match=says):
        listening(opening(listen=listen))


def test_a_truth_value_is_no_number() -> None:
    with pytest.raises(AudioError, match="take: expected int, got True"):
        field(Packet("stop", 0, {"take": True}), "take", int)
