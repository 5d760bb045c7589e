from __future__ import annotations

import shutil
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from assistant.engines.native import espeak, piper, whisper
from assistant.engines.native.espeak_library import synthesiser
from assistant.errors import ConfigError, EngineError
from audio.clip import Samples, peak_db
from audio.host import Engine
from audio.wire import Packet
from integration.engine_help import Counter, ask, ask_for, errors, model, plain

pytestmark = pytest.mark.engines

SENTENCES = [
    "Turn on the kitchen light.",
    "Set a timer for five minutes.",
    "What is the weather — today?",
    "Good evening, my 5 dear friends of the 21st century!",
    '"Quoted" (really) it is 10:30...',
]
LONG = "Good evening to all of you. " * 360


@pytest.fixture(scope="module")
def micro() -> str:
    return model("voice", "micro-piper")


@pytest.fixture(scope="module")
def voices(micro: str) -> Engine:
    return piper.load({"voices": {"micro": micro}, "warm": "micro", "threads": 1})


def say(engine: Engine, text: str, language: str = "en", /, **voice: Any) -> list[Packet]:
    packets = ask(engine, "speak", text=text, language=language, voice=voice)
    assert packets[-1].kind == "done"
    return packets[:-1]


def sound(packets: list[Packet]) -> Samples:
    return np.concatenate([np.frombuffer(packet.payload, "<f4") for packet in packets])


def check(packets: list[Packet], text: str) -> None:
    """Check that the marks cover all words in order, each inside its sound."""
    assert [w["text"] for p in packets for w in p.fields["words"]] == text.split()
    for packet in packets:
        length_ms = len(packet.payload) / 4 * 1000 / packet.fields["rate"]
        at = 0.0
        for word in packet.fields["words"]:
            assert at <= word["start_ms"] <= word["end_ms"] <= length_ms
            at = word["start_ms"]
        assert 0.01 < np.abs(np.frombuffer(packet.payload, "<f4")).max() <= 1.0


PIPER = {"engine": "piper", "model": "micro"}
ESPEAK = {"engine": "espeak", "model": "en-us+f3"}


@pytest.mark.parametrize("voice", [PIPER, ESPEAK])
@pytest.mark.parametrize("text", [*SENTENCES, " ".join(SENTENCES)])
def test_marks_cover_every_word_and_come_from_the_voice(
    voices: Engine, voice: dict[str, str], text: str
) -> None:
    packets = say(voices, text, **voice)
    check(packets, text)
    assert {packet.fields["marks"] for packet in packets} == {"aligned"}
    assert not any(packet.fields["fallback"] for packet in packets)


def test_marks_of_piper_stand_where_the_words_sound(voices: Engine, micro: str) -> None:
    ears = whisper.load({"model": model("stt", "micro-whisper"), "threads": 1})
    packet = say(voices, "Turn on the kitchen light.", **PIPER)[0]
    samples = np.frombuffer(packet.payload, "<f4")
    light = packet.fields["words"][-1]["start_ms"]
    heard = ask(ears, "transcribe", samples[: int(light * 16)].tobytes())[0].fields["text"]
    assert "light" not in heard.lower()
    whole = ask(ears, "transcribe", samples.tobytes())[0].fields["text"]
    assert errors(plain("Turn on the kitchen light."), plain(whole)) == 0


@pytest.mark.parametrize("voice", [PIPER, ESPEAK])
def test_speed_and_volume_are_obeyed(voices: Engine, voice: dict[str, str]) -> None:
    text = "Turn on the kitchen light."
    usual = sound(say(voices, text, **voice))
    fast = sound(say(voices, text, **voice, speed=2.0))
    quiet = sound(say(voices, text, **voice, volume=0.25))
    assert 0.35 < len(fast) / len(usual) < 0.7
    assert peak_db(quiet) == pytest.approx(peak_db(usual) - 12, abs=1.5)
    assert not sound(say(voices, text, **voice, volume=0)).any()


@pytest.mark.parametrize("text", ["", "   ", "...", "—", "🌊", "\n\n"])
def test_nothing_to_say_makes_no_sound(voices: Engine, text: str) -> None:
    assert say(voices, text, **PIPER) == []
    assert say(voices, text, **ESPEAK) == []


@pytest.mark.parametrize("voice", [PIPER, ESPEAK])
def test_double_brackets_are_read_as_text(voices: Engine, voice: dict[str, str]) -> None:
    text = "Say [[h@l'oU]] now."
    check(say(voices, text, **voice), text)


