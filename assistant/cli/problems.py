"""How commands fail: one clear line on standard error and exit status 1."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assistant.errors import AssistantError
from audio.errors import AudioError


@contextmanager
def told(interrupted: str = "") -> Iterator[None]:
    """Turn errors raised on purpose into a line and exit status 1.

    interrupted: said after Ctrl-C, if anything.
    """
    try:
        yield
    except (AssistantError, AudioError) as error:
        complain(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        if interrupted:
            complain(interrupted)
        sys.exit(130)


def complain(text: str) -> None:
    """Write a line for people who watch standard error; nothing happens when it is gone."""
    with suppress(OSError):
        sys.stderr.write(f"lares: {runnable(text)}\n")
        sys.stderr.flush()


def runnable(text: str) -> str:
    """Return the text with each `lares COMMAND` in it written so that it runs from here."""
    program = Path(sys.argv[0])
    found = shutil.which("lares")
    if program.name != "lares" or (found and Path(found).samefile(program)):
        return text
    here = Path.cwd()
    shown = program.absolute()
    path = shown.relative_to(here) if shown.is_relative_to(here) else shown
    return _COMMAND.sub(lambda match: f"{path}{match.group(1)}", text)


_COMMANDS = "run|ask|say|listen|talk|stop|status|devices|check|paths|version|personas|models"
_COMMAND = re.compile(rf"(?<![\w./-])lares( (?:{_COMMANDS})\b)")
