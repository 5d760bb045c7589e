from __future__ import annotations

from typing import Any

import pytest

from integration.engine_help import child, model, samples

pytestmark = pytest.mark.engines

STORY = [{"role": "user", "content": "Tell me a very long story about the sea."}]


def test_whisper_transcribes_in_a_process_of_its_own() -> None:
    path = model("stt", "micro-whisper")
    with child("assistant.engines.native.whisper", model=path, threads=1) as engine:
        ready = engine.next()
        assert (ready.kind, ready.fields["model"]) == ("ready", path)
        engine.send("transcribe", 1, samples("clean-01.wav").tobytes(), rate=16_000, final=True)
        started, text, done = engine.until("done", "error")
        assert started.kind == "started"
        assert text.fields["text"] == "Set a timer for five minutes."
        assert done.fields["ms"] > 0


def test_llama_stops_in_mid_reply_and_answers_pings_meanwhile() -> None:
    path = model("llm", "smollm2-135m")
    with child("assistant.engines.native.llama", model=path, threads=1) as engine:
        assert engine.next().kind == "ready"
        engine.send("reply", 1, conversation="a", messages=STORY, max_tokens=1500)
        engine.until("delta")
        engine.send("ping", 2)
        assert engine.until("pong")[-1].id == 2
        engine.send("cancel", 1)
        assert engine.until("stopped", "done")[-1].kind == "stopped"
        engine.send("reply", 3, conversation="a", messages=STORY, max_tokens=3)
        done = engine.until("done", "error")[-1]
        assert (done.kind, done.fields["tokens"]) == ("done", 3)
        assert done.fields["cached_tokens"] == done.fields["prompt_tokens"] - 1


@pytest.mark.parametrize(
    ("module", "name"), [("piper", "piper:micro-piper"), ("espeak", "espeak:en-us")]
)
def test_voices_speak_in_a_process_of_their_own(module: str, name: str) -> None:
    micro = model("voice", "micro-piper")
    options: dict[str, Any] = {"warm": micro} if module == "piper" else {}
    with child(f"assistant.engines.native.{module}", **options) as engine:
        assert engine.next().kind == "ready"
        voice = {"engine": module, "model": micro if module == "piper" else "en-us"}
        engine.send("speak", 1, text="Good evening. " * 700, voice=voice)
        sound = engine.until("sound")[-1]
        assert sound.fields["voice"] == name
        engine.send("cancel", 1)
        rest = engine.until("stopped", "done")
        assert rest[-1].kind == "stopped"
        assert len(rest) < 600


@pytest.mark.parametrize(
    ("module", "options", "told"),
    [
        ("native.whisper", {"model": "/nowhere.bin"}, "/nowhere.bin: there is no such file"),
        ("native.llama", {"model": "/nowhere.gguf"}, "/nowhere.gguf: there is no such file"),
        ("native.llama", {}, "model: Field required"),
        ("scripted.tts", {"colour": "red"}, "colour"),
    ],
)
def test_an_engine_that_cannot_load_says_why(
    module: str, options: dict[str, str], told: str
) -> None:
    with child(f"assistant.engines.{module}", **options) as engine:
        packet = engine.next()
        assert packet.kind == "error"
        assert told in packet.fields["text"]


def test_scripted_engines_take_the_same_road() -> None:
    with child("assistant.engines.scripted.llm", replies=["Good evening."]) as engine:
        assert engine.next().kind == "ready"
        engine.send("reply", 1, conversation="a", messages=STORY)
        packets = engine.until("done", "error")
        assert "".join(p.fields.get("text", "") for p in packets) == "Good evening."
