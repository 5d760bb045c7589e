from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from audio.pulse import PulseWatch


class News:
    """A server's news, that end when it goes away."""

    def __init__(self, *lines: bytes, lasts: bool) -> None:
        self.stdout: Iterable[bytes] = self._read(lines)
        self._gone = threading.Event()
        if not lasts:
            self._gone.set()

    def _read(self, lines: tuple[bytes, ...]) -> Iterator[bytes]:
        yield from lines
        self._gone.wait()

    def poll(self) -> int | None:
        return 1 if self._gone.is_set() else None

    def wait(self) -> int:
        self._gone.wait()
        return 1

    def kill(self) -> None:
        self._gone.set()


def test_a_server_that_comes_back_is_watched_again_and_doubted_once() -> None:
    told: list[str] = []
    heard = threading.Event()

    def loudspeakers() -> None:
        told.append("loudspeakers")
        if len(told) == 4:
            heard.set()

    news = iter(
        [
            News(b"Event 'change' on source #1", lasts=False),
            News(lasts=False),
            News(b"Event 'new' on sink #2", lasts=True),
        ]
    )
    watch = PulseWatch(
        lambda: told.append("microphones"), loudspeakers, lambda: next(news), pause_s=0.01
    )
    watch.start()
    assert heard.wait(5.0), told
    watch.close()
    assert told == ["microphones", "microphones", "loudspeakers", "loudspeakers"]
