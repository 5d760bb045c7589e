from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from assistant.bridges.eventlines import WATCHED, as_table
from assistant.cli.output import Printer, outcome, times
from assistant.cli.run import ready_line
from assistant.cli.status import overview
from assistant.cli.watch import describe
from assistant.events import (
    MAIN,
    SYSTEM,
    BargedIn,
    ClauseWritten,
    Event,
    Fault,
    PhaseChanged,
    Recovered,
    RequestDropped,
    SessionId,
    StageFailed,
    TakeId,
    TurnClosed,
    TurnId,
    TurnOpened,
    UtteranceTranscribed,
    VoicePaused,
    VoiceStarted,
)
from assistant.report import Cut, Durations, TurnReport
from audio.clip import Clip

TURN: dict[str, Any] = {"session": MAIN, "turn": TurnId(1)}
TAKE: dict[str, Any] = {**TURN, "take": TakeId(1)}


def report(**fields: Any) -> TurnReport:
    return TurnReport(session="main", turn=1, persona="Nova", opened_by="text", **fields)


def answers(*texts: str, **fields: Any) -> list[dict[str, Any]]:
    deltas = [{"kind": "delta", "text": text} for text in texts]
    return [*deltas, {"kind": "report", "report": report(**fields).as_dict()}]


def test_the_reply_comes_as_it_is_written_and_the_times_of_what_happened_follow(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printer = Printer(as_json=False)
    ms = Durations(first_token=120.4, first_sound=1500)
    told = answers(" Hi", " you.", reply="Hi you.", ms=ms)
    printer.take(told[0])
    assert capsys.readouterr().out == "Hi"
    for answer in told[1:]:
        printer.take(answer)
    assert printer.finish() is None
    assert capsys.readouterr().out == " you.\nfirst word 120 ms · first sound 1.50 s\n"


def test_json_is_the_report_alone(capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer(as_json=True)
    for answer in [{"kind": "heard", "text": "Hello?"}, *answers("Hi.", reply="Hi.")]:
        printer.take(answer)
    printer.finish()
    assert json.loads(capsys.readouterr().out) == report(reply="Hi.").as_dict()


def test_a_turn_that_failed_and_a_dropped_request_are_failures() -> None:
    printer = Printer(as_json=False)
    for answer in answers("Hi", error="llm died"):
        printer.take(answer)
    assert printer.finish() == "the answer failed: llm died"
    printer = Printer(as_json=False)
    printer.take({"kind": "dropped", "reason": "busy"})
    assert "lares stop" in (printer.finish() or "")


def test_what_was_not_heard_whole_is_told() -> None:
    assert outcome(report().as_dict()) == ""
    assert outcome(report(cut_at=Cut(word="time", ms=900)).as_dict()) == "cut off after 'time'"
    assert "before" in outcome(report(cut_at=Cut(word=None, ms=0)).as_dict())
    assert times(report().as_dict()) == ""


def event_line(event: Event) -> str | None:
    table = json.loads(json.dumps({"kind": "event", "event": as_table(event)}))
    return describe(table)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (VoiceStarted(session=MAIN), "… a voice"),
        (
            VoicePaused(
                session=MAIN,
                clip=Clip(np.zeros(1600, np.float32), 16_000),
                speech_ms=1240.0,
                silence_ms=96.0,
            ),
            "… it pauses after 1.2 s",
        ),
        (UtteranceTranscribed(**TAKE, text=""), "… understood: (nothing)"),
        (TurnOpened(**TURN, opened_by="text", request="r", heard="Hello?"), "you: Hello?"),
        (TurnOpened(**TURN, opened_by="text", request="r", heard=None), None),
        (ClauseWritten(**TAKE, index=0, text="Hi."), "  > Hi."),
        (BargedIn(**TAKE), "… interrupted"),
        (PhaseChanged(session=MAIN, phase="idle"), None),
        (
            RequestDropped(session=MAIN, request="r", reason="timeout"),
            "… a request was dropped: nobody spoke in time",
        ),
        (
            StageFailed(session=SYSTEM, stage="llm", error="it died"),
            "llm failed: it died; it is started anew",
        ),
        (
            Fault(session=MAIN, code="no_microphone", text="no microphone", hint="plug one in"),
            "no microphone; plug one in",
        ),
        (Recovered(session=SYSTEM, code="mqtt_down"), "mqtt down: it is over"),
        (
            UtteranceTranscribed(
                session=SessionId("wav-1"), turn=TurnId(1), take=TakeId(1), text="x"
            ),
            "wav-1: … understood: x",
        ),
        (TurnClosed(**TURN, report=report(error="no llm")), "  the answer failed: no llm"),
    ],
)
def test_each_event_has_its_line_or_none(event: Event, line: str | None) -> None:
    assert event_line(event) == line
    assert type(event) in WATCHED


STATUS: dict[str, Any] = {
    "pid": 7,
    "uptime_s": 75.0,
    "persona": "nova",
    "phase": "idle",
    "turns": 2,
    "engines": {
        "stt": {
            "state": "ready",
            "pid": 8,
            "crashes": 0,
            "error": None,
            "device": "cpu",
            "model": "/models/small.bin",
            "library": "pywhispercpp 1.5.1",
            "warnings": ["Apple Silicon computes on the CPU"],
        },
        "llm": {"state": "restarting", "pid": None, "crashes": 2, "error": "killed by signal 9"},
        "tts": {"state": "starting", "pid": 9, "crashes": 0, "error": None},
    },
    "audio": {"state": "ready", "pid": 6, "crashes": 0, "source": {"name": "Mic"}, "sink": None},
    "faults": [{"code": "no_loudspeaker", "text": "no loudspeaker", "hint": "plug one in"}],
    "last": report(heard="Hello?", reply="Hi.").as_dict(),
}


def test_the_status_tells_of_each_engine_device_and_fault() -> None:
    lines = list(overview(STATUS))
    assert lines[0] == "nova: idle, pid 7, up 1 min 15 s, 2 turns"
    for line in (
        "  stt    ready       small.bin on cpu, pywhispercpp 1.5.1, pid 8",
        "         warning: Apple Silicon computes on the CPU",
        "  llm    restarting  2 crashes",
        "         killed by signal 9",
        "  hears  Mic",
        "  speaks none",
        "  fault  no loudspeaker; plug one in",
        "  reply  Hi.",
    ):
        assert line in lines


def test_ready_names_what_is_still_loading_and_what_is_missing() -> None:
    line = ready_line(STATUS, 2.34)
    assert line == (
        "ready: microphone Mic, loudspeaker none, persona nova, stt small.bin on cpu, "
        "llm (restarting), tts (loading), 2.3 s since start; "
        "it says nothing aloud: `lares talk` shows the answers"
    )
    deaf = {**STATUS, "audio": {**STATUS["audio"], "source": {"name": "null"}}}
    assert "microphone none" in ready_line(deaf, 1.0)
    assert "lares ask TEXT" in ready_line(deaf, 1.0)
