"""Somebody speaks in a room where nothing but `lares run` was started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.lares import Told
from integration.pulse import missing
from integration.recordings import unspoken
from integration.room import Room, silence_after
from integration.spans import between, first_after
from words import plain

pytestmark = [
    pytest.mark.engines,
    pytest.mark.room,
    pytest.mark.skipif(bool(missing()), reason=f"a room needs {missing()}"),
]

SILENT_WITHIN_S = 0.6
"""First sound of the voice to the last of the reply. About 0.25 s on an idle machine."""
TOLD_WITHIN_S = 2.5
"""A lost device is told within 2 s; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with Room(tmp_path_factory.mktemp("room"), "--persona", "atlas") as room:
        yield room


def test_it_says_what_it_hears_with_when_it_can_hear(room: Room) -> None:
    (line,) = [line for line in room.lares.printed if line.startswith("ready:")]
    for part in ("microphone", "loudspeaker", "persona atlas", "stt", "llm", "tts", "since start"):
        assert part in line


def test_a_spoken_question_is_answered_aloud(room: Room) -> None:
    exchange = room.exchange("My favorite color is purple.")
    report = exchange.report
    assert report["heard"] == "My favorite color is purple."
    assert report["reply"]
    assert report["cut_at"] is None
    said_s = exchange.answered[1] - exchange.answered[0]
    assert said_s == pytest.approx(report["audio"]["spoken_s"], abs=0.5)
    assert exchange.voice_to_voice_s == pytest.approx(
        report["ms"]["voice_to_voice"] / 1000, abs=0.3
    )


def test_a_second_question_is_answered_from_the_first(room: Room) -> None:
    exchange = room.exchange("What is my favorite color?")
    assert exchange.report["heard"] == "What is my favorite color?"
    assert "purple" in plain(exchange.report["reply"])
    assert exchange.report["cache_hit"] > 0.5


def test_talking_over_the_answer_silences_it_and_cuts_what_is_remembered(room: Room) -> None:
    mark = room.lares.mark()
    room.pulse.say(room.clip("Tell me a story."))
    answer_s = room.speaking(mark)
    room.lares.event("WordPlayed", mark, where=lambda told: told["heard_ms"] > 1500)
    turn = room.lares.event("PlaybackStarted", mark)["turn"]
    began_s = room.pulse.now_s
    room.begin("What time is it?")

    report = room.closed(mark)
    assert report["turn"] == turn
    assert report["barge_in"]["verdict"] == "cut"
    whole = [word for clause in clauses(room, mark, turn) for word in clause.split()]
    said = report["reply"].split()
    assert 0 < len(said) < len(whole)
    assert said == whole[: len(said)]
    assert report["cut_at"]["word"] == said[-1]

    following = room.lares.event("PlaybackStarted", mark, where=lambda told: told["turn"] > turn)
    assert following["turn"] == turn + 1
    room.quiet()
    heard = room.recording()
    voice = between(heard.sounding("mic"), began_s, began_s + 4.0)
    assert voice is not None
    assert silence_after(heard, voice[0]) < SILENT_WITHIN_S
    silent_s = voice[0] + silence_after(heard, voice[0])
    assert report["cut_at"]["ms"] / 1000 == pytest.approx(silent_s - answer_s, abs=0.3)
    next_s = first_after(heard.sounding("speaker"), silent_s)
    assert next_s is not None
    assert next_s > voice[1]
    assert room.closed(mark, turn=turn + 1)["heard"] == "What time is it?"


def test_nobody_speaking_is_no_turn(room: Room) -> None:
    mark = room.lares.mark()
    one_of_each = {recording.condition: recording for recording in unspoken()}
    for recording in one_of_each.values():
        room.pulse.say(recording.path)
    assert not room.told("TurnOpened", mark)
    assert not room.told("PlaybackStarted", mark)
    assert room.lares.status()["phase"] == "idle"


def test_microphone_and_loudspeaker_may_be_different_devices(tmp_path: Path) -> None:
    devices = {"LARES_AUDIO__MICROPHONE": "pulse", "LARES_AUDIO__LOUDSPEAKER": "default"}
    with Room(tmp_path, settings=devices) as room:
        audio = room.lares.status()["audio"]
        assert (audio["source"]["name"], audio["sink"]["name"]) == ("pulse", "default")
        assert room.exchange("Who are you?").report["heard"] == "Who are you?"


def test_a_microphone_of_exact_zeros_is_warned_of_once_and_heard_all_the_same(
    tmp_path: Path,
) -> None:
    with Room(tmp_path, noise_db=None) as room:
        fault = room.lares.event("Fault", where=is_about("microphone_silent"), within_s=10.0)
        assert fault["hint"]
        assert room.lares.status()["phase"] == "idle"
        began_s = room.pulse.now_s
        room.pulse.wait(lambda: room.pulse.now_s > began_s + 4.0)
        assert len([t for t in room.lares.events if is_about("microphone_silent")(t)]) == 1
        assert room.exchange("Who are you?").report["heard"] == "Who are you?"
        room.lares.event("Recovered", where=is_about("microphone_silent"))
        assert room.lares.status()["faults"] == []


def test_a_microphone_that_vanishes_is_told_and_taken_again(tmp_path: Path) -> None:
    with Room(tmp_path) as room:
        mark, pulled_s = room.lares.mark(), room.pulse.now_s
        room.pulse.unload_mic()
        fault = room.lares.event("Fault", mark, within_s=10.0)
        assert room.pulse.now_s - pulled_s < TOLD_WITHIN_S
        assert fault["code"] in ("microphone_lost", "other_device")
        assert fault["code"] in [told["code"] for told in room.lares.status()["faults"]]

        answer = room.lares.command("ask", "--json", "Who are you?")
        assert answer.returncode == 0, answer.stderr
        room.quiet()

        room.pulse.load_mic()
        room.lares.event("Recovered", mark, where=is_about(fault["code"]))
        assert room.exchange("Who are you?").report["heard"] == "Who are you?"


def test_a_loudspeaker_that_vanishes_is_told_and_the_answer_goes_on_elsewhere(
    tmp_path: Path,
) -> None:
    with Room(tmp_path) as room:
        mark, pulled_s = room.lares.mark(), room.pulse.now_s
        room.pulse.unload_speaker()
        fault = room.lares.event("Fault", mark, within_s=10.0)
        assert room.pulse.now_s - pulled_s < TOLD_WITHIN_S
        assert fault["code"] in ("loudspeaker_lost", "other_device")
        answer = room.lares.command("ask", "--json", "Who are you?")
        assert answer.returncode == 0, answer.stderr


def is_about(code: str) -> Callable[[Told], bool]:
    return lambda told: told.get("code") == code


def clauses(room: Room, mark: int, turn: int) -> list[str]:
    """Return the clauses of a turn, as they were written."""
    return [
        told["text"]
        for told in room.lares.events[mark:]
        if told["event"] == "ClauseWritten" and told["turn"] == turn
    ]
