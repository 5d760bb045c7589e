"""Echo and noise processing between the microphone and the ear."""

from __future__ import annotations

from typing import Protocol

from audio.clip import Samples


class Cleaner(Protocol):
    """Takes the loudspeaker's echo and the room's noise out of what the microphone hears."""

    def clean(self, near: Samples, far: Samples | None) -> Samples:
        """Return the cleaned block.

        near: what the microphone heard, shape (512,), float32 in [-1, 1], 16 kHz
        far:  what the loudspeaker played at that time, same shape; None when nothing played
        """


class PassThrough:
    """Leaves the sound as it is: for files, headsets and echo-free rooms."""

    def clean(self, near: Samples, far: Samples | None) -> Samples:
        """Return `near`."""
        del far
        return near
