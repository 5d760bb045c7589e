"""`lares ask`, `say`, `listen`, `stop`: through the running daemon, or a private one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.cli.output import Printer
from assistant.client import LINE_BYTES, Client, socket_path
from assistant.errors import RequestError
from assistant.paths import find_paths

if TYPE_CHECKING:
    from assistant.bridges.messages import Command


def ask_text(text: str, out: Path | None, *, aloud: bool, as_json: bool) -> None:
    """Ask in words; print the answer."""
    _check_text(text)
    command = {"command": "ask", "text": text, "aloud": aloud, "out": _writable(out)}
    engines = {"llm", "tts"} if aloud else {"llm"}
    with _printed(as_json=as_json) as printer:
        _serve(command, printer.take, engines, aloud=aloud and out is None)


def say_text(text: str, out: Path | None, *, as_json: bool) -> None:
    """Speak words."""
    _check_text(text)
    command = {"command": "say", "text": text, "out": _writable(out)}
    with _printed(as_json=as_json, times=False) as printer:
        _serve(command, printer.take, {"tts"}, aloud=out is None)


def ask_recording(wav: Path, out: Path | None, *, as_json: bool) -> None:
    """Ask with a recording; print what was heard and the answers."""
    from audio.wav import read

    read(wav)
    command = {"command": "ask_wav", "path": str(wav.absolute()), "out": _writable(out)}
    with _printed(as_json=as_json) as printer:
        _serve(command, printer.take, {"stt", "llm", "tts"}, aloud=False)
        if not printer.reports:
            raise RequestError(f"{wav}: nothing was heard in it")


def listen_now(prompt: str, timeout_s: float, *, as_json: bool) -> None:
    """Answer the next voice; print what was heard and the answer."""
    command = {"command": "listen", "prompt": prompt, "timeout_s": timeout_s}
    with _printed(as_json=as_json) as printer:
        for answer in _daemon().send(command):
            printer.take(answer)


def stop_now() -> None:
    """Silence the running daemon."""
    for _ in _daemon().send({"command": "stop"}):
        pass


def _daemon() -> Client:
    return Client.require(socket_path(find_paths()))


def _serve(
    command: Mapping[str, Any],
    take: Callable[[Mapping[str, Any]], None],
    engines: set[str],
    *,
    aloud: bool,
) -> None:
    """Hand the answers of the running daemon, or of a private one, to `take`."""
    client = Client.connect(socket_path(find_paths()))
    if client is not None:
        for answer in client.send(command):
            take(answer)
        return
    from assistant.bridges.control import answers
    from assistant.cli.private import in_private

    wanted = _command(command)
    in_private(
        lambda daemon: answers(daemon, wanted), take, engines=frozenset(engines), aloud=aloud
    )


def _command(fields: Mapping[str, Any]) -> Command:
    import json

    from assistant.bridges.messages import parse

    return parse(json.dumps(fields).encode())


@contextmanager
def _printed(*, as_json: bool, times: bool = True) -> Iterator[Printer]:
    """Print answers; what went wrong is raised once everything is printed."""
    printer = Printer(as_json=as_json, times=times)
    try:
        yield printer
    finally:
        failure = printer.finish()
    if failure:
        raise RequestError(failure)


def _check_text(text: str) -> None:
    if not text.strip():
        raise RequestError("the text is empty; name what to say")
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise RequestError("the text is not UTF-8; check the terminal's encoding") from None
    if length > LINE_BYTES:
        raise RequestError(f"the text has {length} bytes; at most {LINE_BYTES} are taken at once")


def _writable(out: Path | None) -> str | None:
    """Return the absolute path of a file that can be written, before anything starts."""
    if out is None:
        return None
    if out.is_dir():
        raise RequestError(f"{out}: is a folder; name a file")
    if not out.absolute().parent.is_dir():
        raise RequestError(f"{out}: no folder {str(out.parent)!r}; make it first")
    return str(out.absolute())
