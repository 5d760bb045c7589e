from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engines.native.prefixes import Plan, Prefixes
from assistant.errors import RequestError


def read(prefixes: Prefixes, name: str, prompt: list[int], spare: int = 0) -> Plan:
    plan = prefixes.plan(name, prompt, spare)
    plan.held.tokens[:] = prompt
    return plan


def test_a_conversation_keeps_the_common_beginning() -> None:
    prefixes = Prefixes(slots=2, room=100)
    first = read(prefixes, "a", [1, 2, 3])
    assert first.fresh
    plan = prefixes.plan("a", [1, 2, 9, 9], 0)
    assert not plan.fresh
    assert plan.held.tokens == [1, 2]
    assert plan.held.sequence == first.held.sequence


def test_the_last_token_of_a_prompt_is_read_again_for_a_reply() -> None:
    prefixes = Prefixes(slots=2, room=100)
    read(prefixes, "a", [1, 2, 3])
    assert prefixes.plan("a", [1, 2, 3], 0).held.tokens == [1, 2]


def test_nothing_of_an_unchanged_prompt_is_read_ahead_again() -> None:
    prefixes = Prefixes(slots=2, room=100)
    read(prefixes, "a", [1, 2, 3])
    assert prefixes.plan("a", [1, 2, 3], 0, whole=True).held.tokens == [1, 2, 3]
    assert prefixes.plan("a", [1, 2], 0, whole=True).held.tokens == [1]


def test_the_conversation_not_used_for_longest_gives_its_place() -> None:
    prefixes = Prefixes(slots=2, room=100)
    a = read(prefixes, "a", [1]).held.sequence
    read(prefixes, "b", [2])
    read(prefixes, "a", [1, 3])
    b_again = read(prefixes, "c", [4])
    assert b_again.held.sequence != a
    assert b_again.fresh
    assert prefixes.plan("a", [1, 3, 5], 0).held.tokens == [1, 3]
    assert prefixes.plan("b", [2], 0).fresh


def test_a_full_memory_evicts_others_and_never_the_speaker() -> None:
    prefixes = Prefixes(slots=4, room=10)
    a = read(prefixes, "a", [1, 2, 3, 4]).held.sequence
    b = read(prefixes, "b", [5, 6, 7]).held.sequence
    assert read(prefixes, "b", [5, 6, 7, 8], spare=2).evict == ()
    assert read(prefixes, "b", [5, 6, 7, 8, 9], spare=2).evict == (a,)
    assert prefixes.plan("b", [5, 6, 7, 8, 9, 10], 100).held.sequence == b


def test_a_new_conversation_shares_what_another_one_read() -> None:
    prefixes = Prefixes(slots=4, room=1000)
    card = list(range(50))
    donor = read(prefixes, "a", [*card, 900]).held.sequence
    plan = prefixes.plan("b", [*card, 901, 902], 0)
    assert plan.donor == donor
    assert plan.held.tokens == card
    assert prefixes.plan("c", [1, 2], 0).donor is None


def test_a_prompt_longer_than_the_context_is_refused_and_changes_nothing() -> None:
    prefixes = Prefixes(slots=2, room=10)
    read(prefixes, "a", [1, 2])
    with pytest.raises(RequestError, match="12 tokens, the model's context 10"):
        prefixes.plan("a", list(range(12)), 0)
    assert prefixes.plan("a", [1, 2, 3], 0).held.tokens == [1, 2]


def test_a_forgotten_conversation_frees_its_sequence() -> None:
    prefixes = Prefixes(slots=1, room=10)
    sequence = read(prefixes, "a", [1]).held.sequence
    assert prefixes.forget("a") == sequence
    assert prefixes.forget("a") is None
    assert read(prefixes, "b", [1]).held.sequence == sequence


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.lists(st.integers(0, 3), min_size=1, max_size=29),
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(REQUESTS)
def test_memory_never_holds_more_than_its_room_and_no_sequence_twice(
    requests: list[tuple[str, list[int], int]],
) -> None:
    prefixes = Prefixes(slots=3, room=30)
    used: dict[int, str] = {}
    for name, prompt, spare in requests:
        plan = prefixes.plan(name, prompt, spare)
        assert plan.held.tokens == prompt[: len(plan.held.tokens)]
        assert len(plan.held.tokens) < len(prompt)
        assert plan.held.sequence not in plan.evict
        if not plan.fresh:
            assert used[plan.held.sequence] == name
        used[plan.held.sequence] = name
        plan.held.tokens[:] = prompt
        assert prefixes.tokens <= 30
