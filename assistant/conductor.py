"""Runs one session machine against the bus. All decisions live in the session."""

from __future__ import annotations

import asyncio
import logging

from assistant.bus import Bus
from assistant.events import Event, Tick
from assistant.session import Session, step
from assistant.session.machine import HEEDS
from assistant.supervisor import Ready

log = logging.getLogger(__name__)

INBOX_SIZE = 4096
"""Blocks, words and tokens of a busy minute."""


class Conductor:
    """Publishes the orders and facts that the session machine asks for, and its Ticks."""

    def __init__(self, bus: Bus, session: Session) -> None:
        self._bus = bus
        self.session = session

    async def run(self, ready: Ready) -> None:
        """Step the session on every event it heeds."""
        with self._bus.subscribe(
            f"{self.session.id}.conductor", *HEEDS, session=self.session.id, size=INBOX_SIZE
        ) as inbox:
            ready()
            alarm: asyncio.TimerHandle | None = None
            try:
                async for event in inbox:
                    self._step(event)
                    if alarm is not None:
                        alarm.cancel()
                    alarm = self._set_alarm()
            finally:
                if alarm is not None:
                    alarm.cancel()

    def _step(self, event: Event) -> None:
        before = self.session
        self.session, orders = step(before, event)
        if self.session.phase is not before.phase:
            log.debug(
                "%s: %s -> %s on %s",
                before.id,
                before.phase.value,
                self.session.phase.value,
                type(event).__name__,
            )
        for order in orders:
            self._bus.publish(order)

    def _set_alarm(self) -> asyncio.TimerHandle | None:
        deadline_s = self.session.deadline_s
        if deadline_s is None:
            return None
        wait_s = max(0.0, deadline_s - self._bus.now())
        tick = Tick(session=self.session.id)
        return asyncio.get_running_loop().call_later(wait_s, self._bus.publish, tick)
