"""A chat model that answers what its script says, word by word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from assistant.engines.native.chat import Message, messages_of
from assistant.engines.native.options import EngineOptions, parse
from assistant.engines.native.prefixes import common
from assistant.engines.native.textflow import VisibleText
from assistant.engines.scripted.script import Delay, compute_for, fail_at
from assistant.errors import EngineError
from audio.wire import Packet

_WORD = re.compile(r"\S+\s*|\s+")


class Options(EngineOptions):
    """What is answered, and how fast."""

    rules: tuple[tuple[str, str], ...] = ()
    """Pairs of a text and a reply: the first whose text is in the user's last message answers,
    whatever its case."""

    replies: tuple[str, ...] = ()
    """Replies for everything else, one after the other, then from the first again."""

    otherwise: str = "You said: {heard}"
    """Reply where neither answers; {heard} stands for the user's last message."""

    first_ms: Delay = 0
    """Time before the first word, ms."""

    token_ms: Delay = 0
    """Time between two words, ms."""

    fail_at: str = ""
    """A user's message with this text in it makes the request fail; empty for never."""


class ScriptedChatModel:
    """Serves `reply`, `prefill`, `forget` and `warm`. A token is a word."""

    def __init__(self, options: Options) -> None:
        self.facts: dict[str, object] = {"device": "cpu", "model": "script", "library": "scripted"}
        self._options = options
        self._next = 0
        self._read: dict[str, list[str]] = {}

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Yield the `delta`s of a reply and `done` with its counts."""
        match request.kind:
            case "reply":
                yield from self._reply(request, stopped)
            case "prefill":
                yield Packet("done", request.id, self._remember(request))
            case "forget":
                self._read.pop(str(request.fields.get("conversation")), None)
            case "warm":
                pass
            case _:
                raise EngineError(f"scripted llm knows no request {request.kind!r}")

    def _reply(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        options, fields = self._options, request.fields
        heard = _last_heard(messages_of(fields.get("messages")))
        fail_at(options.fail_at, heard)
        told = self._remember(request)
        shown = VisibleText([str(stop) for stop in fields.get("stop") or []])
        words = _WORD.findall(self._choose(heard))
        most = int(fields.get("max_tokens") or 256)
        if not compute_for(options.first_ms, stopped):
            return
        yield Packet("prompt", request.id, told)
        count = 0
        for word in words[:most]:
            if count and not compute_for(options.token_ms, stopped):
                return
            count += 1
            if text := shown.push(word.encode()):
                yield Packet("delta", request.id, {"text": text, "tokens": count})
            if shown.stopped:
                break
        if rest := shown.close():
            yield Packet("delta", request.id, {"text": rest, "tokens": count})
        finish = "length" if count < len(words) and not shown.stopped else "stop"
        spent = {
            "prefill_ms": float(options.first_ms),
            "decode_ms": float(options.token_ms * count),
        }
        yield Packet("done", request.id, {**told, **spent, "tokens": count, "finish": finish})

    def _choose(self, heard: str) -> str:
        for cue, reply in self._options.rules:
            if cue.lower() in heard.lower():
                return reply
        if not self._options.replies:
            return self._options.otherwise.replace("{heard}", heard)
        reply = self._options.replies[self._next % len(self._options.replies)]
        self._next += 1
        return reply

    def _remember(self, request: Packet) -> dict[str, object]:
        """Read the prompt of a request; tell how much of it was read before."""
        conversation = str(request.fields.get("conversation"))
        prompt = [
            word
            for message in messages_of(request.fields.get("messages"))
            for word in (f"<{message['role']}>", *message["content"].split())
        ]
        before = self._read.get(conversation, [])
        self._read[conversation] = prompt
        return {"cached_tokens": common(before, prompt), "prompt_tokens": len(prompt)}


def _last_heard(messages: list[Message]) -> str:
    return next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")


def load(options: Mapping[str, object]) -> ScriptedChatModel:
    """Return the chat model. Raises ConfigError for wrong options."""
    return ScriptedChatModel(parse(Options, options))
