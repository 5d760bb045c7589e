"""A room with an assistant in it: people speak, `lares run` listens and answers, and one
recording holds both sides on one clock.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from audio import wav
from audio.clip import Clip
from integration.lares import Lares, Told
from integration.pulse import PulseRoom, Recording
from integration.spans import Run, between, first_after, silent_from
from integration.voices import VOICES, Voices

ANSWER_S = 30.0
"""Longest wait for an answer to begin, s."""
WHOLE_S = 45.0
"""Longest wait for an answer to end, s."""
PERSONAS = Path(__file__).parents[1] / "fixtures" / "personas"
STEADY = {"LARES_LLM__SEED": "1"}
"""Settings that make the model say the same each time."""

Sound = str | Path | Clip
"""Words to say, a recording, or a sound."""


@dataclass(frozen=True)
class Exchange:
    """A question and what became of it. Times are those of the recording, s."""

    asked: Run
    answered: Run
    report: Mapping[str, Any]
    """The report of the turn, as `lares status --last --json` prints it."""

    @property
    def voice_to_voice_s(self) -> float:
        """Last sound of the question to the first sound of the answer, s."""
        return self.answered[0] - self.asked[1]


class Room:
    """One assistant, and people who know only words that it understands."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        noise_db: float | None = -80.0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Make the room and start the assistant in it.

        folder: an empty one. arguments: for `lares run`. noise_db: see PulseRoom.
        settings: LARES_SECTION__KEY variables.
        """
        self.folder = folder
        (folder / "pulse").mkdir()
        shutil.copytree(PERSONAS, folder / "config" / "personas")
        with ExitStack() as stack:
            self.pulse = stack.enter_context(PulseRoom(folder / "pulse", noise_db=noise_db))
            self.environment = self.pulse.env() | STEADY | dict(settings or {})
            self.voices = stack.enter_context(Voices())
            self.lares = stack.enter_context(Lares(folder, self.environment, *arguments))
            self._opened = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def begin(self, sound: Sound, voice: str = VOICES[0]) -> subprocess.Popen[bytes]:
        """Let somebody begin to speak; return the player, which ends with the sound."""
        return self.pulse.play_to_mic(self.clip(sound, voice))

    def clip(self, sound: Sound, voice: str = VOICES[0]) -> Clip:
        """Return the sound."""
        if isinstance(sound, Clip):
            return sound
        return wav.read(sound) if isinstance(sound, Path) else self.voices.say(sound, voice)

    def exchange(self, sound: Sound, voice: str = VOICES[0]) -> Exchange:
        """Ask aloud, hear the whole answer, and read from the recording when both sounded."""
        clip = self.clip(sound, voice)
        mark, began_s = self.lares.mark(), self.pulse.now_s
        self.pulse.say(clip)
        report = self.closed(mark)
        self.quiet()
        heard = self.recording()
        asked = between(heard.sounding("mic"), began_s, began_s + clip.duration_s + 1.5)
        assert asked is not None, "the question is not in the recording"
        spoken = heard.sounding("speaker")
        answer_s = first_after(spoken, asked[1])
        assert answer_s is not None, f"nothing was said: {report}"
        answered = between(spoken, answer_s, len(heard.speaker))
        assert answered is not None
        return Exchange(asked, answered, report)

    def closed(
        self, mark: int, *, turn: int | None = None, within_s: float = WHOLE_S
    ) -> Mapping[str, Any]:
        """Wait until a turn is over that was not at `mark`, or that turn; return its report."""
        closed = self.lares.event(
            "TurnClosed",
            mark,
            where=lambda told: turn is None or told["turn"] == turn,
            within_s=within_s,
        )
        report: Mapping[str, Any] = closed["report"]
        return report

    def speaking(self, mark: int) -> float:
        """Wait until the assistant speaks in a turn after `mark`; return since when, s."""
        began_s = self.pulse.now_s
        self.lares.event("PlaybackStarted", mark, within_s=ANSWER_S)
        return self.pulse.wait_for_speaker(after_s=began_s, within_s=5.0)

    def quiet(self) -> None:
        """Wait until the loudspeaker has been silent for half a second."""
        self.pulse.wait_for_silence(within_s=WHOLE_S)

    def recording(self) -> Recording:
        """Return both sides from the start of the room."""
        return self.pulse.recording()

    def told(self, name: str, mark: int = 0, where: Callable[[Told], bool] | None = None) -> bool:
        """Tell whether such an event was published after `mark`."""
        return self.lares.find(name, mark, where) is not None


def silence_after(recording: Recording, voice_s: float) -> float:
    """Return how long the loudspeaker went on after a voice began at `voice_s`, s."""
    return silent_from(recording.sounding("speaker"), voice_s) - voice_s
