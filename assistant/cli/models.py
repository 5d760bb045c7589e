"""`lares models`: what is here, fetch more, check it all."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import AsJson
from assistant.cli.output import print_json
from assistant.cli.problems import complain, told

if TYPE_CHECKING:
    from assistant.models.catalogue import Entry
    from assistant.models.progress import Progress
    from assistant.models.store import Report, Store

app = typer.Typer(help="Model files: list, fetch, verify.", no_args_is_help=True)

PLAIN_EVERY_S = 5.0


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Show every known model: size, licence, source, and whether it is here."""
    from assistant.models.progress import megabytes

    with told():
        store = _store()
        reports = [store.inspect(entry) for entry in store.catalogue.models]
        if as_json:
            print_json(
                {
                    "models": [_facts(store, report) for report in reports],
                    "sets": {
                        group.name: list(group.ids(_memory_bytes()))
                        for group in store.catalogue.sets
                    },
                    "active": _active(store),
                }
            )
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None)
        for column in ("id", "kind", "MB", "licence", "source", "state"):
            table.add_column(column, no_wrap=column in ("id", "MB", "state"), overflow="fold")
        for report in reports:
            entry = report.entry
            check = " (weak check)" if entry.weak else ""
            table.add_row(
                entry.id,
                entry.kind,
                megabytes(entry.bytes),
                entry.licence.id,
                str(entry.source),
                report.state + check,
            )
        Console().print(table)
        for group in store.catalogue.sets:
            mark = " (in use)" if group.name == _active(store) else ""
            typer.echo(f"set {group.name}{mark}: {', '.join(group.ids(_memory_bytes()))}")
            typer.echo(f"    {group.about}")


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(metavar="SET_OR_ID...")],
    offline: Annotated[bool, typer.Option(help="Open no connection.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch models, or whole sets: `embedded`, `people`. Goes on where it stopped."""
    from assistant.models.defaults import PEOPLE, remember_people
    from assistant.models.downloader import Downloader
    from assistant.models.network import Http
    from assistant.models.pull import Puller, offline_asked

    with told("stopped; the same command goes on from here"):
        store = _store()
        offline = offline or offline_asked(os.environ)
        puller = Puller(store, Downloader(Http(offline=offline)), os.environ, _say, offline=offline)
        entries = store.catalogue.expand(names, _memory_bytes())
        for entry in entries:
            _say(_announcement(store, entry))
        reports = []
        for entry in entries:
            with _progress(entry) as tell:
                puller.pull(entry, tell)
            reports.append(store.inspect(entry))
        if PEOPLE in names:
            remember_people(store.paths)
        if as_json:
            print_json({"models": [_facts(store, report) for report in reports]})
            return
        for report in reports:
            typer.echo(f"{report.entry.id}: {report.state}")
        if PEOPLE in names:
            typer.echo("These models are used from now on, unless lares.toml names others.")


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Read every model file again and compare; exit 1 with a line for each bad one."""
    from assistant.models.store import State

    with told():
        store = _store()
        active = store.catalogue.group(_active(store)).ids(_memory_bytes())
        reports = [store.inspect(entry, afresh=True) for entry in store.catalogue.models]
        bad = [
            report
            for report in reports
            if report.state is State.BROKEN
            or (report.state is State.MISSING and report.entry.id in active)
        ]
        if as_json:
            print_json({"whole": not bad, "models": [_facts(store, one) for one in reports]})
        else:
            for report in bad:
                for line in report.faults:
                    complain(f"{line}; {store.mend(report.entry)}")
            here = sum(1 for report in reports if report.state is not State.MISSING)
            typer.echo(f"{here - sum(1 for one in bad if one.state is State.BROKEN)} whole")
    if bad:
        raise typer.Exit(1)


@contextmanager
def _progress(entry: Entry) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, else a line every few seconds."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(entry.id, total=None)
        yield lambda step: bars.update(task, total=step.total, completed=step.done)


def _plain_lines() -> Callable[[Progress], None]:
    last = time.monotonic()

    def tell(step: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PLAIN_EVERY_S:
            last = now
            _say(str(step))

    return tell


def _announcement(store: Store, entry: Entry) -> str:
    from assistant.models.progress import megabytes

    line = f"{entry.id}: {megabytes(entry.bytes)} MB, {entry.source}, {entry.licence.id}"
    line += f" ({entry.licence.url})"
    if entry.weak:
        line += ", weak check: length and md5, no sha256 is published"
    return f"{line}: {store.inspect(entry).state}"


def _facts(store: Store, report: Report) -> dict[str, object]:
    entry = report.entry
    return {
        "id": entry.id,
        "kind": entry.kind,
        "about": entry.about,
        "bytes": entry.bytes,
        "licence": entry.licence.model_dump(),
        "source": str(entry.source),
        "weak_check": entry.weak,
        "folder": str(store.folder(entry)),
        "state": report.state,
        "faults": list(report.faults),
    }


def _store() -> Store:
    from assistant.models.store import Store
    from assistant.paths import find_paths

    return Store(find_paths())


def _active(store: Store) -> str:
    from assistant.models.defaults import default_models

    return default_models(store.paths, _memory_bytes(), store=store).set_name


def _memory_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def _say(line: str) -> None:
    """Progress and notes go beside the data."""
    typer.echo(line, err=True)
