"""Finds engines and stages by name. Our own come the same road as everybody's: entry points.

The value of an entry point of `lares.engines` is a module whose top level imports nothing native:
`Options` (a pydantic model) says what it can be told, `load(options)` runs inside the child.
"""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from assistant.errors import ConfigError

ENGINES = "lares.engines"
STAGES = "lares.stages"


def names(group: str) -> list[str]:
    """Return the installed names of a group, sorted."""
    return sorted({point.name for point in entry_points(group=group)})


def find(group: str, name: str, where: str) -> EntryPoint:
    """Return the entry point of this name.

    where: the configuration key that asked for it, for the error.
    Raises ConfigError naming the installed ones.
    """
    found = [point for point in entry_points(group=group) if point.name == name]
    if found:
        return found[0]
    installed = names(group)
    near = difflib.get_close_matches(name, installed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(
        f"{where}: nothing named {name!r} is installed{hint} (installed: {', '.join(installed)})"
    )


def engine_module(name: str, where: str) -> str:
    """Return the dotted name of the module that holds the engine."""
    return find(ENGINES, name, where).value


def engine_options(module: str) -> type[BaseModel]:
    """Return the Options model of an engine module."""
    loaded: ModuleType = importlib.import_module(module)
    options: type[BaseModel] = loaded.Options
    return options


def check_options(name: str, table: dict[str, Any], where: str) -> list[str]:
    """Return one line per wrong option of the engine, none when all is well."""
    try:
        engine_options(engine_module(name, where)).model_validate(table)
    except ConfigError as error:
        return [str(error)]
    except ValidationError as error:
        known = list(engine_options(engine_module(name, where)).model_fields)
        return [_explain(where, item, known) for item in error.errors()]
    return []


def _explain(where: str, item: Any, known: list[str]) -> str:
    key = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, known, n=1)
        return f"{where}.{key}: unknown option" + (f"; did you mean {near[0]!r}?" if near else "")
    return f"{where}.{key}: {item['msg']} (got {item['input']!r})"
