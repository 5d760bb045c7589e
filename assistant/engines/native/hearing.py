"""Judges what a speech recogniser wrote down: is it speech, silence or an invention? PURE.

Recognisers of the Whisper family invent text for sound without speech: notes in brackets, the
credits of the subtitles they learnt from, and loops. A text is only dropped when the sound does
not support it, so that a "Thank you." that was really said stays.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from audio.clip import Samples, peak_db

RATE_HZ = 16_000
CONTEXT_STEP = 256
"""Flash attention lets keys of an earlier call leak into contexts that are no multiple of this."""
CONTEXT_PER_S = 50
CONTEXT_MAX = 1500
MARGIN_S = 1.0
"""Context behind the end of the sound, s; recognition loops when the window ends with the words."""

_FRAME = RATE_HZ // 50
_SILENT_DB = -60.0
_LOUD_ABOVE_FLOOR_DB = 6.0
_STEADY_DB = 6.0
_WORD_MIN_MS = 120.0
_WORDS_PER_S_MAX = 8.0
_DOUBTFUL_BELOW = 0.5

_NOTE = re.compile(r"\[[^\]]*\]?|\([^)]*\)?|\*[^*\s][^*]*\*|[♪♫]+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

_CREDITS = re.compile(
    r"(thanks|thank you)( so much| very much)? for watching( (this|the) video)?"
    r"|(please )?(like and )?subscribe( to (my|the|our) channel)?"
    r"|(i ll )?see you in the next video"
    r"|(subtitles?|captions?|transcription) (made |created |provided )?by .*"
    r"|.*amara org.*|.*castingwords.*"
    r"|untertitel (der|des|von|im) .*|vielen dank fürs zuschauen"
    r"|sous titres? (réalisés? |par ).*|merci d avoir regardé( cette vidéo)?"
    r"|gracias por ver (el|este) v[ií]deo"
    r"|(谢谢|感谢)(观看|收看)|请不吝点赞.*|ご視聴ありがとうございました"
)
_USUAL_INVENTIONS = frozenset(
    {
        "you",
        "thank you",
        "thank you very much",
        "thank you so much",
        "thanks",
        "bye",
        "bye bye",
        "oh",
        "hmm",
        "okay",
        "so",
        "uh",
        "yeah",
        "see you next time",
        "thank you for listening",
        "thanks for listening",
        "vielen dank",
        "merci",
        "gracias",
        "谢谢",
    }
)


class Filtered(StrEnum):
    """Why a text was dropped."""

    BLANK = "blank"
    NO_SPEECH = "no_speech"
    HALLUCINATION = "hallucination"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the sound itself says.

    duration_s: length of the sound, s
    peak_db:    of the loudest sample, dBFS
    voiced_ms:  time that stands out of the steady floor by 6 dB or more, ms
    probability: geometric mean of the token probabilities, 0..1; NaN when unknown
    """

    duration_s: float
    peak_db: float
    voiced_ms: float
    probability: float = math.nan

    @property
    def silent(self) -> bool:
        """Whether there is nothing to hear at all."""
        return self.peak_db < _SILENT_DB

    @property
    def weak(self) -> bool:
        """Whether nothing in the sound stands out long enough for a word."""
        return self.voiced_ms < _WORD_MIN_MS


def audio_context(samples: int) -> int:
    """Return the encoder's context for that many samples at 16 kHz, in its steps of 20 ms."""
    wanted = math.ceil((samples / RATE_HZ + MARGIN_S) * CONTEXT_PER_S)
    return min(CONTEXT_MAX, CONTEXT_STEP * math.ceil(wanted / CONTEXT_STEP))


def weigh(samples: Samples, probability: float = math.nan) -> Evidence:
    """Return the evidence in the sound.

    samples: shape (n,), float32 in [-1, 1], 16 kHz
    """
    duration_s = len(samples) / RATE_HZ
    peak = peak_db(samples)
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    if not len(frames):
        return Evidence(duration_s, peak, 0.0, probability)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    levels = 10 * np.log10(np.maximum(power, 1e-12))
    low, high = np.percentile(levels, (10, 95))
    if high - low < _STEADY_DB:
        return Evidence(duration_s, peak, 0.0, probability)
    loud = np.count_nonzero(levels > low + _LOUD_ABOVE_FLOOR_DB)
    return Evidence(duration_s, peak, float(loud) * 20.0, probability)


def clean(text: str) -> str:
    """Return the text without notes such as "[BLANK_AUDIO]", spaces and loops tidied."""
    words = " ".join(_NOTE.sub(" ", text).split())
    return collapse_loop(words) if _WORD.search(words) else ""


def collapse_loop(text: str) -> str:
    """Return the text with a phrase of two words or more, said four times or more at its end, once.

    A single word may really be said again and again ("no no no no"): that is for judge().
    """
    words = text.split()
    bare = [_bare(word) for word in words]
    for size in range(2, len(words) // 4 + 1):
        unit, times = bare[-size:], 1
        while bare[-size * (times + 1) : -size * times] == unit:
            times += 1
        if times >= 4:
            return " ".join(words[: len(words) - size * (times - 1)])
    return text


def judge(written: str, cleaned: str, evidence: Evidence) -> Filtered | None:
    """Return why the text must be dropped, or None to keep it.

    written: as the recogniser wrote it; cleaned: the same after clean().
    """
    if evidence.silent:
        return Filtered.BLANK
    if not cleaned:
        return Filtered.BLANK if written.strip() else Filtered.NO_SPEECH
    words = [_bare(word) for word in written.split() if _bare(word)]
    phrase = " ".join(_WORD.findall(cleaned.lower().replace("’", " ").replace("'", " ")))
    if _CREDITS.fullmatch(phrase):
        return Filtered.HALLUCINATION
    if len(words) > 4 and len(words) / max(evidence.duration_s, 0.1) > _WORDS_PER_S_MAX:
        return Filtered.HALLUCINATION
    if phrase in _USUAL_INVENTIONS and evidence.weak:
        return Filtered.HALLUCINATION
    if evidence.weak and evidence.probability < _DOUBTFUL_BELOW:
        return Filtered.NO_SPEECH
    return None


def _bare(word: str) -> str:
    return "".join(_WORD.findall(word.lower()))
