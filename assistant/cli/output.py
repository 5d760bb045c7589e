"""How answers look on a terminal, and in a pipe."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

STEPS = {
    "pause_waited": "pause",
    "transcribe": "transcribe",
    "first_token": "first word",
    "first_clause": "first clause",
    "first_sound": "first sound",
    "after_end": "answered after",
    "voice_to_voice": "voice to voice",
}
DROPPED = {
    "busy": "too much waits already; try again soon, or drop it: lares stop",
    "timeout": "nobody spoke in time",
    "stopped": "stopped",
    "empty": "there is nothing to say",
}


def print_json(data: object) -> None:
    """Print data for programs."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def dim(text: str) -> str:
    """Return the text in a fainter colour where standard output is a terminal."""
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\033[2m{text}\033[0m" if coloured else text


def duration(ms: float) -> str:
    """Return a length of time as people read it."""
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"


def times(report: Mapping[str, Any]) -> str:
    """Return the steps of a turn that happened and how long each took, on one line."""
    steps = [
        f"{name} {duration(report['ms'][key])}"
        for key, name in STEPS.items()
        if report["ms"].get(key) is not None
    ]
    return " · ".join(steps)


def outcome(report: Mapping[str, Any]) -> str:
    """Return what became of a reply that was not heard whole; empty when all is well."""
    if report.get("error"):
        return f"the answer failed: {report['error']}"
    cut = report.get("cut_at")
    if cut is None:
        return ""
    return f"cut off after {cut['word']!r}" if cut["word"] else "cut off before its first word"


class Printer:
    """Prints the answers to one request as they come."""

    def __init__(self, *, as_json: bool, times: bool = True) -> None:
        self._as_json = as_json
        self._times = times
        self._in_line = False
        self.reports: list[Mapping[str, Any]] = []
        self.dropped: str | None = None

    def take(self, answer: Mapping[str, Any]) -> None:
        """Print one answer."""
        match answer["kind"]:
            case "delta":
                self._write(answer["text"])
            case "heard":
                self._end_line()
                self._write(dim(f"heard: {answer['text']}") + "\n", ends=True)
            case "report":
                self._report(answer["report"])
            case "dropped":
                self.dropped = DROPPED[answer["reason"]]

    def _report(self, report: Mapping[str, Any]) -> None:
        self.reports.append(report)
        if self._as_json:
            return
        self._end_line()
        cut = "" if report.get("error") else outcome(report)
        for line in (cut, times(report) if self._times else ""):
            if line:
                self._write(dim(line) + "\n", ends=True)

    def _write(self, text: str, *, ends: bool = False) -> None:
        if self._as_json:
            return
        if not self._in_line:
            text = text.lstrip()
        sys.stdout.write(text)
        sys.stdout.flush()
        self._in_line = not ends and bool(text) and not text.endswith("\n")

    def _end_line(self) -> None:
        if self._in_line:
            self._write("\n", ends=True)

    def finish(self) -> str | None:
        """Print what is left; return what went wrong, if anything did."""
        self._end_line()
        if self._as_json:
            for report in self.reports:
                print_json(report)
        if self.dropped:
            return self.dropped
        return next((outcome(report) for report in self.reports if report.get("error")), None)
