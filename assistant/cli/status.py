"""`lares status`: engines, devices, faults and the last turn of the running daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.cli.output import outcome, print_json, times
from assistant.client import Client, socket_path
from assistant.errors import RequestError
from assistant.paths import find_paths


def show_status(*, as_json: bool, last: bool) -> None:
    """Print the status. Raises RequestError when no daemon runs."""
    client = Client.require(socket_path(find_paths()))
    status = next(answer["status"] for answer in client.send({"command": "status"}))
    if last and status["last"] is None:
        raise RequestError("no turn has ended yet")
    if as_json:
        print_json(status["last"] if last else status)
        return
    for line in last_turn(status["last"]) if last else overview(status):
        print(line)  # noqa: T201 - the data of this command


def overview(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield (
        f"{status['persona']}: {status['phase'] or 'starting'}, pid {status['pid']}, "
        f"up {_span(status['uptime_s'])}, {status['turns']} turns"
    )
    for name, part in {**status["engines"], "audio": status["audio"]}.items():
        yield f"  {name:<6} {part['state']:<11} {_about(part)}".rstrip()
        for warning in part.get("warnings") or ():
            yield f"         warning: {warning}"
        if part["state"] != "ready" and part.get("error"):
            yield f"         {part['error']}"
    audio = status["audio"]
    yield f"  hears  {device(audio.get('source'))}"
    yield f"  speaks {device(audio.get('sink'))}"
    for fault in status["faults"]:
        yield f"  fault  {fault['text']}" + (f"; {fault['hint']}" if fault["hint"] else "")
    if status["last"]:
        yield "last turn"
        yield from last_turn(status["last"])


def last_turn(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was heard, said, and how long it took."""
    if report["heard"]:
        yield f"  heard  {report['heard']}"
    if report["reply"]:
        yield f"  reply  {report['reply']}"
    if line := outcome(report):
        yield f"         {line}"
    if line := times(report):
        yield f"  times  {line}"


def device(end: Mapping[str, Any] | None) -> str:
    """Return the name of a device that a line uses."""
    return str(end["name"]) if end and end["name"] != "null" else "none"


def engine(part: Mapping[str, Any]) -> str:
    """Return which model computes where, as the engine tells."""
    model = str(part.get("model") or "").rsplit("/", 1)[-1]
    where = part.get("device")
    return f"{model} on {where}" if model and where else model or str(where or "")


def _about(part: Mapping[str, Any]) -> str:
    facts = [engine(part), part.get("library"), part.get("pid") and f"pid {part['pid']}"]
    crashes = part["crashes"]
    if crashes:
        facts.append(f"{crashes} crash{'es' if crashes > 1 else ''}")
    return ", ".join(str(fact) for fact in facts if fact)


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
