"""From the bytes of a persona file to a persona, or to everything that is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from assistant.personas.findings import (
    TOP,
    BrokenPersona,
    Finding,
    Mark,
    Path,
    dotted,
    nearest_mark,
    nearest_name,
)
from assistant.personas.macros import KNOWN, unknown
from assistant.personas.persona import Persona
from assistant.personas.toml_tree import read_toml
from assistant.personas.yaml_tree import Document, Tree, read_yaml

MAX_BYTES = 256 * 1024
SUFFIXES: Final = (".yaml", ".yml", ".toml")

_NOT_SLUG: Final = re.compile(r"[^a-z0-9_-]+")


def load(data: bytes, file: str) -> Persona:
    """Return the persona that `data` holds.

    file: name of the file: its suffix tells TOML from YAML, its stem is the default id.
    Raises BrokenPersona with every finding.
    """
    persona, findings = check(data, file)
    if persona is None:
        raise BrokenPersona(file, findings)
    return persona


def check(data: bytes, file: str) -> tuple[Persona | None, tuple[Finding, ...]]:
    """Return the persona, or None and everything that is wrong, in the order of the lines."""
    if len(data) > MAX_BYTES:
        text = f"the file has {len(data)} bytes; at most {MAX_BYTES} are read"
        return None, (Finding(TOP, text),)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        mark = Mark(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        return None, (Finding(mark, f"byte 0x{data[error.start]:02x} is not UTF-8"),)
    document = read_toml(text) if file.lower().endswith(".toml") else read_yaml(text)
    persona = _persona(document, file) if document.tree is not None else None
    findings = tuple(sorted(set(document.findings)))
    return (None if findings else persona), findings


def _persona(document: Document, file: str) -> Persona | None:
    tree = document.tree
    if not isinstance(tree, dict):
        document.findings.append(Finding(TOP, "a persona file begins with keys, like `name: Nova`"))
        return None
    tree.setdefault("id", _slug(file))
    for path, macro in _unknown_macros(tree, ()):
        hint = nearest_name(macro, KNOWN)
        text = f"{dotted(path)}: unknown macro {{{{{macro}}}}}; {hint}"
        document.findings.append(Finding(nearest_mark(document.marks, path), text))
    try:
        return Persona.model_validate(tree)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        paths = [tuple(problem["loc"]) for problem in problems]
        for path, problem in zip(paths, problems, strict=True):
            if problem["type"] == "too_short" and _has_deeper(paths, path):
                continue
            mark = nearest_mark(document.marks, path)
            document.findings.append(Finding(mark, f"{dotted(path)}: {_say(problem, path)}"))
        return None


def _has_deeper(paths: list[Path], path: Path) -> bool:
    """Return whether something inside `path` is wrong too, which made it look too short."""
    return any(len(other) > len(path) and other[: len(path)] == path for other in paths)


def _say(problem: Any, path: Path) -> str:
    kind, shown = problem["type"], repr(problem["input"])
    if kind == "extra_forbidden":
        return f"unknown key; {nearest_name(str(path[-1]), _keys(path[:-1]))}"
    if kind == "missing":
        return "is missing; every persona needs it"
    if kind == "value_error":
        return f"{problem['ctx']['error']}"
    text = str(problem["msg"]).removeprefix("Input ").partition(", unable to parse")[0]
    text = text.replace("a valid ", "a ")
    if kind in ("model_type", "model_attributes_type"):
        text = "should be keys with values"
    elif kind == "tuple_type":
        text = "should be a list"
    elif kind == "string_pattern_mismatch":
        text = "should be small letters, digits, '-' and '_', 64 at most"
    return f"{text}, not {shown if len(shown) <= 60 else shown[:57] + '...'}"


def _keys(path: Path) -> tuple[str, ...]:
    """Return the keys that the table at `path` knows."""
    model: type[BaseModel] = Persona
    for step in path:
        if isinstance(step, str):
            model = _model(model.model_fields[step].annotation) or model
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)


def _unknown_macros(tree: Tree, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(tree, str):
        original = path == ("prompt", "system")
        yield from ((path, name) for name in unknown(tree, original=original))
    else:
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for step, inner in pairs:
            yield from _unknown_macros(inner, (*path, step))


def _slug(file: str) -> str:
    stem = re.split(r"[/\\]", file)[-1].rsplit(".", 1)[0]
    return _NOT_SLUG.sub("-", stem.lower()).strip("-_")[:64] or "persona"
