"""A queue between a real-time callback and one reader: the writer never waits."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Holds the newest `size` items. One thread puts, one thread takes.

    When it is full the oldest item goes. Items carry a number, and the reader counts the gaps, so
    the count is exact without a lock: appending to and popping from a deque are atomic.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a ring needs room for at least 1 item, got {size}")
        self._items: deque[tuple[int, T]] = deque(maxlen=size)
        self._put = 0
        self._taken = 0
        self.dropped = 0
        """Items lost because the reader was too slow, up to the newest one it took."""

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item. Called by the writer; never waits."""
        self._items.append((self._put, item))
        self._put += 1

    def take(self) -> T | None:
        """Return the oldest item, or None when there is none. Called by the reader."""
        try:
            number, item = self._items.popleft()
        except IndexError:
            return None
        self.dropped += number - self._taken
        self._taken = number + 1
        return item
