"""Comparing what was said with what was understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

VOCABULARY = frozenset(
    (Path(__file__).parent / "fixtures" / "vocabulary.txt").read_text(encoding="utf-8").split()
)
"""The words that the small transcriber of the tests knows."""


def plain(text: str) -> list[str]:
    """Return the words in lower case, without punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower())


def unknown(text: str) -> list[str]:
    """Return the words that are not in the vocabulary."""
    known = {word.lower() for word in VOCABULARY}
    return [word for word in plain(text) if word not in known]


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many words must be changed, added or removed to turn one into the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            change = before + (word != other)
            before, row[j] = row[j], min(change, row[j] + 1, row[j - 1] + 1)
    return row[-1]


def word_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Return wrong words per word said, over pairs of (said, heard)."""
    wrong = total = 0
    for said, heard in pairs:
        wrong += edits(plain(said), plain(heard))
        total += len(plain(said))
    return wrong / total
