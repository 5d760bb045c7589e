"""Is the sound of a microphone fresh, and is it sound at all? Pure: clock readings come in as data.

A stream's own flags are not asked: a lost microphone leaves them all green.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Freshness:
    """Compares the sample clock with the real one and refuses old sound.

    After a suspend the driver hands over what it kept: blocks arrive faster than they were
    recorded. The age of a block is how much later it comes than its number says, against the
    promptest blocks so far; that measure follows the drift between both clocks.
    """

    _FRESH_S = 0.25
    """Age at which sound is taken again."""

    _DRIFT = 0.001
    """How fast the measure follows blocks that come later and later, s per s."""

    _CATCH_UP_S = 0.5
    """Time within which a backlog must shrink; else samples were lost and the count is wrong."""

    def __init__(self, rate: int, oldest_s: float = 1.0) -> None:
        """rate: Hz. oldest_s: age above which sound is refused."""
        self._rate = rate
        self._oldest_s = oldest_s
        self._samples = 0
        self._prompt_s = 0.0
        self._seen_s = 0.0
        self._refusing: tuple[float, float] | None = None
        self._refused = 0

    def begin(self, samples: int, now_s: float) -> None:
        """Note when the first block, of so many samples, arrived. It is still to be admitted."""
        self._prompt_s, self._seen_s = now_s - samples / self._rate, now_s

    def admit(self, samples: int, now_s: float) -> bool:
        """Return whether a block of `samples`, taken at `now_s`, is fresh enough to be heard."""
        self._samples += samples
        delay_s = now_s - self._samples / self._rate
        age_s = delay_s - self._prompt_s
        if self._refusing is None:
            self._prompt_s += min(age_s, self._DRIFT * (now_s - self._seen_s))
            if age_s > self._oldest_s:
                self._refusing = now_s, age_s
        else:
            self._catch_up(age_s, delay_s, now_s)
        self._seen_s = now_s
        if self._refusing is not None:
            self._refused += samples
        return self._refusing is None

    def take_refused_s(self) -> float:
        """Return how much sound was refused since last asked, seconds."""
        refused, self._refused = self._refused, 0
        return refused / self._rate

    def skip(self, samples: int) -> None:
        """Count samples that never came: a full ring dropped them."""
        self._samples += samples

    def _catch_up(self, age_s: float, delay_s: float, now_s: float) -> None:
        since_s, was_s = self._refusing or (now_s, age_s)
        if age_s <= self._FRESH_S:
            self._refusing = None
        elif now_s - since_s >= self._CATCH_UP_S:
            if age_s > was_s - self._CATCH_UP_S / 2:
                self._prompt_s, self._refusing = delay_s, None
            else:
                self._refusing = now_s, age_s


class Zeros:
    """Notices a microphone that has given nothing but exact zeros since it was opened."""

    def __init__(self, rate: int, after_s: float = 3.0) -> None:
        """rate: Hz. after_s: sound that is waited for."""
        self._left = round(rate * after_s)
        self.silent = False
        """Whether so far there was no other sample in all that time."""

    def push(self, block: NDArray[np.int16]) -> None:
        """Look at one block."""
        if self.silent or self._left > 0:
            if block.any():
                self._left, self.silent = 0, False
            elif not self.silent:
                self._left -= len(block)
                self.silent = self._left <= 0
