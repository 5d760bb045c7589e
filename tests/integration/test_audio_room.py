from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from audio.clip import Clip
from audio.devices import choose, list_devices
from integration.audio_child import ROOT, WAVS, AudioChild, tone
from integration.pulse import PulseRoom, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a room needs {missing()}")

DEVICE = {"kind": "device", "name": None}
QUESTION = WAVS / "clean-01.wav"
QUESTION_TEXT_S = 1.589


@pytest.fixture
def room(tmp_path: Path) -> Iterator[PulseRoom]:
    with PulseRoom(tmp_path) as room:
        yield room


@pytest.fixture
def child(room: PulseRoom) -> Iterator[AudioChild]:
    with AudioChild(room.env()) as child:
        child.settle_after(500.0)
        yield child


def test_speech_in_the_room_is_heard_and_the_reply_sounds_in_it(
    room: PulseRoom, child: AudioChild
) -> None:
    opened = child.open(DEVICE, DEVICE)
    assert opened.fields["source"]["rate"] > 0
    assert opened.fields["sink"]["rate"] > 0
    room.say(QUESTION)
    pause = child.wait("voice", state="paused")
    clip = Clip.from_bytes(pause.payload, pause.fields["rate"])
    assert pause.fields["speech_ms"] / 1000 == pytest.approx(QUESTION_TEXT_S, abs=0.2)
    assert np.abs(clip.samples).max() == pytest.approx(0.6, abs=0.1)

    asked_s = room.now_s
    child.play(tone(1.0), take=1)
    child.send("end", turn=1, take=1)
    child.wait("ended", completed=True)
    assert room.wait_for_silence() - room.wait_for_speaker(after_s=asked_s) == pytest.approx(
        1.0, abs=0.05
    )
    assert room.wait_for_speaker(after_s=asked_s) - asked_s < 0.3
    assert child.kinds() == [
        "ready", "opened", "voice.started", "voice.paused",
        "playing", "played", "played", "ended",
    ]  # fmt: skip


def test_facts_of_playback_come_when_the_room_hears_it(room: PulseRoom, child: AudioChild) -> None:
    child.open(DEVICE, DEVICE)
    child.play(tone(1.0), take=1)
    child.send("end", turn=1, take=1)
    child.wait("playing")
    playing_s = room.now_s
    child.wait("ended")
    ended_s = room.now_s
    ((start_s, end_s),) = room.recording().sounding("speaker")
    assert abs(playing_s - start_s) < 0.15
    assert abs(ended_s - end_s) < 0.15


def test_a_stop_is_silence_in_the_room_and_ducking_is_quieter(
    room: PulseRoom, child: AudioChild
) -> None:
    child.open(DEVICE, DEVICE)
    child.play(tone(5.0), take=1)
    child.wait("playing")
    child.send("duck", gain_db=-20.0)
    room.wait(lambda: len(room.recording().speaker) / 16_000 > room.wait_for_speaker(after_s=0) + 1)
    stopped_s = room.now_s
    child.send("stop", turn=1, take=1)
    assert child.wait("ended").fields["completed"] is False
    assert room.wait_for_silence() - stopped_s < 0.25
    loudness = np.abs(room.recording().speaker)
    start = round(room.wait_for_speaker(after_s=0) * 16_000)
    assert loudness[start + 12_000 : start + 14_000].max() == pytest.approx(0.03, abs=0.01)


def test_a_vanished_microphone_is_told_and_the_loudspeaker_is_not_listened_to(
    room: PulseRoom, child: AudioChild
) -> None:
    child.open(DEVICE, DEVICE)
    room.unload_mic()
    pulled = time.monotonic()
    child.wait("fault", code="microphone_lost", within_s=5)
    assert time.monotonic() - pulled < 2.0
    voice = Clip(tone(0.1), 16_000)
    child.play(voice.samples, take=1)
    child.wait("playing")
    room.say(QUESTION)
    assert child.heard() == []
    room.load_mic()
    child.wait("recovered", code="microphone_lost")
    room.say(QUESTION)
    child.wait("voice", state="paused")


