"""Word marks from the phonemes of a voice and their times. PURE.

Phonemes do not keep the words of the text: "on the" is said as one, "21" as two. Each written word
knows how many sounds it has when said alone; the cheapest pairing of written words with spoken ones
tells which were joined or parted, and within a joined one the sounds are counted off.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.engines.native.marks import estimate, in_order
from audio.clip import WordMark

_MOST_JOINED = 4
_MOST_PARTED = 16
_OTHER_THAN_ONE = 0.5
_WORST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One phoneme in the sound; a space parts words."""

    symbol: str
    ms: float


@dataclass(frozen=True, slots=True)
class _Group:
    """Written words begin..end that are spoken as the words first..last, ends excluded."""

    begin: int
    end: int
    first: int
    last: int


_Span = list[tuple[float, float]]
"""Start and end of each sound of one spoken word, ms."""


def sounds_in(phonemes: Sequence[str]) -> int:
    """Return how many of the symbols are sounds: no stress, length, tone or punctuation marks."""
    return sum(_is_sound(symbol) for symbol in phonemes)


def from_phonemes(
    words: Sequence[str], sounds: Sequence[int], phonemes: Sequence[Phoneme], duration_ms: float
) -> tuple[list[WordMark], bool]:
    """Return one mark for each word, and whether they follow the phonemes.

    sounds: of each word when it is said alone; 0 for one that is not said
    Where words and phonemes do not fit together the marks are an estimate.
    """
    spans = _spans(phonemes)
    said = [i for i, count in enumerate(sounds) if count]
    groups = _pair([sounds[i] for i in said], [len(span) for span in spans])
    if groups is None:
        begin = spans[0][0][0] if spans else 0.0
        end = min(spans[-1][-1][1], duration_ms) if spans else duration_ms
        return estimate(words, end, begin_ms=begin), False
    times: dict[int, tuple[float, float]] = {}
    for group in groups:
        inside = [said[i] for i in range(group.begin, group.end)]
        run = [sound for span in spans[group.first : group.last] for sound in span]
        times |= _count_off(inside, [sounds[i] for i in inside], run)
    before = spans[0][0][0]
    starts, ends = [], []
    for i in range(len(words)):
        start, before = times.get(i, (before, before))
        starts.append(start)
        ends.append(before)
    return in_order(words, starts, ends, duration_ms), True


def _is_sound(symbol: str) -> bool:
    return any(unicodedata.category(letter) in ("Ll", "Lu", "Lo") for letter in symbol)


def _spans(phonemes: Sequence[Phoneme]) -> list[_Span]:
    spans: list[_Span] = []
    at, parted = 0.0, True
    for phoneme in phonemes:
        if phoneme.symbol.isspace():
            parted = True
        elif _is_sound(phoneme.symbol):
            if parted:
                spans.append([])
                parted = False
            spans[-1].append((at, at + phoneme.ms))
        elif not parted:
            spans[-1][-1] = (spans[-1][-1][0], at + phoneme.ms)
        at += phoneme.ms
    return spans


def _pair(written: Sequence[int], spoken: Sequence[int]) -> list[_Group] | None:
    """Return the pairing with the least difference in sounds; None where none is plausible."""
    best: dict[tuple[int, int], tuple[float, _Group | None]] = {(0, 0): (0.0, None)}
    steps = [(1, n) for n in range(1, _MOST_PARTED + 1)] + [
        (n, 1) for n in range(2, _MOST_JOINED + 1)
    ]
    for i in range(len(written) + 1):
        for j in range(len(spoken) + 1):
            if (i, j) not in best:
                continue
            cost = best[i, j][0]
            for di, dj in steps:
                ahead = (i + di, j + dj)
                if ahead[0] > len(written) or ahead[1] > len(spoken):
                    continue
                differs = abs(sum(written[i : ahead[0]]) - sum(spoken[j : ahead[1]]))
                total = cost + differs + (_OTHER_THAN_ONE if di + dj > 2 else 0)
                if ahead not in best or total < best[ahead][0]:
                    best[ahead] = (total, _Group(i, ahead[0], j, ahead[1]))
    end = (len(written), len(spoken))
    if not written or end not in best or best[end][0] > _WORST_SHARE * sum(spoken):
        return None
    groups: list[_Group] = []
    while (group := best[end][1]) is not None:
        groups.append(group)
        end = (group.begin, group.first)
    return groups[::-1]


def _count_off(
    words: Sequence[int], sounds: Sequence[int], run: _Span
) -> dict[int, tuple[float, float]]:
    """Return start and end of each of the words that share a run of sounds."""
    total, done = sum(sounds), 0
    times: dict[int, tuple[float, float]] = {}
    for word, count in zip(words, sounds, strict=True):
        first = min(done * len(run) // total, len(run) - 1)
        done += count
        last = max(first, done * len(run) // total - 1)
        times[word] = (run[first][0], run[last][1])
    return times
