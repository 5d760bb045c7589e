from __future__ import annotations

import numpy as np
import pytest

from integration.pulse import RATE, Recording
from integration.spans import between, first_after, percentile, silent_from

RUNS = [(1.0, 2.0), (2.5, 3.0), (5.0, 6.0)]


def test_sound_in_a_window_reaches_from_its_first_run_to_its_last() -> None:
    assert between(RUNS, 0.0, 4.0) == (1.0, 3.0)
    assert between(RUNS, 1.5, 5.5) == (1.5, 5.5)
    assert between(RUNS, 3.0, 5.0) is None


def test_an_answer_begins_after_the_question() -> None:
    assert first_after(RUNS, 2.0) == 2.5
    assert first_after(RUNS, 2.6) == 5.0
    assert first_after(RUNS, 6.0) is None


def test_silence_begins_where_the_run_ends() -> None:
    assert silent_from(RUNS, 1.2) == 2.0
    assert silent_from(RUNS, 4.0) == 4.0


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 10), (0.95, 19), (1.0, 20)])
def test_a_percentile_is_one_of_the_values(part: float, value: float) -> None:
    assert percentile(list(range(20, 0, -1)), part) == value


def test_a_recording_tells_when_each_side_sounds() -> None:
    mic = np.full(2 * RATE, 0.0001, np.float32)
    mic[RATE // 2 : RATE] = 0.3
    mic[RATE + RATE // 10 : RATE + RATE // 5] = 0.3
    recording = Recording(mic=mic, speaker=np.zeros(2 * RATE, np.float32))
    ((start_s, end_s),) = recording.sounding("mic")
    assert (start_s, end_s) == pytest.approx((0.5, 1.2))
    assert recording.sounding("speaker") == []
