"""llama.cpp's choice of the next token. Imported inside a child process only."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llama_cpp as native

from assistant.engines.native.sampling import Sampling

_LOOK_BACK = 64


class Sampler:
    """Chooses tokens for one reply."""

    def __init__(self, chain: Any, context: Any) -> None:
        self._chain = chain
        self._context = context

    def next(self) -> int:
        """Return the token that follows what was read last."""
        return int(native.llama_sampler_sample(self._chain, self._context, -1))


@contextmanager
def sampler(wish: Sampling, context: Any, vocabulary: Any, seed: int | None) -> Iterator[Sampler]:
    """Give a sampler for one reply. seed: for a wish without one; None for a random one."""
    chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
    try:
        for stage in _stages(wish, native.llama_vocab_n_tokens(vocabulary), seed):
            native.llama_sampler_chain_add(chain, stage)
        yield Sampler(chain, context)
    finally:
        native.llama_sampler_free(chain)


def _stages(wish: Sampling, vocabulary_size: int, seed: int | None) -> Iterator[Any]:
    if wish.repeat_penalty != 1.0:
        yield native.llama_sampler_init_penalties(
            vocabulary_size, _LOOK_BACK, wish.repeat_penalty, 0.0, 0.0
        )
    if wish.temperature == 0:
        yield native.llama_sampler_init_greedy()
        return
    if wish.top_k:
        yield native.llama_sampler_init_top_k(wish.top_k)
    if wish.top_p < 1:
        yield native.llama_sampler_init_top_p(wish.top_p, 1)
    if wish.min_p:
        yield native.llama_sampler_init_min_p(wish.min_p, 1)
    yield native.llama_sampler_init_temp(wish.temperature)
    chosen = wish.seed if wish.seed is not None else seed
    yield native.llama_sampler_init_dist(secrets.randbits(32) if chosen is None else chosen)