def test_a_missing_or_broken_voice_is_replaced_and_the_reason_told(
    voices: Engine, micro: str, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(Path(micro).read_bytes()[:800_000])
    shutil.copy(f"{micro}.json", f"{cut}.json")
    bare = tmp_path / "bare.onnx"
    shutil.copy(micro, bare)
    for name, reason in ((str(cut), "cut.onnx"), (str(bare), "bare.onnx.json"), ("none", "none")):
        packet = say(voices, "Hello.", engine="piper", model=name, fallback="en+m4")[0]
        assert packet.fields["voice"] == "espeak:en+m4"
        assert packet.fields["fallback"]
        assert reason in packet.fields["reason"]


def test_a_speaker_that_a_voice_has_not_is_replaced_by_its_own(voices: Engine) -> None:
    packet = say(voices, "Hello.", **PIPER, speaker=3)[0]
    assert packet.fields["voice"] == "piper:micro-piper"
    assert "speakers 0 to 0, not 3" in packet.fields["reason"]


def test_the_fallback_speaks_the_language_of_the_request(voices: Engine) -> None:
    german = say(voices, "Guten Abend.", "de", engine="piper", model="none")
    assert german[0].fields["voice"] == "espeak:de"
    nowhere = say(voices, "Hello.", "xx", engine="piper", model="none")
    assert nowhere[0].fields["voice"] == "espeak:en-us"


@pytest.mark.parametrize(
    ("name", "text"),
    [("en-us+f3", "Hello."), ("en+m4", "Hello."), ("de", "Über!"), ("cmn", "你好。")],
)
def test_espeak_has_many_voices(voices: Engine, name: str, text: str) -> None:
    packets = say(voices, text, engine="espeak", model=name)
    assert packets[0].fields["voice"] == f"espeak:{name}"
    check(packets, text)


def test_an_unknown_espeak_voice_gives_way_to_the_language(voices: Engine) -> None:
    packet = say(voices, "Hello.", "de", engine="espeak", model="nobody")[0]
    assert packet.fields["voice"] == "espeak:de"
    assert "nobody" in packet.fields["reason"]


@pytest.mark.parametrize("voice", [PIPER, ESPEAK])
def test_a_long_text_comes_sentence_by_sentence_and_stops_at_once(
    voices: Engine, voice: dict[str, str]
) -> None:
    told = ask_for(voices, "speak", 2, text=LONG, voice=voice)
    assert [packet.kind for packet in told] == ["sound", "sound"]
    assert len(told[0].fields["words"]) == 6


def test_espeak_stops_inside_a_sentence() -> None:
    text = "word " * 200
    whole, _ = synthesiser().say(text, "en-us", 1.0, Counter())
    part, _ = synthesiser().say(text, "en-us", 1.0, Counter(limit=20))
    assert 0 < part.duration_s < whole.duration_s / 4


def test_threads_share_espeak_without_mixing_their_sound() -> None:
    texts = {"one": "en-us", "zwei": "de"}
    alone = {t: len(synthesiser().say(t, v, 1.0, Counter())[0].samples) for t, v in texts.items()}
    lengths: dict[str, set[int]] = {text: set() for text in texts}

    def work(text: str) -> None:
        for _ in range(30):
            clip, _ = synthesiser().say(text, texts[text], 1.0, Counter())
            lengths[text].add(len(clip.samples))

    threads = [Thread(target=work, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text, found in lengths.items():
        assert all(abs(length - alone[text]) < 400 for length in found)


def test_only_the_last_voices_are_kept(micro: str, tmp_path: Path) -> None:
    engine = piper.load({"folder": str(tmp_path), "keep": 1, "threads": 1})
    for name in ("one", "two"):
        shutil.copy(micro, tmp_path / f"{name}.onnx")
        shutil.copy(f"{micro}.json", tmp_path / f"{name}.onnx.json")
    for name in ("one", "two"):
        packet = say(engine, "Hello.", engine="piper", model=name)[0]
        assert packet.fields["voice"] == f"piper:{name}"
    (tmp_path / "one.onnx").unlink()
    assert say(engine, "Hello.", engine="piper", model="one")[0].fields["fallback"]
    assert not say(engine, "Hello.", engine="piper", model="two")[0].fields["fallback"]


def test_a_voice_that_cannot_warm_is_told_with_the_facts() -> None:
    engine = piper.load({"warm": "/nowhere/nova.onnx"})
    assert "/nowhere/nova.onnx" in str(engine.facts["warning"])


def test_the_espeak_engine_speaks_for_any_voice() -> None:
    engine = espeak.load({"voice": "en+m4"})
    packet = say(engine, "Hello.", **PIPER)[0]
    assert packet.fields["fallback"]
    assert ask(engine, "warm") == []
    with pytest.raises(ConfigError, match="nobody"):
        espeak.load({"voice": "nobody"})


def test_wrong_wishes_are_refused(voices: Engine) -> None:
    with pytest.raises(EngineError, match="speed"):
        say(voices, "Hello.", **PIPER, speed=0)
    with pytest.raises(EngineError, match="'dance'"):
        ask(voices, "dance")
