"""What holds for every test."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

settings.register_profile("lares", deadline=None)
settings.load_profile("lares")

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A background shell starts its programs deaf to Ctrl-C; the programs under test must hear it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="A test that is skipped fails the run."
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not session.config.getoption("--no-skips"):
        return
    if skipped := reporter.stats.get("skipped", []):
        reporter.write_line(f"{len(skipped)} tests were skipped: here all must run", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
