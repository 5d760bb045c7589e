"""One conversation as a pure machine: step(session, event) -> (session, orders)."""

from assistant.session.machine import step
from assistant.session.state import Phase, Rules, Session

__all__ = ["Phase", "Rules", "Session", "step"]
