"""What is wrong in a persona file, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from assistant.errors import PersonaError

Path = tuple[str | int, ...]
"""Keys and indices from the top of the file, like ("examples", 0, 1, "user")."""


class Mark(NamedTuple):
    """A place in a file, both counted from 1."""

    line: int
    column: int


TOP = Mark(1, 1)


class Finding(NamedTuple):
    """One thing that is wrong in a persona file."""

    mark: Mark
    text: str
    """Where in the file's tree, what is wrong, what to do."""

    def __str__(self) -> str:
        """Return `line:column: text`."""
        return f"{self.mark.line}:{self.mark.column}: {self.text}"


class BrokenPersona(PersonaError):
    """A persona file cannot be used; every finding is a line of the text."""

    def __init__(self, file: str, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(f"{file}:{finding}" for finding in findings))
        self.findings = tuple(findings)


def dotted(path: Path) -> str:
    """Return a path as people write it: `examples[0][1].user`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def nearest_mark(marks: Mapping[Path, Mark], path: Path) -> Mark:
    """Return the mark of `path` or of its closest parent."""
    while path not in marks and path:
        path = path[:-1]
    return marks.get(path, TOP)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return a hint that names what was probably meant, else everything there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"
