from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.engines.native import whisper
from assistant.engines.native.espeak_library import synthesiser
from assistant.errors import EngineError, ModelError
from audio.host import Engine
from audio.resample import resample
from integration.engine_help import Counter, ask, errors, model, never, plain, recordings, samples

pytestmark = pytest.mark.engines

PUBLISHED_WER = 0.029
"""Word error rate of the model on these recordings with the whole window of 30 s."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return whisper.load({"model": model("stt", "micro-whisper"), "threads": 1})


def hear(engine: Engine, file: str, **fields: Any) -> str:
    return str(ask(engine, "transcribe", samples(file).tobytes(), **fields)[0].fields["text"])


def test_a_short_context_costs_at_most_two_points_of_word_errors(engine: Engine) -> None:
    wrong = said = 0
    for row, sound in recordings():
        fields = ask(engine, "transcribe", sound.tobytes(), rate=16_000)[0].fields
        wrong += errors(plain(row["text"]), plain(fields["text"]))
        said += len(plain(row["text"]))
        assert (fields["filtered"] is None) == bool(row["text"]), row["file"]
        assert fields["audio_ctx"] in (256, 512)
    assert said > 150
    assert wrong / said <= PUBLISHED_WER + 0.02


def test_segments_lie_inside_the_sound_and_in_order(engine: Engine) -> None:
    sound = samples("two_sentences-02.wav")
    segments = ask(engine, "transcribe", sound.tobytes())[0].fields["segments"]
    assert len(segments) >= 1
    edges = [edge for s in segments for edge in (s["start_ms"], s["end_ms"])]
    assert edges == sorted(edges)
    assert 0 <= edges[0] < edges[-1] <= len(sound) / 16 + 1000


def test_options_of_one_call_do_not_stay_for_the_next(engine: Engine) -> None:
    before = hear(engine, "clean-01.wav")
    hear(engine, "two_sentences-01.wav", prompt="Iris, Nova, Ruby", final=False)
    assert hear(engine, "clean-01.wav") == before == "Set a timer for five minutes."


def test_a_prompt_is_kept_from_a_model_that_knows_none(engine: Engine) -> None:
    assert engine.facts["takes_prompts"] is False
    for file in ("pause-01.wav", "two_sentences-01.wav", "two_sentences-02.wav"):
        assert hear(engine, file, prompt="Nova, Luna, Sage, Ruby") == hear(engine, file)


def test_a_cancel_ends_native_work_and_the_next_call_is_whole(engine: Engine) -> None:
    sound = np.tile(samples("clean-01.wav"), 8).tobytes()
    whole, cut = Counter(), Counter(limit=1)
    ask(engine, "transcribe", sound, whole)
    assert [packet.kind for packet in ask(engine, "transcribe", sound, cut)] == ["done"]
    assert cut.asked < whole.asked / 2
    assert hear(engine, "clean-01.wav") == "Set a timer for five minutes."


@pytest.mark.parametrize("voice", ["en-us", "en+m4", "en-us+f3"])
@pytest.mark.parametrize("noise", [0.0001, 0.003])
def test_a_thank_you_that_was_said_is_kept(engine: Engine, voice: str, noise: float) -> None:
    clip, _ = synthesiser().say("Thank you.", voice, 1.0, never)
    spoken = resample(clip, 16_000).samples * np.float32(0.5)
    sound = np.pad(spoken, 8000).astype(np.float32)
    sound += (np.random.default_rng(1).standard_normal(len(sound)) * noise).astype(np.float32)
    fields = ask(engine, "transcribe", sound.tobytes())[0].fields
    assert fields["filtered"] is None
    assert plain(fields["text"])[0] == "thank"


def test_silence_clicks_and_shreds_of_sound_give_no_text(engine: Engine) -> None:
    for payload in (b"", bytes(4 * 16_000), samples("clean-01.wav")[8000:9000].tobytes()):
        fields = ask(engine, "transcribe", payload)[0].fields
        assert (fields["text"], fields["filtered"]) == ("", "blank")


def test_samples_out_of_range_or_not_a_number_do_no_harm(engine: Engine) -> None:
    sound = samples("clean-01.wav").copy()
    sound[100:110] = np.nan
    sound[200:205] = 1e9
    assert ask(engine, "transcribe", sound.tobytes())[0].kind == "text"


def test_a_language_is_never_guessed(engine: Engine) -> None:
    assert engine.facts["multilingual"] is False
    with pytest.raises(EngineError, match="knows English only"):
        hear(engine, "clean-01.wav", language="de")
    with pytest.raises(EngineError, match="no language 'xx'"):
        hear(engine, "clean-01.wav", language="xx")


def test_sound_of_another_form_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError, match="16000 Hz, got 48000"):
        ask(engine, "transcribe", bytes(4000), rate=48_000)
    with pytest.raises(EngineError, match="no whole number"):
        ask(engine, "transcribe", bytes(4001))
    with pytest.raises(EngineError, match="'dance'"):
        ask(engine, "dance")


def test_warming_makes_a_call_and_facts_tell_device_and_threads(engine: Engine) -> None:
    assert [packet.kind for packet in ask(engine, "warm", b"", never)] == ["done"]
    assert engine.facts["device"] in ("cpu", "metal", "cuda")
    assert engine.facts["threads"] == 1


def test_a_missing_or_cut_off_model_is_refused(tmp_path: Path) -> None:
    whole = Path(model("stt", "micro-whisper")).read_bytes()
    cut = tmp_path / "cut.bin"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="not a whole"):
        whisper.load({"model": str(cut)})
    cut.write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(ModelError, match="not a whole"):
        whisper.load({"model": str(cut)})
    with pytest.raises(ModelError, match="no such file"):
        whisper.load({"model": str(tmp_path / "none.bin")})
