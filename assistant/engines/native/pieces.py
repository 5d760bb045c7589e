"""Cuts a text into pieces that are voiced one after the other. PURE."""

from __future__ import annotations

import re

LONGEST = 240
"""Characters of a piece, about 15 s of speech; more are cut at a comma or a space."""

_ENDS = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*$")
_STOPS = re.compile(r"[,;:，；：、]+[\"'”’»)\]]*$")
_SAID_SIGNS = frozenset("%&@#+=$€£¥°§")
_RAW_PHONEMES = re.compile(r"\[(?=\[)|\](?=\])")


def speakable(text: str) -> bool:
    """Tell whether there is anything in the text that a voice would say."""
    return any(letter.isalnum() or letter in _SAID_SIGNS for letter in text)


def harmless(text: str) -> str:
    """Return the text, of the same length, without the double brackets of raw phonemes."""
    return _RAW_PHONEMES.sub(" ", text) if "[[" in text or "]]" in text else text


def pieces(text: str) -> list[str]:
    """Return the text's sentences, each at most LONGEST characters and with something to say.

    Their words, split on whitespace, are those of the text, in order; only a word longer than
    LONGEST is cut. A text with nothing to say has no pieces.
    """
    found: list[str] = []
    line: list[str] = []
    for word in _words(text):
        if line and len(" ".join(line)) + 1 + len(word) > LONGEST:
            line = _overflow(found, line)
        line.append(word)
        if _ENDS.search(word):
            line = _flush(found, line)
    _flush(found, line)
    if len(found) > 1 and not speakable(found[-1]):
        rest = found.pop()
        found[-1] = f"{found[-1]} {rest}"
    return found if found and speakable(found[0]) else []


def _words(text: str) -> list[str]:
    words: list[str] = []
    for word in text.split():
        words += _cut(word) if len(word) > LONGEST else [word]
    return words


def _cut(word: str) -> list[str]:
    """Cut a word that is too long behind the marks of scripts without spaces, or anywhere."""
    parts = [part for part in re.split(r"(?<=[。！？，；])", word) if part]
    return [part[i : i + LONGEST] for part in parts for i in range(0, len(part), LONGEST)]


def _overflow(found: list[str], line: list[str]) -> list[str]:
    """Emit the line up to its last comma, or whole; return what is left of it."""
    for i in range(len(line) - 1, len(line) // 2, -1):
        if _STOPS.search(line[i - 1]):
            return _flush(found, line[:i]) + line[i:]
    return _flush(found, line)


def _flush(found: list[str], line: list[str]) -> list[str]:
    """Emit the line; keep one with nothing to say for the piece that follows."""
    if not line:
        return []
    text = " ".join(line)
    if found and not speakable(text):
        found[-1] = f"{found[-1]} {text}"
        return []
    if not speakable(text):
        return line
    found.append(text)
    return []
