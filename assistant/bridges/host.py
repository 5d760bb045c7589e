"""What a bridge needs of the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from assistant.bus import Bus
from assistant.events import SessionId


class Host(Protocol):
    """The daemon, as bridges see it."""

    @property
    def bus(self) -> Bus:
        """Where requests are published and facts are read."""

    def status(self) -> dict[str, Any]:
        """Return what `lares status --json` prints."""

    def new_session_id(self, kind: str) -> SessionId:
        """Return a fresh id for a private session."""

    async def open_private(self, session: SessionId, wav: Path | None, out: Path | None) -> None:
        """Start a conversation with a recording, or with requests alone."""

    async def close_session(self, session: SessionId) -> None:
        """End a conversation; its files are finished."""
