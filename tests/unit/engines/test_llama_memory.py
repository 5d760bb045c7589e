from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.engines.native.llama_memory import Memory


class AllOrNothing:
    """A library whose memory cannot rewind: a sequence is cut behind its end, or emptied."""

    room = 2048

    def __init__(self) -> None:
        self.lengths: dict[int, int] = {}
        self.read_tokens = 0

    def cut(self, sequence: int, length: int) -> int:
        if self.lengths.get(sequence, 0) <= length:
            return length
        self.lengths[sequence] = 0
        return 0

    def share(self, donor: int, sequence: int, length: int) -> None:
        self.lengths[sequence] = self.lengths[donor]

    def read(
        self, sequence: int, tokens: Sequence[int], at: int, stopped: Callable[[], bool]
    ) -> bool:
        assert self.lengths.get(sequence, 0) == at
        self.lengths[sequence] = at + len(tokens)
        self.read_tokens += len(tokens)
        return True


def test_a_prompt_read_ahead_twice_is_read_once_where_memory_cannot_rewind() -> None:
    library, prompt = AllOrNothing(), list(range(1000))
    memory = Memory(library, slots=2, batch=64, rewinds=False)  # type: ignore[arg-type]
    for _ in range(3):
        held = memory.recall("a", prompt, 0, whole=True)
        list(memory.read(held, prompt, lambda: False))
        assert held.tokens == prompt
    assert library.read_tokens == 1000


def test_the_newest_message_is_read_beside_a_memory_that_cannot_rewind() -> None:
    library, history, newest = AllOrNothing(), list(range(1000)), [7, 8, 9]
    memory = Memory(library, slots=2, batch=64, rewinds=False)  # type: ignore[arg-type]
    for _ in range(3):
        held = memory.recall("a", [*history, *newest], 50)
        list(memory.read(held, history, lambda: False))
        list(memory.read(memory.branch(held), [*history, *newest], lambda: False))
    assert library.read_tokens == 1000 + 3 * len(newest)
