"""Finds and reads persona files: those that ship with Lares and the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from assistant.errors import PersonaError
from assistant.personas.findings import TOP, BrokenPersona, Finding, nearest_name
from assistant.personas.loader import MAX_BYTES, SUFFIXES, check
from assistant.personas.persona import Persona

Origin = Literal["shipped", "user"]


class Entry(NamedTuple):
    """One persona file that was found."""

    id: str
    path: Path
    origin: Origin
    persona: Persona | None
    """None where the file is broken; `findings` then says why."""
    findings: tuple[Finding, ...]


def shipped_folder() -> Path:
    """Return the folder of the shipped personas, in an installed package or in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parents[1] / "personas"


def check_file(path: Path) -> tuple[Persona | None, tuple[Finding, ...]]:
    """Return the persona in the file at `path`, or None and everything that is wrong with it.

    Raises PersonaError where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PersonaError(f"{path}: {error.strerror}; name a persona file") from error
    name = path.parent.name + path.suffix if path.stem == "persona" else path.name
    return check(data, name)


class PersonaStore:
    """The personas on this machine; a user's persona hides a shipped one with its id.

    user_folder: `personas/` in the config folder; it need not exist.
    """

    def __init__(self, user_folder: Path, shipped: Path | None = None) -> None:
        self._folders: tuple[tuple[Origin, Path], ...] = (
            ("shipped", shipped or shipped_folder()),
            ("user", user_folder),
        )

    def entries(self) -> list[Entry]:
        """Return all personas, by id; broken files are among them."""
        found: dict[str, Entry] = {}
        for origin, folder in self._folders:
            for path in _files(folder):
                entry = _entry(path, origin)
                hidden = found.get(entry.id)
                if hidden and hidden.origin == origin:
                    text = f"id: {entry.id!r} is taken by {hidden.path.name}; choose another"
                    entry = entry._replace(
                        id=path.stem, persona=None, findings=(Finding(TOP, text),)
                    )
                found[entry.id] = entry
        return sorted(found.values(), key=lambda entry: entry.id)

    def find(self, name: str) -> Entry:
        """Return the persona with this id, name or alias, upper or lower case.

        Raises PersonaError that names the nearest one.
        """
        entries = self.entries()
        wanted = name.strip().casefold()
        for entry in entries:
            if entry.id == wanted:
                return entry
        for entry in entries:
            if entry.persona and wanted in map(str.casefold, entry.persona.names):
                return entry
        hint = nearest_name(wanted, (entry.id for entry in entries))
        raise PersonaError(f"no persona named {name!r}; {hint}")

    def load(self, name: str) -> Persona:
        """Return the persona with this id, name or alias.

        Raises PersonaError, where its file is broken with everything that is wrong in it.
        """
        entry = self.find(name)
        if entry.persona is None:
            raise BrokenPersona(str(entry.path), entry.findings)
        return entry.persona


def _files(folder: Path) -> Iterator[Path]:
    """Yield `NAME.yaml` and `NAME/persona.yaml`, also with .yml and .toml."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file() and path.suffix in SUFFIXES:
            yield path
        elif path.is_dir():
            inner = (path / f"persona{suffix}" for suffix in SUFFIXES)
            yield from [file for file in inner if file.is_file()][:1]


def _entry(path: Path, origin: Origin) -> Entry:
    try:
        persona, findings = check_file(path)
    except PersonaError as error:
        persona, findings = None, (Finding(TOP, str(error)),)
    stem = path.parent.name if path.stem == "persona" else path.stem
    return Entry(persona.id if persona else stem, path, origin, persona, findings)
