"""How the next word is chosen: the `sampling` table of a request. Imports nothing native."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import RequestError


class Sampling(BaseModel):
    """The `sampling` table of a request. Small models need a low temperature."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.3
    """0 always takes the likeliest token; higher is more varied."""

    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Only the likeliest tokens that together reach this probability; 1 for all."""

    top_k: Annotated[int, Field(ge=0, le=100_000)] = 40
    """Only this many of the likeliest tokens; 0 for all."""

    min_p: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Only tokens with at least this share of the likeliest one's probability."""

    repeat_penalty: Annotated[float, Field(ge=0.5, le=2)] = 1.1
    """Divides the weight of tokens that the reply already has; 1 for none."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """The same seed gives the same reply; none for the engine's own."""


def sampling_of(table: Mapping[str, object]) -> Sampling:
    """Return the table's values, defaults for those missing or None.

    Raises RequestError naming every value that is wrong.
    """
    try:
        return Sampling.model_validate({k: v for k, v in table.items() if v is not None})
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})"
            for e in error.errors()
        )
        raise RequestError(f"sampling: {wrong}") from error
