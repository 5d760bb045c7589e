"""Sound in, sound out: ear, whisper, llama and a voice on the real bus, as fast as they can."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from assistant.events import ClauseVoiced, PlaybackEnded, Respond, TurnOpened, VoiceStarted
from audio import wav
from audio.clip import Clip, peak_db
from audio.resample import resample
from integration.inside import EARS_ONLY, Inside, inside
from integration.recordings import FOLDER, Labelled, spoken, unspoken
from words import edits, plain, word_error_rate

pytestmark = pytest.mark.engines

WORST_WER = 0.08
"""On the 31 spoken recordings. The model's own figure is 2.9 %, on whole files without an ear."""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Inside]:
    with inside() as host:
        yield host


def test_a_recorded_question_is_answered_with_a_recording(daemon: Inside, tmp_path: Path) -> None:
    reply = tmp_path / "reply.wav"
    (report,) = daemon.hear(
        FOLDER / "clean-06.wav", {"kind": "file", "path": str(reply), "pace": "fast"}
    )
    assert report.heard == "Who are you?"
    assert report.reply
    assert report.handled_by == "model"
    assert report.cut_at is None
    assert report.audio.spoken_s
    said = wav.read(reply)
    assert said.duration_s == pytest.approx(report.audio.spoken_s, abs=0.5)
    assert peak_db(said.samples) > -20.0


def test_each_step_of_a_turn_has_its_time(daemon: Inside) -> None:
    (report,) = daemon.hear(FOLDER / "clean-04.wav")
    steps = report.ms
    assert steps.pause_waited == pytest.approx(600, abs=40)
    for step in (steps.transcribe, steps.first_token, steps.first_clause, steps.first_sound):
        assert step is not None
        assert step > 0.0
    assert steps.after_end is not None
    assert steps.voice_to_voice is not None
    assert steps.voice_to_voice >= steps.after_end


def test_what_is_shown_as_the_reply_is_what_was_voiced(daemon: Inside) -> None:
    before = len(daemon.of(ClauseVoiced))
    (report,) = daemon.hear(FOLDER / "clean-11.wav")
    voiced = daemon.of(ClauseVoiced)[before:]
    assert report.reply == " ".join(clause.text for clause in voiced)
    assert sum(clause.clip.duration_s for clause in voiced) == pytest.approx(
        report.audio.spoken_s or 0.0, abs=0.1
    )
    for clause in voiced:
        assert all(a.end_ms <= b.end_ms for a, b in pairwise(clause.words))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_stereo_recordings_of_any_rate_are_understood(
    daemon: Inside, tmp_path: Path, rate: int
) -> None:
    path = tmp_path / "stereo.wav"
    write_stereo(path, resample(wav.read(FOLDER / "clean-02.wav"), rate))
    (report,) = daemon.hear(path)
    assert edits(plain("Turn on the kitchen light."), plain(report.heard or "")) <= (rate < 16_000)


def test_two_sentences_are_two_turns_of_one_conversation(daemon: Inside) -> None:
    before = len(daemon.of(Respond))
    first, second = daemon.hear(FOLDER / "two_sentences-02.wav")
    assert (first.turn, second.turn) == (1, 2)
    asked = daemon.of(Respond)[before:][-1]
    assert [line.text for line in asked.history] == [first.heard, first.reply]


@pytest.mark.parametrize("recording", unspoken(), ids=lambda r: r.path.stem)
def test_nobody_speaking_is_no_turn(daemon: Inside, recording: Labelled) -> None:
    before = len(daemon.of(TurnOpened)), len(daemon.of(PlaybackEnded))
    reports = daemon.hear(recording.path)
    assert reports == []
    assert (len(daemon.of(TurnOpened)), len(daemon.of(PlaybackEnded))) == before


def test_private_sessions_share_engines_and_nothing_else(daemon: Inside) -> None:
    (first,) = daemon.hear(FOLDER / "clean-12.wav")
    before = len(daemon.of(Respond))
    (second,) = daemon.hear(FOLDER / "clean-05.wav")
    assert first.session != second.session
    assert daemon.of(Respond)[before].history == ()


def test_a_typed_question_after_another_has_its_context(daemon: Inside) -> None:
    first = daemon.ask("My favorite color is purple.")
    second = daemon.ask("What is my favorite color?")
    assert "purple" in (second.reply or "").lower()
    asked = daemon.of(Respond)[-1]
    assert [line.text for line in asked.history[-2:]] == [first.heard, first.reply]
    assert (second.cache_hit or 0.0) > 0.5


def test_the_word_error_rate_of_all_recordings_is_bounded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs: list[tuple[str, str]] = []
    with inside(EARS_ONLY) as host:
        for recording in spoken():
            before = len(host.of(VoiceStarted))
            heard = " ".join(report.heard or "" for report in host.hear(recording.path))
            assert len(host.of(VoiceStarted)) > before, f"{recording.path.name}: no voice found"
            pairs.append((recording.text, heard))
    rate = word_error_rate(pairs)
    with capsys.disabled():
        print(f"\nword error rate of {len(pairs)} recordings: {rate:.1%}")
        for said, heard in pairs:
            if edits(plain(said), plain(heard)):
                print(f"  said {said!r}, heard {heard!r}")
    assert rate <= WORST_WER


def write_stereo(path: Path, clip: Clip) -> None:
    """Write the clip on the left and half as loud on the right, 16 bit."""
    both = np.stack([clip.samples, clip.samples * np.float32(0.5)], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(clip.rate)
        file.writeframes((both * 32767.0).astype("<i2").tobytes())
