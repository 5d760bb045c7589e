"""What the audio process tells the daemon, as packets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from audio.ear import Heard, LevelMeasured, SilenceGrew, VoicePaused, VoiceResumed, VoiceStarted
from audio.mouth import Played, TakeEnded, TakeStarted, WordPlayed
from audio.wire import Packet

_KINDS: dict[type[Any], str] = {
    SilenceGrew: "silence",
    LevelMeasured: "level",
    TakeStarted: "playing",
    WordPlayed: "played",
    TakeEnded: "ended",
}


def packet(line: str, fact: Heard | Played) -> Packet:
    """Return the packet for something heard or played on a line."""
    if isinstance(fact, VoiceStarted):
        return Packet("voice", 0, {"line": line, "state": "started"})
    if isinstance(fact, VoiceResumed):
        return Packet("voice", 0, {"line": line, "state": "resumed"})
    if isinstance(fact, VoicePaused):
        fields = {
            "line": line,
            "state": "paused",
            "rate": fact.clip.rate,
            "speech_ms": fact.speech_ms,
            "silence_ms": fact.silence_ms,
            "peak_db": round(fact.peak_db, 1),
            "rms_db": round(fact.rms_db, 1),
        }
        return Packet("voice", 0, fields, fact.clip.to_bytes())
    return Packet(_KINDS[type(fact)], 0, {"line": line, **asdict(fact)})


def fault(line: str | None, code: str, text: str, hint: str = "") -> Packet:
    """Return the packet for a fault: what is wrong, and in `hint` what to do about it."""
    return Packet("fault", 0, {"line": line, "code": code, "text": text, "hint": hint})


def recovered(line: str | None, code: str) -> Packet:
    """Return the packet for the end of a fault."""
    return Packet("recovered", 0, {"line": line, "code": code})
