"""`lares personas`: who is there, who they are, whether a file is right, and who answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.options import AsJson
from assistant.cli.output import print_json
from assistant.cli.problems import runnable, told

if TYPE_CHECKING:
    from assistant.personas.persona import Persona
    from assistant.personas.store import Entry, PersonaStore

app = typer.Typer(help="Personas: list, show, check, use.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(metavar="NAME", help="Id, name or alias.")]


@app.command("list")
def list_personas(as_json: AsJson = False) -> None:
    """Show every persona; a star marks the one that answers."""
    with told():
        store = _store()
        active = _active(store)
        entries = store.entries()
        if as_json:
            print_json({"active": active, "personas": [_row(entry) for entry in entries]})
            return
        from rich.console import Console
        from rich.table import Table

        table = Table("", "id", "name", "from", "summary", box=None)
        for entry in entries:
            star = "*" if entry.id == active else ""
            name = entry.persona.name if entry.persona else ""
            table.add_row(star, entry.id, name, entry.origin, _about(entry))
        Console().print(table)


@app.command()
def show(name: Who, as_json: AsJson = False) -> None:
    """Show one persona: character, voice, greeting and what the model is told."""
    from assistant.personas.prompt import greetings, opening

    with told():
        store = _store()
        entry = store.find(name)
        persona = store.load(entry.id)
        messages = opening(persona)
        if as_json:
            data = persona.model_dump(mode="json", by_alias=True)
            print_json(
                {**_row(entry), "active": entry.id == _active(store), **data, "told": messages}
            )
            return
        typer.echo(f"{persona.name} ({persona.id}, {entry.origin}: {entry.path})")
        for label, text in _facts(persona):
            typer.echo(f"  {label:<9} {text}")
        for greeting in greetings(persona):
            typer.echo(f"  greets    {greeting}")
        for message in messages:
            typer.echo(f"  {message['role']:<9} {message['content']}")


@app.command()
def check(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: AsJson = False) -> None:
    """Read a persona file; print everything that is wrong in it and exit 1."""
    from assistant.personas.store import check_file

    with told():
        persona, findings = check_file(file)
    if as_json:
        rows = [
            {"line": one.mark.line, "column": one.mark.column, "text": one.text} for one in findings
        ]
        print_json({"file": str(file), "id": persona.id if persona else None, "findings": rows})
    elif persona is not None:
        typer.echo(f"{file}: {persona.name} ({persona.id}) is right")
    else:
        for finding in findings:
            typer.echo(f"{file}:{finding}", err=True)
    if persona is None:
        raise typer.Exit(1)


@app.command()
def use(name: Who, as_json: AsJson = False) -> None:
    """Let a persona answer from now on: written into lares.toml."""
    from assistant.config import set_persona
    from assistant.paths import find_paths

    with told():
        store = _store()
        entry = store.find(name)
        persona = store.load(entry.id)
        file = find_paths().config_file
        set_persona(file, entry.id)
        if as_json:
            print_json({"active": entry.id, "file": str(file)})
        else:
            typer.echo(f"{persona.name} answers from the next start on ({file})")


def _store() -> PersonaStore:
    from assistant.paths import find_paths
    from assistant.personas.store import PersonaStore

    return PersonaStore(find_paths().config / "personas")


def _active(store: PersonaStore) -> str:
    """Return the id of the configured persona, or the name that means none."""
    from assistant.config import load
    from assistant.errors import PersonaError
    from assistant.paths import find_paths

    name = load(find_paths().config_file).session.persona
    try:
        return store.find(name).id
    except PersonaError:
        return name


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.persona.name if entry.persona else None,
        "summary": entry.persona.summary if entry.persona else None,
        "from": entry.origin,
        "path": str(entry.path),
        "findings": [str(finding) for finding in entry.findings],
    }


def _about(entry: Entry) -> str:
    if entry.persona:
        return entry.persona.summary
    return runnable(f"broken: lares personas check {entry.path}")


def _facts(persona: Persona) -> Iterator[tuple[str, str]]:
    voice, sampling = persona.voice, persona.llm.sampling
    if persona.summary:
        yield "is", persona.summary
    if persona.tags:
        yield "tags", ", ".join(persona.tags)
    if len(persona.names) > 1:
        yield "called", ", ".join(persona.names[1:])
    fallback = f", else {voice.fallback}" if voice.fallback else ""
    yield "voice", f"{voice.engine} {voice.model}{fallback}, speed {voice.speed:g}"
    limits = f"{persona.speech.max_sentences} sentences, {persona.llm.max_reply_tokens} tokens"
    yield "answers", f"at most {limits}; temperature {sampling.temperature:g}"
