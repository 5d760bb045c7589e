"""What holds for every test."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("lares", deadline=None)
settings.load_profile("lares")

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A background shell starts its programs deaf to Ctrl-C; the programs under test must hear it."""
