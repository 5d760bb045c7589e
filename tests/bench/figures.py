"""A figure with its aim, and the tables made of figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

PACKAGES = (
    "lares-voice",
    "llama-cpp-python",
    "pywhispercpp",
    "piper-tts",
    "espeakng-loader",
    "numpy",
    "sounddevice",
)
HEAD = (
    "<!-- Written by `python tests/bench/run.py --docs`: do not edit. -->\n"
    "# Benchmarks\n\n"
    "`make bench` measures this in a simulated room: sound in, sound out, read from one recording\n"
    "that holds both sides. Voice to voice is the last sound of the question to the first sound\n"
    "of the answer. An aim that is missed fails nothing.\n"
)


@dataclass(frozen=True)
class Figure:
    """One thing that was measured.

    unit: "ms", "s", "MB", "%", "1/s"; aim: None where there is none.
    """

    group: str
    name: str
    value: float
    unit: str
    aim: float | None = None
    more_is_better: bool = False

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, or nothing where there is no aim."""
        if self.aim is None:
            return ""
        fine = self.value >= self.aim if self.more_is_better else self.value <= self.aim
        return "reached" if fine else "missed"

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return f"{_number(self.value)} {self.unit}"

    @property
    def shown_aim(self) -> str:
        """The aim with its unit and direction."""
        if self.aim is None:
            return ""
        return f"{'≥' if self.more_is_better else '≤'} {_number(self.aim)} {self.unit}"


def machine() -> dict[str, Any]:
    """Return what the figures depend on: the machine and the versions."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def write_json(path: Path, where: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Write everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
    path.write_text(json.dumps({**where, "figures": rows}, indent=1) + "\n", encoding="utf-8")


def show(where: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table(title=_caption(where))
    for column in ("", "figure", "measured", "aim", ""):
        table.add_column(column, justify="right" if column in ("measured", "aim") else "left")
    group = ""
    for figure in figures:
        first = figure.group if figure.group != group else ""
        group = figure.group
        table.add_row(first, figure.name, figure.shown, figure.shown_aim, figure.verdict)
    Console(width=110).print(table)


def page(where: dict[str, Any], figures: Sequence[Figure]) -> str:
    """Return the table as a page of the documentation."""
    lines = [HEAD, f"{_caption(where)}\n"]
    lines += ["| | figure | measured | aim | |", "|---|---|---:|---:|---|"]
    lines += [
        f"| {f.group} | {f.name} | {f.shown} | {f.shown_aim} | {f.verdict} |" for f in figures
    ]
    return "\n".join(lines) + "\n"


def _caption(where: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    return (
        f"{where['date']}: {where['processor']}, {where['cores']} cores, "
        f"{where['memory_gb']} GB, {where['system']}, Python {where['python']}; {versions}"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
