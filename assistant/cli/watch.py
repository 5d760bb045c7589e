"""`lares talk`: what happens, a readable line each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from assistant.cli.output import DROPPED, dim, outcome, times
from assistant.client import Client, socket_path
from assistant.paths import find_paths


def watch() -> None:
    """Print a line for each event until Ctrl-C. Raises RequestError when no daemon runs."""
    client = Client.require(socket_path(find_paths()))
    try:
        for answer in client.send({"command": "watch"}):
            if line := describe(answer):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stdout.write("\n")


def describe(answer: Mapping[str, Any]) -> str | None:
    """Return the line for an answer to `watch`; None for what people need not see."""
    match answer["kind"]:
        case "status":
            status = answer["status"]
            return f"{status['persona']} is {status['phase'] or 'starting'}. Ctrl-C leaves."
        case "lost":
            return f"({answer['events']} events went by too fast)"
        case "event":
            event = answer["event"]
            text = _happened(event)
            if text is None:
                return None
            return text if event["session"] in ("main", "system") else f"{event['session']}: {text}"
    return None


def _happened(event: Mapping[str, Any]) -> str | None:
    match event["event"]:
        case "VoiceStarted":
            return dim("… a voice")
        case "VoicePaused":
            return dim(f"… it pauses after {event['speech_ms'] / 1000:.1f} s")
        case "VoiceResumed":
            return dim("… it goes on")
        case "UtteranceTranscribed":
            return dim(f"… understood: {event['text'] or '(nothing)'}")
        case "TurnOpened" if event["heard"]:
            return f"you: {event['heard']}"
        case "ClauseWritten":
            return f"  > {event['text']}"
        case "PlaybackStarted":
            return dim("… speaking")
        case "BargedIn":
            return dim("… interrupted")
        case "TurnClosed":
            report = event["report"]
            lines = (outcome(report), times(report))
            return "\n".join(dim(f"  {line}") for line in lines if line) or None
        case "RequestDropped":
            return dim(f"… a request was dropped: {DROPPED[event['reason']]}")
        case "StageFailed" | "StageReady" | "Fault" | "Recovered":
            return trouble(event)
    return None


def trouble(event: Mapping[str, Any]) -> str | None:
    """Return the line for what fails and comes back."""
    match event["event"]:
        case "StageFailed":
            then = "it rests for a while" if event["given_up"] else "it is started anew"
            return f"{event['stage']} failed: {event['error']}; {then}"
        case "StageReady":
            return dim(f"… {event['stage']} is ready")
        case "Fault":
            return f"{event['text']}" + (f"; {event['hint']}" if event["hint"] else "")
        case "Recovered":
            return f"{event['code'].replace('_', ' ')}: it is over"
    return None
