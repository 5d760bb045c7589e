"""A model and its memory in llama.cpp. Imported inside a child process only."""

from __future__ import annotations

import ctypes as c
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp as native

from assistant.engines.native.devicelog import WARNING, LogLines
from assistant.engines.native.llama import Options
from assistant.engines.native.options import threads_or_default
from assistant.engines.native.textflow import THINK_CLOSE, THINK_OPEN
from assistant.errors import EngineError, ModelError

_CONTINUED = 5
_FLASH = {"on": 1, "off": 0}
_SPECIAL = native.LLAMA_TOKEN_ATTR_CONTROL | native.LLAMA_TOKEN_ATTR_USER_DEFINED
_NO_ROOM, _ABORTED = 1, 2


class _Log:
    """Collects llama.cpp's log while it loads; then passes warnings and errors on.

    hushed: whether what it complains of is wanted; it calls every abort a failure
    """

    def __init__(self) -> None:
        self.lines: LogLines | None = None
        self.hushed: Callable[[], bool] = lambda: False
        self._last = 0
        self.callback = native.llama_log_callback(self._take)
        native.llama_log_set(self.callback, None)

    def _take(self, level: int, raw: bytes, _data: int | None) -> None:
        self._last = self._last if level == _CONTINUED else level
        text = raw.decode("utf-8", errors="replace")
        if self.lines is not None:
            self.lines.add(self._last, text)
        elif self._last >= WARNING and not self.hushed():
            sys.stderr.write(text)


_LOG = _Log()


class Library:
    """One model with one memory that holds several sequences of tokens.

    Raises ModelError when llama.cpp cannot read the file, EngineError when memory is short.
    """

    def __init__(self, options: Options, *, sequences: int) -> None:
        _LOG.lines = lines = LogLines()
        native.llama_backend_init()
        offloads = bool(native.llama_supports_gpu_offload())
        self._stopped: Callable[[], bool] = lambda: False
        self._abort = native.ggml_abort_callback(lambda _data: self._stopped())
        self._model = self._load(options)
        self.vocabulary: Any = native.llama_model_get_vocab(self._model)
        self.flash_attn = options.flash_attn == "on" or (
            options.flash_attn == "auto" and offloads and options.gpu_layers != 0
        )
        self._context = self._open(options, sequences)
        self._memory = native.llama_get_memory(self._context)
        self._batch_size = options.batch
        self._batch = native.llama_batch_init(options.batch, 0, 1)
        self.rewinds = not (
            native.llama_model_is_recurrent(self._model)
            or native.llama_model_is_hybrid(self._model)
        )
        self.room = int(native.llama_n_ctx(self._context))
        _LOG.lines = None
        self.log = lines.text

    def _load(self, options: Options) -> Any:
        wanted = native.llama_model_default_params()
        wanted.n_gpu_layers = options.gpu_layers
        model = native.llama_model_load_from_file(os.fsencode(options.model), wanted)
        if not model:
            raise ModelError(f"{options.model}: llama.cpp cannot read it; fetch it again")
        return model

    def _open(self, options: Options, sequences: int) -> Any:
        wanted = native.llama_context_default_params()
        wanted.n_ctx = options.context
        wanted.n_batch = wanted.n_ubatch = options.batch
        wanted.n_seq_max = sequences
        wanted.kv_unified = True
        wanted.n_threads = wanted.n_threads_batch = threads_or_default(options.threads)
        wanted.flash_attn_type = _FLASH["on" if self.flash_attn else "off"]
        wanted.abort_callback = self._abort
        wanted.no_perf = True
        context = native.llama_init_from_model(self._model, wanted)
        if not context:
            raise EngineError(
                f"llama.cpp cannot make a context of {options.context} tokens;"
                " lower llm.context or free memory"
            )
        return context

    @property
    def context(self) -> Any:
        """llama.cpp's context, for samplers."""
        return self._context

    def template(self) -> str | None:
        """Return the model's chat template, if it has one."""
        source = native.llama_model_chat_template(self._model, None)
        return source.decode("utf-8", errors="replace") if source else None

    def special_texts(self) -> list[str]:
        """Return the texts of all tokens that steer the model."""
        return [
            self.text_of(token)
            for token in range(native.llama_vocab_n_tokens(self.vocabulary))
            if native.llama_vocab_get_attr(self.vocabulary, token) & _SPECIAL
        ]

    def text_of(self, token: int) -> str:
        """Return a token's text as the vocabulary writes it; empty for no token (-1)."""
        if token < 0:
            return ""
        raw = native.llama_vocab_get_text(self.vocabulary, token)
        return raw.decode("utf-8", errors="replace") if raw else ""

    def edge_texts(self) -> tuple[str, str]:
        """Return the texts of the tokens that begin and end a text."""
        begin = native.llama_vocab_bos(self.vocabulary)
        return self.text_of(begin), self.text_of(native.llama_vocab_eos(self.vocabulary))

    def tokenise(self, text: str) -> list[int]:
        """Return the tokens of a rendered prompt; control texts in it become control tokens."""
        begin, _ = self.edge_texts()
        add_edges = not (begin and text.startswith(begin))
        data = text.encode("utf-8", errors="replace")
        size = len(data) + 8
        tokens = (native.llama_token * size)()
        count = native.llama_tokenize(
            self.vocabulary, data, len(data), tokens, size, add_edges, True
        )
        if count < 0:
            raise EngineError(f"llama.cpp cannot make tokens of {len(data)} bytes")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """Return what a token adds to the reply: nothing for control tokens."""
        show = self.text_of(token) in (THINK_OPEN, THINK_CLOSE)
        buffer = c.create_string_buffer(256)
        size = native.llama_token_to_piece(self.vocabulary, token, buffer, 256, 0, show)
        return buffer.raw[: max(size, 0)]

    def ends(self, token: int) -> bool:
        """Tell whether a token ends the reply."""
        return bool(native.llama_vocab_is_eog(self.vocabulary, token))

    def read(
        self, sequence: int, tokens: Sequence[int], at: int, stopped: Callable[[], bool]
    ) -> bool:
        """Read at most `batch` tokens into a sequence, behind its first `at` ones.

        Returns False when stopped() turned true. Then, and after an EngineError, which says that
        the memory is full, some of them may have been read: cut().
        """
        self._stopped = _LOG.hushed = stopped
        batch = self._batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = at + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = i == len(tokens) - 1
        code = native.llama_decode(self._context, batch)
        self._stopped = _LOG.hushed = lambda: False
        if code == 0:
            return True
        if code == _ABORTED or stopped():
            return False
        reason = "its memory is full" if code == _NO_ROOM else f"code {code}"
        raise EngineError(f"llama.cpp could not read {len(tokens)} tokens: {reason}")

    def cut(self, sequence: int, length: int) -> int:
        """Keep the first `length` tokens of a sequence; return how many are really kept.

        A model that cannot rewind keeps all or none.
        """
        if native.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return length
        native.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return 0

    def share(self, donor: int, sequence: int, length: int) -> None:
        """Let an empty sequence begin with the first `length` tokens of another one.

        A model that cannot rewind shares all of them, whatever the length.
        """
        native.llama_memory_seq_cp(self._memory, donor, sequence, 0, length)
