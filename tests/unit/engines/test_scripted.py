from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from assistant.engines.scripted import llm, stt, tts
from assistant.errors import ConfigError, EngineError
from audio.host import Engine
from audio.wire import Packet

LOUD = np.full(1600, 0.5, np.float32).tobytes()


def never() -> bool:
    return False


def ask(
    engine: Engine,
    kind: str,
    payload: bytes = b"",
    stopped: Callable[[], bool] = never,
    **fields: Any,
) -> list[Packet]:
    return list(engine.answer(Packet(kind, 7, fields, payload), stopped))


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def written(packets: list[Packet]) -> str:
    return "".join(p.fields["text"] for p in packets if p.kind == "delta")


def test_the_transcriber_hears_its_texts_in_order() -> None:
    engine = stt.load({"texts": ["Hello.", "Bye."]})
    heard = [ask(engine, "transcribe", LOUD, rate=16_000)[0].fields for _ in range(3)]
    assert [fields["text"] for fields in heard] == ["Hello.", "Bye.", ""]
    assert heard[2]["filtered"] == "no_speech"


def test_partials_and_silence_use_no_text_up() -> None:
    engine = stt.load({"texts": ["Hello."], "again": True})
    assert ask(engine, "transcribe", LOUD, final=False)[0].fields["text"] == "Hello."
    assert ask(engine, "transcribe", bytes(6400))[0].fields["filtered"] == "blank"
    assert ask(engine, "transcribe", LOUD)[0].fields["text"] == "Hello."
    assert ask(engine, "transcribe", LOUD)[0].fields["text"] == "Hello."


def test_the_chat_model_answers_by_rule_then_in_order_then_repeats() -> None:
    engine = llm.load({"rules": [["name", "I am Nova."]], "replies": ["One.", "Two."]})
    texts = ["What is your NAME?", "a", "b", "c"]
    replies = [written(ask(engine, "reply", conversation="x", messages=user(t))) for t in texts]
    assert replies == ["I am Nova.", "One.", "Two.", "One."]
    plain = llm.load({})
    assert written(ask(plain, "reply", conversation="x", messages=user("Hi."))) == "You said: Hi."


def test_the_chat_model_streams_words_and_counts_its_cache() -> None:
    engine = llm.load({"replies": ["one two three"]})
    ask(engine, "prefill", conversation="x", messages=user("a b"))
    packets = ask(engine, "reply", conversation="x", messages=user("a b c"), max_tokens=2)
    assert packets[0].fields == {"cached_tokens": 3, "prompt_tokens": 4}
    assert [p.fields["text"] for p in packets[1:-1]] == ["one ", "two "]
    done = packets[-1].fields
    assert (done["cached_tokens"], done["prompt_tokens"]) == (3, 4)
    assert (done["tokens"], done["finish"]) == (2, "length")
    ask(engine, "forget", conversation="x")
    again = ask(engine, "reply", conversation="x", messages=user("a b c"), stop=["wo"])
    assert again[-1].fields["cached_tokens"] == 0
    assert written(again) == "one t"


def test_a_stopped_chat_model_says_no_more() -> None:
    engine = llm.load({"replies": ["one two three"], "token_ms": 1})
    seen = iter([False, True])
    packets = ask(
        engine, "reply", stopped=lambda: next(seen, True), conversation="x", messages=user("a")
    )
    assert written(packets) == "one "
    assert packets[-1].kind == "delta"


def test_the_voice_hums_one_tone_a_word() -> None:
    engine = tts.load({"word_ms": 100, "rate": 8000})
    sounds = ask(engine, "speak", text="Hello there. Bye.", voice={"speed": 2.0})[:-1]
    assert [[w["text"] for w in s.fields["words"]] for s in sounds] == [
        ["Hello", "there."],
        ["Bye."],
    ]
    assert [len(s.payload) for s in sounds] == [2 * 400 * 4, 400 * 4]
    assert sounds[0].fields["words"][1] == {"text": "there.", "start_ms": 50, "end_ms": 90}
    samples = np.frombuffer(sounds[1].payload, "<f4")
    assert 0.2 < np.abs(samples[:320]).max() <= 0.25
    assert not samples[320:].any()


def test_engines_fail_when_their_script_says_so() -> None:
    with pytest.raises(EngineError, match="'boom'"):
        ask(llm.load({"fail_at": "boom"}), "reply", conversation="x", messages=user("boom!"))
    with pytest.raises(EngineError, match="'boom'"):
        ask(tts.load({"fail_at": "boom"}), "speak", text="a boom.")


@pytest.mark.parametrize("name", ["stt", "llm", "tts"])
def test_every_scripted_engine_warms_and_refuses_what_it_does_not_know(name: str) -> None:
    module = importlib.import_module(f"assistant.engines.scripted.{name}")
    engine = module.load({})
    ask(engine, "warm")
    with pytest.raises(EngineError, match="'dance'"):
        ask(engine, "dance")
    with pytest.raises(ConfigError, match="colour"):
        module.load({"colour": "red"})
