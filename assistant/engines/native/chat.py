"""Writes messages down in the way a model was trained on: its own chat template."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from jinja2 import BaseLoader, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from assistant.errors import ModelError, RequestError

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ROLES = ("system", "user", "assistant")
Message = dict[str, str]
"""A message: {"role": one of ROLES, "content": its text}."""

_PROBE: list[Message] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "How are you?"},
]


class ChatTemplate:
    """A chat template, probed once.

    source:   Jinja text; CHATML where the model has none
    controls: texts of the vocabulary's control tokens; in a message's content they are broken up,
              so that nothing in a card or a transcript can end a message or open another
    Raises ModelError for a template that cannot render a conversation.
    """

    def __init__(
        self, source: str, controls: Iterable[str], *, bos: str = "", eos: str = ""
    ) -> None:
        environment = ImmutableSandboxedEnvironment(
            loader=BaseLoader(),
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols"],
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _today
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._break_up = breaker(controls)
        try:
            self._template = environment.from_string(source)
            self.knows_system = self._probe()
        except TemplateError as error:
            raise ModelError(f"the model's chat template is broken: {error}") from error

    def render(self, messages: Sequence[Message], *, open_reply: bool = True) -> str:
        """Return the prompt. open_reply: it ends where the assistant's reply begins.

        Messages of one role in a row are joined. Raises RequestError for messages that the
        template refuses.
        """
        safe = [{"role": m["role"], "content": self._break_up(m["content"])} for m in messages]
        try:
            return self._render(self._fold(safe), open_reply=open_reply)
        except TemplateError as error:
            raise RequestError(
                f"the model's chat template refuses the messages: {error}"
            ) from error

    def _render(self, messages: Sequence[Message], *, open_reply: bool) -> str:
        return self._template.render(
            messages=messages,
            add_generation_prompt=open_reply,
            enable_thinking=False,
            tools=None,
            **self._tokens,
        )

    def _fold(self, messages: Sequence[Message]) -> list[Message]:
        folded: list[Message] = []
        for message in messages:
            role = message["role"]
            if role == "system" and not self.knows_system:
                role = "user"
            if folded and folded[-1]["role"] == role:
                joined = f"{folded[-1]['content']}\n\n{message['content']}"
                folded[-1] = {"role": role, "content": joined}
            else:
                folded.append({"role": role, "content": message["content"]})
        return folded

    def _probe(self) -> bool:
        """Tell whether the template takes a system message and shows it."""
        try:
            return _PROBE[0]["content"] in self._render(_PROBE, open_reply=True)
        except TemplateError:
            self._render(_PROBE[1:], open_reply=True)
            return False


def breaker(controls: Iterable[str]) -> Callable[[str], str]:
    """Return a function that breaks up the control texts in a text with a space.

    Only texts in brackets count ("<|im_end|>", "[INST]"): others are ordinary words or spaces.
    """
    marked = [text for text in controls if len(text) > 2 and text[0] in "<[" and text[-1] in ">]"]
    if not marked:
        return str
    longest_first = sorted(marked, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))

    def break_up(text: str) -> str:
        while pattern.search(text):
            text = pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
        return text

    return break_up


def messages_of(value: object) -> list[Message]:
    """Return the messages of a request. Raises RequestError when they are not messages."""
    if not isinstance(value, list) or not value:
        raise RequestError("messages must be a list with at least one message")
    messages: list[Message] = []
    for i, item in enumerate(value):
        role = item.get("role") if isinstance(item, dict) else None
        content = item.get("content") if isinstance(item, dict) else None
        if role not in ROLES or not isinstance(content, str):
            raise RequestError(
                f"messages[{i}] must have a role ({', '.join(ROLES)}) and a content, got {item!r}"
            )
        messages.append({"role": role, "content": content})
    return messages


def _refuse(text: str) -> NoReturn:
    raise TemplateError(text)


def _today(form: str) -> str:
    return dt.datetime.now(tz=dt.UTC).astimezone().strftime(form)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
