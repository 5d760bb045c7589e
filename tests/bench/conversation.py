"""Figures of a conversation in the room: voice to voice with its steps, and cut-ins."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figure
from integration.room import Exchange, Room, silence_after
from integration.spans import between, percentile
from integration.voices import VOICES
from words import word_error_rate

QUESTIONS = (
    "Who are you?",
    "What time is it?",
    "What is the weather in London?",
    "Tell me a joke.",
    "Good night Nova.",
    "Turn on the kitchen light.",
    "What day is it today?",
    "How far is it to Paris?",
    "Thank you.",
    "Set a timer for five minutes.",
    "My favorite color is purple.",
    "What is my favorite color?",
)
"""Asked twice, by another voice each."""
STEPS = {
    "pause_waited": "the pause that ends a turn",
    "transcribe": "transcript",
    "first_token": "first token",
    "first_clause": "first clause written",
    "first_sound": "first clause heard",
    "after_end": "end of turn to first sound",
}
LONG = "It is nine o'clock and all the lights in the garden are off. " * 8
CUTS = 8


def voice_to_voice(room: Room) -> Iterator[Figure]:
    """Ask every question; yield p50 and p95 of each step and of the whole."""
    asked: list[tuple[str, Exchange]] = []
    for number in range(2 * len(QUESTIONS)):
        question = QUESTIONS[number % len(QUESTIONS)]
        voice = VOICES[(number + number // len(QUESTIONS)) % len(VOICES)]
        try:
            asked.append((question, room.exchange(question, voice)))
        except AssertionError as error:
            print(f"  {question!r} was not answered: {error}")
            room.lares.wait(lambda: room.lares.status()["phase"] == "idle", within_s=60.0)
    group = f"voice to voice, {len(asked)} questions"
    lost = 2 * len(QUESTIONS) - len(asked)
    yield Figure(group, "questions that were not answered", lost, "of " + str(len(asked)), 0)
    for part in (0.5, 0.95):
        whole = percentile([exchange.voice_to_voice_s for _, exchange in asked], part)
        aim = 1.5 if part == 0.5 else 2.5
        yield Figure(group, f"whole, from the recording, {_p(part)}", whole, "s", aim)
    for step, name in STEPS.items():
        times = [e.report["ms"][step] for _, e in asked if e.report["ms"][step] is not None]
        for part in (0.5, 0.95):
            yield Figure(group, f"{name}, {_p(part)}", percentile(times, part), "ms")
    pairs = [(question, exchange.report["heard"] or "") for question, exchange in asked]
    yield Figure(group, "words misheard in the room", 100 * word_error_rate(pairs), "%")


def cut_in(room: Room) -> Iterator[Figure]:
    """Talk over a long text several times; yield how long it goes on."""
    took_s: list[float] = []
    for _ in range(CUTS):
        mark = room.lares.mark()
        saying = room.lares.start("say", LONG)
        room.lares.event("WordPlayed", mark, where=lambda told: told["heard_ms"] > 1500)
        began_s = room.pulse.now_s
        room.pulse.say(room.clip("Thank you."))
        cut = room.closed(mark)
        room.closed(mark, turn=cut["turn"] + 1)
        room.quiet()
        saying.wait(timeout=10)
        heard = room.recording()
        voice = between(heard.sounding("mic"), began_s, began_s + 3.0)
        assert voice is not None
        took_s.append(silence_after(heard, voice[0]))
    group = f"talking over it, {CUTS} times"
    for part in (0.5, 0.95):
        yield Figure(group, f"voice to silence, {_p(part)}", 1000 * percentile(took_s, part), "ms")


def _p(part: float) -> str:
    return f"p{round(100 * part)}"
