"""Says text with eSpeak NG. Imported inside a child process only."""

from __future__ import annotations

from collections.abc import Callable

from assistant.engines.native.espeak_library import synthesiser
from assistant.engines.native.marks import estimate, from_events
from assistant.engines.native.speaking import Sound, Wish, audible_ms, shape
from audio.clip import Clip

LAST_RESORT = "en-us"


def say_with_espeak(
    text: str, wish: Wish, stopped: Callable[[], bool], reason: str = ""
) -> Sound | None:
    """Return one piece of text as sound; None when stopped() turned true.

    The voice is wish.model, or wish.fallback where `reason` says why it stands in for another
    engine; an unknown voice gives way to the fallback, then to LAST_RESORT.
    """
    wanted = wish.fallback if reason else wish.model or wish.fallback
    voice = next((v for v in (wanted, wish.fallback) if synthesiser().has(v)), LAST_RESORT)
    if voice != wanted and not reason:
        reason = f"eSpeak NG has no voice {wanted!r}"
    clip, events = synthesiser().say(text, voice, wish.speed, stopped)
    if stopped():
        return None
    end_ms = audible_ms(clip.samples, clip.rate)
    marks = from_events(text, events, end_ms)
    return Sound(
        clip=Clip(shape(clip.samples, wish.volume), clip.rate),
        words=marks or estimate(text.split(), end_ms),
        exact=marks is not None,
        voice=f"espeak:{voice}",
        reason=reason,
    )
