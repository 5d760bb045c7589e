"""The machine's own devices: one backend, one loudspeaker for all lines, one watch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from audio.alarm import Alarm
from audio.devices import Backend, choose, list_devices
from audio.errors import AudioError
from audio.loudspeaker import Loudspeaker
from audio.microphone import Microphone
from audio.pulse import PulseServer, PulseWatch
from audio.wire import Packet

_ASK_S = 2.0
"""How often the sound server is asked for a microphone that is missing."""

_LIST_S = 5.0
"""How often a fresh process looks for a microphone that is missing."""


class Machine:
    """Opens microphones and the loudspeaker. From any thread; each call may take seconds."""

    def __init__(self, emit: Callable[[Packet], None], load: Callable[[], Backend]) -> None:
        """load: makes the backend when the first device is wanted. May raise AudioError."""
        self._alarm = Alarm(emit, None)
        self._load = load
        self._lock = threading.Lock()
        self._backend: Backend | None = None
        self._loudspeakers: dict[str | None, Loudspeaker] = {}
        self._opening = threading.Lock()
        self._microphones: list[Microphone] = []
        self._server = PulseServer()
        self._watch: PulseWatch | None = None

    def microphone(self, name: str | None, alarm: Alarm, forget: Callable[[], None]) -> Microphone:
        """Open a microphone, the default one for None. Raises AudioError. See Microphone."""
        backend = self._get_backend()
        device = choose(backend.devices(), name, output=False)
        microphone = Microphone(backend, device, alarm, self._server, forget)
        with self._lock:
            self._microphones = [m for m in self._microphones if not m.closed] + [microphone]
        self._begin_watch()
        return microphone

    def wait(self, name: str | None, gone: threading.Event) -> bool:
        """Wait for a microphone to be plugged in; return False once `gone` is set."""
        while not gone.wait(_ASK_S if name is None and self._server.found else _LIST_S):
            if name is None and self._server.found:
                if self._server.has_microphone():
                    return True
                continue
            with suppress(AudioError):
                choose(list_devices(), name, output=False)
                return True
        return False

    def loudspeaker(self, name: str | None) -> Loudspeaker:
        """Open the loudspeaker, or share it where it is open. Raises AudioError."""
        backend = self._get_backend()
        with self._opening:
            speaker = self._loudspeakers.get(name)
            if speaker is None or not speaker.share():
                device = choose(backend.devices(), name, output=True)
                speaker = Loudspeaker(backend, device, self._alarm, self._server)
                speaker.share()
                self._loudspeakers[name] = speaker
        self._begin_watch()
        return speaker

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            watch = self._watch
        if watch is not None:
            watch.close()

    def _get_backend(self) -> Backend:
        with self._lock:
            if self._backend is None:
                self._backend = self._load()
            return self._backend

    def _begin_watch(self) -> None:
        with self._lock:
            if self._watch is None and self._server.found:
                self._watch = PulseWatch(self._doubt, self._doubt_loudspeakers)
                self._watch.start()

    def _doubt_loudspeakers(self) -> None:
        for speaker in list(self._loudspeakers.values()):
            speaker.doubt()

    def _doubt(self) -> None:
        with self._lock:
            microphones = list(self._microphones)
        for microphone in microphones:
            microphone.doubt()
