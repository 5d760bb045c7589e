"""The one exception this package raises on purpose."""

from __future__ import annotations


class AudioError(Exception):
    """A sound file, device or sound library cannot be used; the text says what to do."""
