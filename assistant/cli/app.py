"""The commands and their options. What they do is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.models import app as models
from assistant.cli.options import AsJson
from assistant.cli.personas import app as personas

app = typer.Typer(
    help="Lares, a local voice assistant. `lares run` starts it; `lares ask` talks to it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (models, personas):
    group.rich_markup_mode = None
app.add_typer(personas, name="personas")
app.add_typer(models, name="models")

Words = Annotated[list[str] | None, typer.Argument(metavar="TEXT", show_default=False)]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Speak into this wav file.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from assistant import __version__

        typer.echo(f"lares {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


@app.command()
def run(
    persona: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who answers, this time.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read this file instead of lares.toml.")
    ] = None,
) -> None:
    """Run the assistant in the foreground, until Ctrl-C."""
    from assistant.cli.run import run_daemon

    run_daemon(persona, config)


@app.command()
def ask(
    text: Words = None,
    wav: Annotated[
        Path | None, typer.Option("--wav", metavar="FILE", help="Ask with this recording.")
    ] = None,
    out: Out = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show the answer, do not speak it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask something, in words or with a recording; print the answer and the times."""
    if (text is None) == (wav is None):
        raise typer.BadParameter("name a question, or a recording with --wav")
    if quiet and (out or wav):
        raise typer.BadParameter("--quiet goes with a question in words, without --out")
    from assistant.cli.ask import ask_recording, ask_text

    if wav is not None:
        ask_recording(wav, out, as_json=as_json)
    else:
        ask_text(" ".join(text or ()), out, aloud=not quiet, as_json=as_json)


@app.command()
def say(text: Words = None, out: Out = None, as_json: AsJson = False) -> None:
    """Speak these words."""
    if text is None:
        raise typer.BadParameter("name the words to speak")
    from assistant.cli.ask import say_text

    say_text(" ".join(text), out, as_json=as_json)


@app.command()
def listen(
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="Speak this first.")] = "",
    timeout: Annotated[
        float, typer.Option(min=1, max=60, metavar="S", help="How long to wait for a voice, s.")
    ] = 8.0,
    as_json: AsJson = False,
) -> None:
    """Answer the next voice, also where the microphone is on `push`."""
    from assistant.cli.ask import listen_now

    listen_now(prompt, timeout, as_json=as_json)


@app.command()
def talk() -> None:
    """Show what happens, a line each, until Ctrl-C."""
    from assistant.cli.watch import watch

    watch()


@app.command()
def status(
    as_json: AsJson = False,
    last: Annotated[bool, typer.Option("--last", help="Only the last turn.")] = False,
) -> None:
    """Tell how the running assistant is."""
    from assistant.cli.status import show_status

    show_status(as_json=as_json, last=last)


@app.command()
def stop() -> None:
    """Be silent: cut the answer off, drop what waits. The assistant goes on running."""
    from assistant.cli.ask import stop_now

    stop_now()


@app.command()
def devices(as_json: AsJson = False) -> None:
    """List microphones and loudspeakers."""
    from assistant.cli.machine import show_devices

    show_devices(as_json=as_json)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Look for everything that is wrong: settings, personas, models, devices, libraries."""
    from assistant.cli.check import check_all

    check_all(as_json=as_json)


@app.command()
def paths(as_json: AsJson = False) -> None:
    """Print where Lares keeps its files."""
    from assistant.cli.machine import show_paths

    show_paths(as_json=as_json)


@app.command()
def version() -> None:
    """Print the version."""
    _print_version(wanted=True)
