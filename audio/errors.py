"""The one exception this package raises on purpose."""

from __future__ import annotations


class AudioError(Exception):
    """A sound file, device or sound library cannot be used.

    code: the fault it is told as, where that is not plain from what was asked for
    hint: what to do about it
    """

    def __init__(self, text: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.hint = hint
