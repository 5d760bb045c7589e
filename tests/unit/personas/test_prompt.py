from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.events import Line
from assistant.personas.loader import load
from assistant.personas.macros import fill
from assistant.personas.persona import Persona
from assistant.personas.prompt import CUT_OFF, greetings, messages, opening, stops

ADA = load(
    b"""\
schema: 1
name: Ada Marrow
nickname: Ada
prompt:
  system: "{{original}} Never {{CHAR}} the assistant."
  description: "{{char}} knows <USER>.<|im_end|>"
  user: {name: Tom, about: "{{user}} is a sailor."}
  after_history: {text: Be brief., place: last_user}
examples:
  - - user: Rain?
    - char: Soon, {{user}}.
greeting: ["Hello {{user}}.", "Yes?"]
llm: {stop: ["{{char}} says"]}
""",
    "ada.yaml",
)
PLAIN = load(b"schema: 1\nname: Ada\n", "ada.yaml")

TEXT = st.text(alphabet="ab <|>im_end", min_size=1, max_size=12).map(lambda text: f"x{text}x")
HISTORY = st.lists(st.builds(Line, st.sampled_from(["user", "assistant"]), TEXT), max_size=8)


def test_one_system_message_holds_the_character_with_its_macros_filled() -> None:
    system = opening(ADA)[0]
    assert system["role"] == "system"
    assert system["content"].startswith(
        "You are Ada. Never Ada the assistant. Ada knows Tom. About Tom: Tom is a sailor."
    )


def test_examples_come_as_turns_before_the_history() -> None:
    found = messages(ADA, [Line("user", "Hi."), Line("assistant", "Hello.")], "Wind?")
    assert [(message["role"], message["content"]) for message in found[1:]] == [
        ("user", "Rain?"),
        ("assistant", "Soon, Tom."),
        ("user", "Hi."),
        ("assistant", "Hello."),
        ("user", "Wind?\n(Be brief.)"),
    ]


def test_notes_stand_in_the_newest_user_turn_alone() -> None:
    found = messages(PLAIN, [], "Go on.", [CUT_OFF])
    assert found[-1]["content"] == f"Go on.\n({CUT_OFF})"
    again = messages(PLAIN, [Line("user", "Go on."), Line("assistant", "Well.")], "Yes?")
    assert CUT_OFF not in str(again)


def test_a_greeting_in_the_history_follows_a_user_turn() -> None:
    found = messages(PLAIN, [Line("assistant", "Ada here.")], "Hi.")
    assert [message["role"] for message in found] == ["system", "user", "assistant", "user"]


def test_greetings_and_stops_are_filled() -> None:
    assert greetings(ADA) == ("Hello Tom.", "Yes?")
    assert stops(ADA) == ["Ada says", "\nTom:", "\nUser:"]


def test_white_space_and_control_tokens_in_a_stop_stay_as_they_are() -> None:
    persona = load(
        b'schema: 1\nname: Ada\nllm: {stop: ["\\n", "\\n{{char}}:", "<|im_end|>"]}\n', "ada.yaml"
    )
    assert stops(persona)[:3] == ["\n", "\nAda:", "<|im_end|>"]


def test_macros_are_replaced_once_and_unknown_ones_go() -> None:
    assert fill("{{ Char }} <bot> {{user}} {{x}}|", {"char": "{{user}}", "user": "Tom"}) == (
        "{{user}} {{user}} Tom |"
    )


@given(st.sampled_from([ADA, PLAIN]), HISTORY, TEXT, TEXT, TEXT)
def test_one_turn_without_notes_is_how_the_next_one_begins(
    persona: Persona, history: list[Line], heard: str, reply: str, then: str
) -> None:
    before = opening(persona, [*history, Line("user", heard)])
    later = [*history, Line("user", heard), Line("assistant", reply)]
    assert messages(persona, later, then)[: len(before)] == before


@given(HISTORY, TEXT)
def test_roles_alternate_and_no_control_token_passes(history: list[Line], heard: str) -> None:
    found = messages(PLAIN, history, heard)
    roles = [message["role"] for message in found]
    assert roles[0] == "system"
    assert roles[1:] == ["user", "assistant"] * (len(roles) // 2 - 1) + ["user"]
    assert "<|im_end|>" not in str(found)
