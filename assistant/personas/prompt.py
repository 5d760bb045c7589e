"""From a persona and what was said to the messages for the language model.

Append-only, so that the model's cache stays good: one system message that is the same for the
whole conversation, then the history as heard, then the newest user turn, which alone carries
notes that will not be true for long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from assistant.events import Line
from assistant.personas.macros import fill
from assistant.personas.persona import Persona

Message = dict[str, str]
"""`role` (system, user or assistant) and `content`."""

HOUSE: Final = "You are {{char}}."
RULES: Final = (
    "{{char}} talks with {{user}} by voice and answers in one or two short, plain sentences, "
    "never with lists, markdown or emoji."
)
CUT_OFF: Final = "your last answer was cut off"
OPENING: Final = "Hello."
"""What the user is taken to have said before a greeting."""

_NOBODY: Final = "the user"
_CONTROL: Final = re.compile(
    r"<\|[^<>|\n]{0,64}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|</?think>",
    re.IGNORECASE,
)


def system_text(persona: Persona) -> str:
    """Return the one system message of `persona`."""
    prompt = persona.prompt
    about = filled(persona, prompt.user.about)
    parts = [
        filled(persona, prompt.system or HOUSE),
        filled(persona, prompt.description),
        filled(persona, prompt.personality),
        filled(persona, prompt.scenario),
        f"About {_user(persona)}: {about}" if about else "",
        filled(persona, RULES),
        filled(persona, prompt.after_history.text) if _reminds_first(persona) else "",
    ]
    return " ".join(part for part in parts if part)


def opening(persona: Persona, history: Sequence[Line] = ()) -> list[Message]:
    """Return what stands before the newest user turn: known before the user has spoken.

    history: what was said aloud, oldest first. Turns alternate and begin with the user, as
    chat templates want: neighbours of one speaker become one turn.
    """
    found: list[Message] = [{"role": "system", "content": system_text(persona)}]
    for talk in persona.examples:
        for said in talk:
            role = "assistant" if said.user is None else "user"
            _add(found, role, filled(persona, said.user or said.char or ""))
    for line in history:
        _add(found, line.speaker, neutral(line.text))
    return found


def messages(
    persona: Persona, history: Sequence[Line], heard: str, notes: Sequence[str] = ()
) -> list[Message]:
    """Return the messages for the answer to `heard`.

    notes: what is true of this turn alone. They end the newest user turn and are not there in
    the next one; all else that one turn sends is how the next one begins.
    """
    found = opening(persona, history)
    _add(found, "user", neutral(heard))
    after = "" if _reminds_first(persona) else filled(persona, persona.prompt.after_history.text)
    for note in (*map(neutral, notes), after):
        if note:
            found[-1]["content"] += f"\n({note})"
    return found


def greetings(persona: Persona) -> tuple[str, ...]:
    """Return the greetings, one of which begins a conversation."""
    return tuple(filled(persona, greeting) for greeting in persona.greeting)


def stops(persona: Persona) -> list[str]:
    """Return the texts that end a reply: the persona's own, and its speaking for the user."""
    own = [fill(stop, _names(persona)) for stop in persona.llm.stop]
    return list(dict.fromkeys([*own, f"\n{_user(persona)}:", "\nUser:"]))


def filled(persona: Persona, text: str) -> str:
    """Return `text` with its macros replaced and control tokens neutralised."""
    names = _names(persona)
    return neutral(fill(text, {**names, "original": fill(HOUSE, names)}))


def neutral(text: str) -> str:
    """Return `text` without anything that a chat template takes for its own marks."""
    while (without := _CONTROL.sub("", text)) != text:
        text = without
    return text.strip()


def _add(found: list[Message], role: str, content: str) -> None:
    """Append one turn, or lengthen the last one when it is of the same role."""
    if found[-1]["role"] == role:
        found[-1]["content"] += f" {content}"
        return
    if found[-1]["role"] == "system" and role == "assistant":
        found.append({"role": "user", "content": OPENING})
    found.append({"role": role, "content": content})


def _reminds_first(persona: Persona) -> bool:
    return persona.prompt.after_history.place == "system_end"


def _names(persona: Persona) -> dict[str, str]:
    return {"char": persona.called, "user": _user(persona)}


def _user(persona: Persona) -> str:
    return persona.prompt.user.name or _NOBODY
