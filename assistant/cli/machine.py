"""`lares devices` and `lares paths`."""

from __future__ import annotations

from dataclasses import asdict, fields

import typer

from assistant.cli.output import print_json
from assistant.paths import find_paths


def show_devices(*, as_json: bool) -> None:
    """List the sound devices. Raises AudioError when PortAudio is missing."""
    from audio.devices import list_devices

    found = list_devices()
    if as_json:
        print_json({"devices": [asdict(device) for device in found]})
        return
    for kind, channels, default in (
        ("microphone", "inputs", "default_input"),
        ("loudspeaker", "outputs", "default_output"),
    ):
        fit = [device for device in found if getattr(device, channels)]
        if not fit:
            typer.echo(f"{kind}: none")
        for device in fit:
            star = "*" if getattr(device, default) else " "
            typer.echo(f"{kind:<11} {star} {device.name} ({device.host}, {device.rate} Hz)")
    if found:
        typer.echo("A star marks the default. lares.toml: [audio] microphone = NAME")


def show_paths(*, as_json: bool) -> None:
    """Print the folders and files of this user."""
    paths = find_paths()
    table = {field.name: str(getattr(paths, field.name)) for field in fields(paths)}
    table |= {"models": str(paths.models), "config_file": str(paths.config_file)}
    if as_json:
        print_json(table)
        return
    for name, path in table.items():
        typer.echo(f"{name:<12} {path}")
