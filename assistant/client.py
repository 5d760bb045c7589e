"""Reaches the running daemon over its control socket. Synchronous; used by the commands."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assistant.errors import RequestError
from assistant.paths import Paths

PATH_BYTES = 103 if sys.platform == "darwin" else 107
"""Longest path of a Unix socket."""
LINE_BYTES = 2**16
"""Longest command that the daemon takes."""
SILENT_S = 20.0
"""A daemon that gives no sign for so long hangs, s; it gives one every five."""


def socket_path(paths: Paths) -> Path:
    """Return where the daemon's control socket is.

    Raises RequestError when the path is longer than the system allows.
    """
    path = paths.runtime / "lares.sock"
    if (length := len(os.fsencode(path))) > PATH_BYTES:
        raise RequestError(
            f"{path}: {length} bytes are too long for a Unix socket (at most {PATH_BYTES}); "
            f"set LARES_RUNTIME_DIR to a folder with a shorter path"
        )
    return path


class Client:
    """One connection to a running daemon: one command, its answers."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    @classmethod
    def connect(cls, path: Path) -> Client | None:
        """Return a connection, None where no daemon runs.

        Raises RequestError when the socket may not be opened.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SILENT_S)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        except OSError as error:
            connection.close()
            raise RequestError(f"{path}: cannot be reached: {error}") from error
        return cls(connection)

    @classmethod
    def require(cls, path: Path) -> Client:
        """Return a connection to the running daemon. Raises RequestError when none runs."""
        client = cls.connect(path)
        if client is None:
            raise RequestError("no daemon runs; start it with: lares run")
        return client

    def send(self, command: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Send the command; yield its answers but `alive` and `done`.

        Raises RequestError with the daemon's words when it cannot be served, and when the daemon
        is gone or hangs.
        """
        line = json.dumps(command).encode() + b"\n"
        if len(line) > LINE_BYTES:
            raise RequestError(f"{len(line)} bytes are too much: at most {LINE_BYTES} at once")
        try:
            with self._socket, self._socket.makefile("rb") as lines:
                self._socket.sendall(line)
                for answer in map(json.loads, lines):
                    match answer["kind"]:
                        case "done":
                            return
                        case "failed":
                            raise RequestError(answer["text"])
                        case "alive":
                            pass
                        case _:
                            yield answer
        except TimeoutError:
            raise RequestError(f"the daemon gave no sign for {SILENT_S:g} s") from None
        except OSError as error:
            raise RequestError(f"the daemon left: {error}") from error
        except ValueError as error:
            raise RequestError("the daemon left in the middle of an answer") from error
        raise RequestError("the daemon left before it was done")
