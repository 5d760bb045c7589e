"""The command `lares`. Parse, call, print: no logic of the assistant is here."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line; leave with 0 (fine), 1 (failed) or 2 (wrong usage)."""
    if "run" in sys.argv[1:2]:
        # A service manager may stop the daemon while Python still imports it.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: os._exit(0))
    from assistant.cli.app import app
    from assistant.cli.problems import told

    with told():
        app()