def test_a_dead_sound_server_takes_both_devices_and_the_words_go_on_unheard(
    room: PulseRoom, child: AudioChild
) -> None:
    child.open(DEVICE, DEVICE)
    room.kill_server()
    killed = time.monotonic()
    child.wait("fault", code="microphone_lost", within_s=5)
    child.wait("fault", code="loudspeaker_lost", line=None, within_s=5)
    assert time.monotonic() - killed < 2.5
    child.play(tone(0.3), take=1)
    child.send("end", turn=1, take=1)
    child.wait("ended", completed=True)
    assert child.end_input() < 1.0


def test_a_room_without_any_microphone_is_told_and_speaks_all_the_same(room: PulseRoom) -> None:
    room.unload_mic()
    with AudioChild(room.env()) as child:
        assert child.open(DEVICE, DEVICE).fields["source"] is None
        assert "no microphone" in child.wait("fault", code="no_microphone").fields["text"]
        child.play(tone(0.2), take=1)
        child.wait("played")
        room.wait_for_speaker(after_s=0.0)


def test_a_microphone_plugged_in_after_the_start_is_listened_to(room: PulseRoom) -> None:
    room.unload_mic()
    with AudioChild(room.env()) as child:
        child.settle_after(500.0)
        child.open(DEVICE, DEVICE)
        child.wait("fault", code="no_microphone")
        room.load_mic()
        child.wait("recovered", code="no_microphone")
        room.say(QUESTION)
        child.wait("voice", state="paused")


def test_an_unknown_device_is_told_with_the_names_there_are(
    room: PulseRoom, child: AudioChild
) -> None:
    child.open({"kind": "device", "name": "Blue Yeti"}, {"kind": "null"})
    text = child.wait("fault", code="no_microphone").fields["text"]
    assert "no microphone named 'Blue Yeti'" in text
    assert "default" in text


def test_the_devices_are_listed_by_a_fresh_process(
    room: PulseRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in room.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = list_devices()
    assert choose(found, None, output=False).inputs > 0
    assert choose(found, None, output=True).outputs > 0


def test_exact_zeros_are_told_once_and_the_microphone_stays_open(tmp_path: Path) -> None:
    with PulseRoom(tmp_path, noise_db=None) as room, AudioChild(room.env()) as child:
        child.open(DEVICE, {"kind": "null"})
        child.wait("fault", code="microphone_silent", within_s=6)
        room.say(QUESTION)
        child.wait("voice", state="paused")
        assert child.kinds().count("fault.microphone_silent") == 1
        assert "fault.microphone_lost" not in child.kinds()
        child.wait("recovered", code="microphone_silent")


def test_after_a_sleep_the_past_is_dropped_and_the_present_is_heard(
    room: PulseRoom, child: AudioChild
) -> None:
    child.open(DEVICE, DEVICE)
    child.process.send_signal(signal.SIGSTOP)
    room.say(QUESTION)
    room.say(WAVS / "silence-01.wav")
    child.process.send_signal(signal.SIGCONT)
    child.wait("fault", code="backlog_dropped")
    assert child.heard() == []
    room.say(QUESTION)
    child.wait("voice", state="paused")
    assert len(child.heard(state="started")) == 1


def test_listening_to_a_quiet_room_costs_little(room: PulseRoom, child: AudioChild) -> None:
    child.open(DEVICE, DEVICE)
    process = psutil.Process(child.process.pid)

    def cpu_s() -> float:
        return sum(process.cpu_times()[:2])

    before_s, start_s = cpu_s(), room.now_s
    room.wait(lambda: room.now_s > start_s + 5.0)
    assert (cpu_s() - before_s) / (room.now_s - start_s) < 0.08
