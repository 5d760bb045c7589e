"""The language model with llama.cpp through llama-cpp-python. Loads it in load() only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from assistant.engines.native.options import EngineOptions, Threads, parse

if TYPE_CHECKING:
    from assistant.engines.native.llama_engine import LlamaEngine


class Options(EngineOptions):
    """How llama.cpp writes replies. Sampling and length come with every request."""

    model: Path
    """Path of a GGUF file. A missing or broken file is refused, never opened."""

    context: Annotated[int, Field(ge=256, le=1_048_576)] = 4096
    """Tokens that all conversations together may keep in memory, and the longest prompt."""

    conversations: Annotated[int, Field(ge=1, le=64)] = 8
    """Conversations kept in memory; the one not used for longest gives way."""

    threads: Threads | None = None
    """Threads that compute; by default half of the cores, at most 4."""

    batch: Annotated[int, Field(ge=8, le=2048)] = 64
    """Tokens of a prompt that are read at once. A cancel is noticed between two batches."""

    gpu_layers: Annotated[int, Field(ge=-1, le=1000)] = -1
    """Layers computed on the GPU where the library was built for one; -1 for all."""

    flash_attn: Literal["auto", "on", "off"] = "auto"
    """Flash attention. Automatic: on with a GPU; off on a CPU, where it slows long prompts down."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of replies whose request names none; none for another one each time."""

    reply_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Longest time for one reply, s; it ends as if its tokens were used up."""


def load(options: Mapping[str, object]) -> LlamaEngine:
    """Load the model, probe its chat template and read one token.

    Raises ConfigError for wrong options, ModelError for a missing or broken model.
    """
    from assistant.engines.native.llama_engine import LlamaEngine

    return LlamaEngine(parse(Options, options))
