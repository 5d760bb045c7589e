"""What the option tables of all native engines share. Imports nothing native."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import ConfigError


class EngineOptions(BaseModel):
    """Base of every engine's options. Unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Threads = Annotated[int, Field(ge=1, le=64)]
OptionsT = TypeVar("OptionsT", bound=EngineOptions)


def parse(table: type[OptionsT], options: Mapping[str, object]) -> OptionsT:
    """Return the options as `table`; ConfigError with one line per wrong key."""
    try:
        return table.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigError(
            "\n".join(
                f"{table.__module__}: {'.'.join(map(str, e['loc']))}: {e['msg']}"
                f" (got {e['input']!r})"
                for e in error.errors()
            )
        ) from error


def threads_or_default(threads: int | None) -> int:
    """Return `threads`, or half of the cores, 1..4: ggml threads spin, so never all of them."""
    return threads or max(1, min(4, (os.cpu_count() or 2) // 2))
