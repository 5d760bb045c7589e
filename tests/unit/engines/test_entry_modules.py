from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import BaseModel

from assistant.engines.native import espeak, llama, piper, whisper
from assistant.engines.native.options import parse, threads_or_default
from assistant.engines.scripted import llm, stt, tts
from assistant.errors import ConfigError

MODULES = [espeak, llama, piper, whisper, llm, stt, tts]
NATIVE = ["_pywhispercpp", "espeakng_loader", "llama_cpp", "onnxruntime", "piper", "pywhispercpp"]


@pytest.mark.parametrize("module", MODULES)
def test_options_are_strict_frozen_and_each_is_documented(module: object) -> None:
    options: type[BaseModel] = vars(module)["Options"]
    assert options.model_config["extra"] == "forbid"
    assert options.model_config["frozen"]
    for name, field in options.model_fields.items():
        assert field.description, name


def test_importing_the_entry_modules_loads_nothing_native() -> None:
    names = ", ".join(vars(module)["__name__"] for module in MODULES)
    code = f"import sys, {names}; print(sorted(set(sys.modules) & set({NATIVE!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wrong_options_are_all_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(llama.Options, {"model": "m.gguf", "context": 1, "colour": "red"})
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert "context" in lines[0]
    assert "colour" in lines[1]


def test_threads_leave_cores_for_others() -> None:
    assert threads_or_default(7) == 7
    assert 1 <= threads_or_default(None) <= 4
