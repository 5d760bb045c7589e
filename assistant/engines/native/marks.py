"""Word marks: when each word of a text is heard in the sound made of it. PURE.

Words are the text as written, split on whitespace. Every function returns one mark for each of
them, in order, with 0 <= start_ms <= end_ms <= the length of the sound.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from audio.clip import WordMark

_DIGIT_WEIGHT = 4.0
_WIDE_WEIGHT = 3.0
_SILENT_WEIGHT = 0.01


@dataclass(frozen=True, slots=True)
class WordEvent:
    """A synthesiser began to say what is written at a place.

    position: index of the character, from 0
    at_ms:    since the sound began
    """

    position: int
    at_ms: float


def weight(word: str) -> float:
    """Return how long a word takes to say, in letters."""
    total = 0.0
    for letter in word:
        if letter.isdigit():
            total += _DIGIT_WEIGHT
        elif letter.isalpha():
            wide = unicodedata.east_asian_width(letter) in "WF"
            total += _WIDE_WEIGHT if wide else 1.0
    return total + 0.5 if total else _SILENT_WEIGHT


def estimate(words: Sequence[str], duration_ms: float, *, begin_ms: float = 0) -> list[WordMark]:
    """Spread the words over the sound by their weights. An estimate, to be marked so."""
    if not words:
        return []
    begin_ms = min(max(begin_ms, 0.0), duration_ms)
    sums = list(accumulate((weight(word) for word in words), initial=0.0))
    scale = (duration_ms - begin_ms) / sums[-1]
    edges = [min(begin_ms + done * scale, duration_ms) for done in sums]
    return in_order(words, edges[:-1], edges[1:], duration_ms)


def from_events(
    text: str, events: Sequence[WordEvent], duration_ms: float
) -> list[WordMark] | None:
    """Return marks from a synthesiser's word events; None where no event fits the text.

    Words without an event of their own share the time of the word before them.
    """
    words, places = text.split(), _places(text)
    starts: list[float | None] = [None] * len(words)
    for event in events:
        index = bisect_right(places, event.position) - 1
        if index >= 0 and starts[index] is None:
            starts[index] = event.at_ms
    if all(start is None for start in starts):
        return None
    return _fill(words, starts, duration_ms)


def in_order(
    words: Sequence[str], starts: Sequence[float], ends: Sequence[float], duration_ms: float
) -> list[WordMark]:
    """Return the marks, with every time moved into order and into the sound."""
    begun = _rising(starts, duration_ms)
    ended = _rising(ends, duration_ms)
    return [
        WordMark(word, start, max(start, end))
        for word, start, end in zip(words, begun, ended, strict=True)
    ]


def _places(text: str) -> list[int]:
    """Return the index of the first character of each word."""
    places, inside = [], False
    for i, letter in enumerate(text):
        if letter.isspace():
            inside = False
        elif not inside:
            places.append(i)
            inside = True
    return places


def _fill(
    words: Sequence[str], starts: Sequence[float | None], duration_ms: float
) -> list[WordMark]:
    """Return marks where each known start lasts until the next; unknown ones share by weight."""
    known = [i for i, start in enumerate(starts) if start is not None]
    known[0] = 0
    marks: list[WordMark] = []
    first = next(start for start in starts if start is not None)
    times = [first, *(float(starts[i] or 0.0) for i in known[1:]), duration_ms]
    for (i, j), (begin, end) in zip(
        pairwise([*known, len(words)]), pairwise(_rising(times, duration_ms)), strict=True
    ):
        marks += estimate(words[i:j], end, begin_ms=begin)
    return marks


def _rising(times: Sequence[float], limit: float) -> list[float]:
    """Return the times, none earlier than the one before nor outside 0..limit."""
    return [min(time, limit) for time in accumulate((max(t, 0.0) for t in times), max)]
