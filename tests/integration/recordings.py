"""The labelled recordings of the tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "fixtures" / "wav"


@dataclass(frozen=True)
class Labelled:
    """A recording and what is said in it; nothing where nobody speaks."""

    path: Path
    text: str
    condition: str


def labelled() -> list[Labelled]:
    """Return all of them, in the order of the manifest."""
    lines = (FOLDER / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Labelled(FOLDER / row["file"], row["text"], row["condition"]) for row in rows]


def spoken() -> list[Labelled]:
    """Return those in which somebody speaks."""
    return [recording for recording in labelled() if recording.text]


def unspoken() -> list[Labelled]:
    """Return silence, noise, tones and clicks."""
    return [recording for recording in labelled() if not recording.text]
