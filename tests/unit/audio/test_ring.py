from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.ring import Ring


def test_a_full_ring_forgets_the_oldest_and_counts_it() -> None:
    ring: Ring[int] = Ring(3)
    for number in range(5):
        ring.put(number)
    assert [ring.take(), ring.take(), ring.take(), ring.take()] == [2, 3, 4, None]
    assert ring.dropped == 2


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Ring(0)


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 10))
def test_every_item_is_taken_in_order_or_counted(steps: list[bool], size: int) -> None:
    ring: Ring[int] = Ring(size)
    put, taken = 0, []
    for step in steps:
        if step:
            ring.put(put)
            put += 1
        elif (item := ring.take()) is not None:
            taken.append(item)
    while (item := ring.take()) is not None:
        taken.append(item)
    assert taken == sorted(set(taken))
    if taken:
        assert len(taken) + ring.dropped == put
