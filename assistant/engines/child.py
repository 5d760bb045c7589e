"""One child process and its pipe. Nothing here restarts anything: the supervisor does."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from assistant.engines.childlog import ChildLog
from assistant.errors import EngineError, EngineGone
from audio.wire import Packet, WireError, encode, read_async

log = logging.getLogger(__name__)

READ_AHEAD_BYTES = 2**20
GRACE_S = 1.5
"""Time between closing a child's input and killing it, s."""


class ChildProcess:
    """A running child: whole packets in, whole packets out."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: ChildLog) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log

    def write(self, packet: Packet) -> None:
        """Send a packet, unless the child is gone: then its reader learns it."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(encode(packet))

    async def read(self) -> Packet:
        """Return the next packet.

        One task alone may call this: a read that is cancelled between head and payload leaves the
        pipe out of step. Raises EngineGone when the child ends or breaks the protocol.
        """
        assert self._process.stdout is not None
        try:
            packet = await read_async(self._process.stdout)
        except WireError as error:
            raise EngineGone(f"{self.name} broke the protocol: {error}") from error
        if packet is None:
            ended = _how_it_ended(await self._process.wait())
            raise EngineGone(f"{self.name} {ended}{self._log.last_words()}")
        return packet

    def trim_log(self) -> None:
        """Keep the child's log from growing for ever; called now and then."""
        self._log.trim()

    async def hello(self) -> Packet:
        """Return the child's `ready` packet.

        Raises EngineError with the child's own words when it could not load.
        """
        packet = await self.read()
        if packet.kind == "error":
            raise EngineError(f"{self.name}: {packet.fields.get('text', 'it could not start')}")
        if packet.kind != "ready":
            raise EngineGone(f"{self.name} said {packet.kind!r} before it was ready")
        return packet


@asynccontextmanager
async def open_child(
    name: str,
    command: Sequence[str],
    *,
    options: Mapping[str, object] | None = None,
    extra_environment: Mapping[str, str] | None = None,
    logs: Path | None = None,
) -> AsyncIterator[ChildProcess]:
    """Start `python -P -m command...`, hand it its options, and stop it on exit.

    The child has a process group of its own: Ctrl-C reaches the daemon alone, which then stops it.
    logs: folder for NAME.log, which takes its standard error; None: it shares the daemon's.
    """
    environment = {**os.environ, **(extra_environment or {})}
    with ChildLog.open(logs and logs / f"{name}.log") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log.file,
            limit=READ_AHEAD_BYTES,
            env=environment,
            process_group=0,
        )
    child = ChildProcess(name, process, log)
    try:
        if options is not None:
            child.write(Packet("load", 0, dict(options)))
        yield child
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the child by closing its input; kill it when it does not leave in time."""
    assert process.stdin is not None
    with suppress(OSError, RuntimeError):
        process.stdin.close()
    try:
        async with asyncio.timeout(GRACE_S):
            await _exit(process)
    except (TimeoutError, asyncio.CancelledError) as error:
        with suppress(ProcessLookupError):
            process.kill()
        await _exit(process)
        if isinstance(error, asyncio.CancelledError):
            raise


async def _exit(process: asyncio.subprocess.Process) -> None:
    """Wait for the end, draining the output: wait() never returns while a pipe is full."""
    assert process.stdout is not None
    with suppress(RuntimeError, OSError):
        while await process.stdout.read(2**16):
            pass
    await process.wait()


def _how_it_ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"exited with status {code}"
