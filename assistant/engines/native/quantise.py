"""Writes a GGUF model with weights of another kind.

    python -P -m assistant.engines.native.quantise SOURCE TARGET q4_0

A kind that is fast on one machine is slow on another, so a model is converted once, where it runs.
Exit code 0: TARGET is whole. 1: one line on standard error says why not. 2: wrong usage.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from assistant.engines.native.options import threads_or_default
from assistant.errors import AssistantError, ModelError
from assistant.modelfiles.formats import check_llm

KINDS = {"f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q4_k_m": 15}
"""Kinds of weights by name, with llama.cpp's numbers for them."""


def requantise(source: Path, target: Path, kind: str) -> None:
    """Write `source` to `target` with weights of `kind`, one of KINDS.

    The target appears whole or not at all. It takes about a second for each 200 MB.
    Raises ModelError when the source is broken or the target cannot be written.
    """
    if kind not in KINDS:
        raise ModelError(f"no kind of weights named {kind!r}; there are: {', '.join(KINDS)}")
    check_llm(source)
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        code = _convert(source, part, KINDS[kind])
        if code != 0 or not part.exists():
            raise ModelError(f"{source}: llama.cpp cannot convert it to {kind} (code {code})")
        check_llm(part)
        part.replace(target)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _convert(source: Path, target: Path, number: int) -> int:
    import llama_cpp as native

    wanted = native.llama_model_quantize_default_params()
    wanted.ftype = number
    wanted.allow_requantize = True
    wanted.nthread = threads_or_default(None)
    return int(native.llama_model_quantize(os.fsencode(source), os.fsencode(target), wanted))


def main(arguments: list[str]) -> int:
    """Convert as the command line says; return the exit code."""
    if len(arguments) != 3:
        sys.stderr.write("usage: quantise SOURCE TARGET KIND\n")
        return 2
    source, target, kind = arguments
    try:
        requantise(Path(source), Path(target), kind)
    except AssistantError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
