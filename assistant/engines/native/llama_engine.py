"""The llama.cpp engine. Imported inside a child process only."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from importlib.metadata import version

from assistant.engines.native.chat import CHATML, ChatTemplate, Message, messages_of
from assistant.engines.native.devicelog import cpu_warning, parse_device
from assistant.engines.native.llama import Options
from assistant.engines.native.llama_library import Library
from assistant.engines.native.llama_memory import Memory
from assistant.engines.native.llama_sampler import sampler
from assistant.engines.native.options import threads_or_default
from assistant.engines.native.prefixes import Held, common
from assistant.engines.native.sampling import Sampling, sampling_of
from assistant.engines.native.textflow import THINK_OPEN, VisibleText
from assistant.errors import EngineError, ModelError, RequestError
from assistant.modelfiles.formats import check_llm
from audio.wire import Packet

_MAX_TOKENS = 256
_WARM_TEXT = "Hello."
_PULSE_S = 1.0


class LlamaEngine:
    """Writes one reply at a time; keeps what it read of several conversations.

    rewinds: whether the model's memory can be cut anywhere; None to ask the model
    """

    def __init__(self, options: Options, *, rewinds: bool | None = None) -> None:
        check_llm(options.model)
        self._options = options
        self._library = Library(options, sequences=options.conversations + 1)
        self._memory = Memory(
            self._library,
            slots=options.conversations,
            batch=options.batch,
            rewinds=self._library.rewinds if rewinds is None else rewinds,
        )
        self._chat = self._template()
        self._ended = False
        device = parse_device(self._library.log)
        self.facts: dict[str, object] = {
            "model": str(options.model),
            "library": f"llama-cpp-python {version('llama-cpp-python')}",
            "context": self._library.room,
            "threads": threads_or_default(options.threads),
            "flash_attn": self._library.flash_attn,
            "system_role": self._chat.knows_system,
            "rewinds": self._memory.rewinds,
            **device.facts(cpu_warning(device, wanted_gpu=options.gpu_layers != 0)),
        }
        self._warm(lambda: False)

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Serve `reply`, `prefill`, `forget` and `warm`.

        A request that says nothing else for a second says `progress`.
        """
        match request.kind:
            case "reply":
                yield from self._reply(request, stopped)
            case "prefill":
                yield from self._prefill(request, stopped)
            case "forget":
                self._memory.forget(_conversation(request))
            case "warm":
                self._warm(stopped)
            case _:
                raise EngineError(f"llama knows no request {request.kind!r}")

    def _template(self) -> ChatTemplate:
        begin, end = self._library.edge_texts()
        source = self._library.template() or CHATML
        try:
            return ChatTemplate(source, self._library.special_texts(), bos=begin, eos=end)
        except ModelError as error:
            raise ModelError(f"{self._options.model}: {error}") from error

    def _warm(self, stopped: Callable[[], bool]) -> None:
        self._memory.warm(self._library.tokenise(_WARM_TEXT), stopped)

    def _prefill(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Read messages ahead; an unfinished one of the user only where memory can rewind."""
        messages = messages_of(request.fields.get("messages"))
        conversation = _conversation(request)
        if not self._memory.rewinds and messages[-1]["role"] == "user":
            messages.pop()
        told = {"cached_tokens": 0, "prompt_tokens": 0}
        if messages:
            prompt = self._library.tokenise(self._chat.render(messages, open_reply=False))
            held = self._memory.recall(conversation, prompt, 0, whole=True)
            told = {"cached_tokens": len(held.tokens), "prompt_tokens": len(prompt)}
            yield from self._read(request.id, held, prompt, stopped)
            if len(held.tokens) < len(prompt):
                return
        yield Packet("done", request.id, told)

    def _reply(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        fields = request.fields
        wish = sampling_of(fields.get("sampling") or {})
        messages = messages_of(fields.get("messages"))
        text = self._chat.render(messages)
        prompt = self._library.tokenise(text)
        most = _most_tokens(fields.get("max_tokens"))
        begun = time.perf_counter()
        held = self._memory.recall(_conversation(request), prompt, most)
        told: dict[str, object] = {"cached_tokens": len(held.tokens), "prompt_tokens": len(prompt)}
        lasting = prompt[: self._lasting(messages, prompt)]
        yield from self._read(request.id, held, lasting, stopped)
        held = self._memory.branch(held)
        yield from self._read(request.id, held, prompt, stopped)
        if len(held.tokens) < len(prompt):
            return
        yield Packet("prompt", request.id, dict(told))
        told["prefill_ms"] = (time.perf_counter() - begun) * 1000
        shown = VisibleText(
            [str(stop) for stop in fields.get("stop") or []],
            thinking=text.rstrip().endswith(THINK_OPEN),
        )
        begun, count, alive = time.perf_counter(), 0, Pulse()
        most = min(most, self._library.room - len(prompt))
        with closing(self._tokens(held, wish, most, stopped)) as tokens:
            for count, token in enumerate(tokens, 1):
                if piece := shown.push(self._library.piece(token)):
                    yield Packet("delta", request.id, {"text": piece, "tokens": count})
                elif alive.due():
                    yield Packet("progress", request.id, {"tokens": count})
                if shown.stopped:
                    break
        if stopped():
            return
        if rest := shown.close():
            yield Packet("delta", request.id, {"text": rest, "tokens": count})
        told |= {
            "tokens": count,
            "finish": "stop" if shown.stopped or self._ended else "length",
            "decode_ms": (time.perf_counter() - begun) * 1000,
        }
        yield Packet("done", request.id, told)

    def _read(
        self, ident: int, held: Held, prompt: list[int], stopped: Callable[[], bool]
    ) -> Iterator[Packet]:
        """Read the rest of a prompt; yield `progress` so that a long one is no silence."""
        alive = Pulse()
        for count in self._memory.read(held, prompt, stopped):
            if alive.due():
                yield Packet("progress", ident, {"read": count, "prompt_tokens": len(prompt)})

    def _lasting(self, messages: list[Message], prompt: list[int]) -> int:
        """Return how many tokens of the prompt the conversation's memory may hold.

        Where it cannot rewind, those before the newest message: that one carries notes that the
        next prompt will be without. None, where the template refuses messages that end there.
        """
        if self._memory.rewinds:
            return len(prompt)
        if not messages[:-1]:
            return 0
        try:
            finished = self._chat.render(messages[:-1], open_reply=False)
        except RequestError:
            return 0
        return common(self._library.tokenise(finished), prompt)

    def _tokens(
        self, held: Held, wish: Sampling, most: int, stopped: Callable[[], bool]
    ) -> Generator[int, None, None]:
        """Yield the reply's tokens; each is read into memory only when the next one is wanted.

        `_ended` tells afterwards whether the model itself ended the reply.
        """
        library = self._library
        deadline = time.perf_counter() + self._options.reply_s
        self._ended = False
        with sampler(wish, library.context, library.vocabulary, self._options.seed) as choose:
            for count in range(1, most + 1):
                token = choose.next()
                self._ended = library.ends(token)
                if self._ended:
                    return
                yield token
                if count == most or stopped() or time.perf_counter() > deadline:
                    return
                if not self._memory.add(held, [token], stopped):
                    return


class Pulse:
    """Is due once a second."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def due(self) -> bool:
        """Tell whether a second has passed since this was true last."""
        now = time.perf_counter()
        if now - self._last < _PULSE_S:
            return False
        self._last = now
        return True


def _conversation(request: Packet) -> str:
    name = request.fields.get("conversation")
    if not isinstance(name, str) or not name:
        raise RequestError(f"{request.kind}: conversation must be a name, got {name!r}")
    return name


def _most_tokens(value: object) -> int:
    if value is None:
        return _MAX_TOKENS
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RequestError(f"max_tokens must be a whole number from 1, got {value!r}")
    return value
