"""TOML with the schema of the YAML file: its values as text, and where each key stood."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from assistant.personas.findings import TOP, Finding, Mark, Path
from assistant.personas.yaml_tree import Document, Tree

_TABLE = re.compile(r"\s*+\[\[?+([^\[\]]++)\]\]?+\s*+(?:#.*)?$")
_KEY = re.compile(r"\s*+([A-Za-z0-9_.\"'-][A-Za-z0-9_.\"' \t-]*+)=")
_WHERE = re.compile(r"\(at line (\d+), column (\d+)\)")


def read_toml(text: str) -> Document:
    """Return the tree of `text`, the mark of the keys found in it and what is wrong."""
    document = Document()
    try:
        found = tomllib.loads(text)
    except RecursionError:
        document.findings.append(Finding(TOP, "nested too deep"))
    except ValueError as error:
        where = _WHERE.search(str(error))
        mark = Mark(int(where[1]), int(where[2])) if where else TOP
        problem = _WHERE.sub("", str(error)).strip()
        document.findings.append(Finding(mark, f"not valid TOML: {problem}"))
    else:
        document.tree = _text(found)
        document.marks = _marks(text)
    return document


def _text(value: object) -> Tree:
    if isinstance(value, Mapping):
        return {str(key): _text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_text(inner) for inner in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _marks(text: str) -> dict[Path, Mark]:
    """Return where tables and keys stand, as far as single lines show it."""
    marks: dict[Path, Mark] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        heading, key = _TABLE.match(line), _KEY.match(line)
        if heading:
            table = _path(heading[1])
            marks.setdefault(table, Mark(number, line.index("[") + 1))
        elif key:
            marks.setdefault((*table, *_path(key[1])), Mark(number, key.start(1) + 1))
    return marks


def _path(dotted: str) -> Path:
    return tuple(part.strip(" \t\"'") for part in dotted.split("."))
