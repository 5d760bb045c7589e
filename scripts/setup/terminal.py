"""What setup tells the person at the terminal, and how it runs other programs."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "build" / "setup.log"
HEARTBEAT_S = 20.0
NO_NETWORK = (
    "connection refused",
    "dns error",
    "error sending request",
    "failed to establish a new connection",
    "name or service not known",
    "network is unreachable",
    "temporary failure in name resolution",
    "timed out",
    "tunnel connection failed",
)


class SetupError(Exception):
    """Setup cannot go on; the text says why and what to do."""


def say(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)


def run(
    command: list[str],
    what: str,
    *,
    expected_s: float = 60.0,
    env: dict[str, str] | None = None,
) -> None:
    """Run a command to its end, its output in build/setup.log, with a line every 20 s.

    what: the task in the -ing form, for the person waiting.
    expected_s: how long it usually takes, seconds.

    Raises:
        SetupError: The command failed or is not there.
    """
    LOG.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with LOG.open("a", encoding="utf-8", errors="replace") as log:
        log.write("\n$ " + " ".join(command) + "\n")
        log.flush()
        start = log.tell()
        try:
            process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        except OSError as error:
            raise SetupError(f"{what}: cannot start {command[0]}: {error}") from None
        code = _wait(process, what, begun, expected_s)
    if code != 0:
        with LOG.open(encoding="utf-8", errors="replace") as log:
            log.seek(start)
            raise SetupError(explain(what, code, log.read()))
    say(f"{what}: done in {time.monotonic() - begun:.0f} s")


def _wait(process: subprocess.Popen[bytes], what: str, begun: float, expected_s: float) -> int:
    try:
        while True:
            try:
                return process.wait(HEARTBEAT_S)
            except subprocess.TimeoutExpired:
                elapsed_s = time.monotonic() - begun
                say(f"{what}: {elapsed_s:.0f} s of about {expected_s:.0f} s")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def explain(what: str, code: int, output: str) -> str:
    """Return the line for a program that failed: the network, or what it complained of."""
    lowered = output.lower()
    if any(sign in lowered for sign in NO_NETWORK):
        return (
            f"{what}: the package server cannot be reached; check the network or the proxy and run"
            f" the same command again (what is installed stays; details: {LOG})"
        )
    return f"{what}: ended with {code}: {telling_line(output)} (details: {LOG})"


def telling_line(output: str) -> str:
    """Return the line of a program's output that most likely says why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if re.search(r"(?i)\berror( at| in|:)", line) and "subprocess-exited" not in line:
            after = lines[number + 1] if line.endswith(":") and number + 1 < len(lines) else ""
            return f"{line} {after}".strip()[:300]
    return lines[-1][:300] if lines else "no output"
