"""What crosses the control socket: one command a connection, answers until `done` or `failed`.

Both are JSON objects, one a line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from assistant.errors import RequestError
from assistant.events import DropReason

LINE_BYTES = 2**16
"""Longest command, bytes with its line end."""


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("the daemon has a folder of its own: name an absolute path")
    return path


FilePath = Annotated[Path, AfterValidator(_absolute)]


class Message(BaseModel):
    """Base of everything that crosses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Status(Message):
    """Tell how everything is."""

    command: Literal["status"]


class Ask(Message):
    """Answer a question."""

    command: Literal["ask"]
    text: str
    aloud: bool = True
    out: FilePath | None = None
    """Answer into this wav file, in a conversation of its own."""


class Say(Message):
    """Speak these words."""

    command: Literal["say"]
    text: str
    out: FilePath | None = None


class Listen(Message):
    """Answer the next voice."""

    command: Literal["listen"]
    prompt: str = ""
    timeout_s: Annotated[float, Field(ge=1, le=60)] = 8.0


class Stop(Message):
    """Be silent, cancel the turn and everything that waits."""

    command: Literal["stop"]


class AskWav(Message):
    """Answer a recording, in a conversation of its own."""

    command: Literal["ask_wav"]
    path: FilePath
    out: FilePath | None = None


class Watch(Message):
    """Tell everything that happens, until the client leaves."""

    command: Literal["watch"]


Command = Status | Ask | Say | Listen | Stop | AskWav | Watch
_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="command")])


class Delta(Message):
    """A piece of the reply, as the model writes it."""

    kind: Literal["delta"] = "delta"
    text: str


class Heard(Message):
    """What was understood of a voice."""

    kind: Literal["heard"] = "heard"
    text: str


class Report(Message):
    """A turn is over."""

    kind: Literal["report"] = "report"
    report: dict[str, Any]


class Dropped(Message):
    """The request came to nothing."""

    kind: Literal["dropped"] = "dropped"
    reason: DropReason


class Failed(Message):
    """The command could not be served; the last answer."""

    kind: Literal["failed"] = "failed"
    text: str


class StatusIs(Message):
    """How everything is."""

    kind: Literal["status"] = "status"
    status: dict[str, Any]


class Happened(Message):
    """An event; see bridges.eventlines."""

    kind: Literal["event"] = "event"
    event: dict[str, Any]


class Lost(Message):
    """The client was too slow for this many events since the last line."""

    kind: Literal["lost"] = "lost"
    events: int


class Alive(Message):
    """The daemon still works on it."""

    kind: Literal["alive"] = "alive"


class Done(Message):
    """The command is served; the last answer."""

    kind: Literal["done"] = "done"


Answer = Delta | Heard | Report | Dropped | Failed | StatusIs | Happened | Lost | Alive | Done


def parse(line: bytes) -> Command:
    """Return the command in a line. Raises RequestError that says what is wrong."""
    try:
        return _COMMANDS.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RequestError(f"bad command: {where}: {first['msg']}".replace(": : ", ": ")) from None


def encode(answer: Answer) -> bytes:
    """Return the answer as a line."""
    return answer.model_dump_json().encode() + b"\n"
