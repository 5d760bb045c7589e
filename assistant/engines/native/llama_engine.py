"""The llama.cpp engine. Imported inside a child process only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version

from assistant.engines.native.chat import CHATML, ChatTemplate, messages_of
from assistant.engines.native.devicelog import cpu_warning, parse_device
from assistant.engines.native.files import check_gguf
from assistant.engines.native.llama import Options
from assistant.engines.native.llama_library import Library
from assistant.engines.native.llama_sampler import sampler
from assistant.engines.native.options import threads_or_default
from assistant.engines.native.prefixes import Held, Prefixes
from assistant.engines.native.sampling import Sampling, sampling_of
from assistant.engines.native.textflow import THINK_OPEN, VisibleText
from assistant.errors import EngineError, ModelError, RequestError
from audio.wire import Packet

_MAX_TOKENS = 256
_WARM_TEXT = "Hello."


class LlamaEngine:
    """Writes one reply at a time; keeps what it read of several conversations."""

    def __init__(self, options: Options) -> None:
        check_gguf(options.model)
        self._options = options
        self._warm_sequence = options.conversations
        self._library = Library(options, sequences=options.conversations + 1)
        self._prefixes = Prefixes(slots=options.conversations, room=self._library.room)
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
            **device.facts(cpu_warning(device, wanted_gpu=options.gpu_layers != 0)),
        }
        self._warm(lambda: False)

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Serve `reply`, `prefill`, `forget` and `warm`."""
        match request.kind:
            case "reply":
                yield from self._reply(request, stopped)
            case "prefill":
                yield from self._prefill(request, stopped)
            case "forget":
                sequence = self._prefixes.forget(_conversation(request))
                if sequence is not None:
                    self._library.cut(sequence, 0)
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
        tokens = self._library.tokenise(_WARM_TEXT)
        self._library.read(self._warm_sequence, tokens[: self._options.batch], 0, stopped)
        self._library.cut(self._warm_sequence, 0)

    def _prefill(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        messages = messages_of(request.fields.get("messages"))
        prompt = self._library.tokenise(self._chat.render(messages, open_reply=False))
        held = self._prepare(_conversation(request), prompt, 0)
        cached = len(held.tokens)
        if self._read_on(held, prompt, stopped):
            told = {"cached_tokens": cached, "prompt_tokens": len(prompt)}
            yield Packet("done", request.id, told)

    def _reply(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        fields = request.fields
        wish = sampling_of(fields.get("sampling") or {})
        stops = [str(stop) for stop in fields.get("stop") or []]
        text = self._chat.render(messages_of(fields.get("messages")))
        prompt = self._library.tokenise(text)
        most = _most_tokens(fields.get("max_tokens"))
        held = self._prepare(_conversation(request), prompt, most)
        told: dict[str, object] = {"cached_tokens": len(held.tokens), "prompt_tokens": len(prompt)}
        begun = time.perf_counter()
        if not self._read_on(held, prompt, stopped):
            return
        told["prefill_ms"] = (time.perf_counter() - begun) * 1000
        shown = VisibleText(stops, thinking=text.rstrip().endswith(THINK_OPEN))
        begun, count = time.perf_counter(), 0
        for token in self._tokens(held, wish, min(most, self._library.room - len(prompt)), stopped):
            count += 1
            if piece := shown.push(self._library.piece(token)):
                yield Packet("delta", request.id, {"text": piece, "tokens": count})
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

    def _tokens(
        self, held: Held, wish: Sampling, most: int, stopped: Callable[[], bool]
    ) -> Iterator[int]:
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
                if not library.read(held.sequence, [token], len(held.tokens), stopped):
                    return
                held.tokens.append(token)

    def _prepare(self, conversation: str, prompt: list[int], spare: int) -> Held:
        """Return the conversation with as much of the prompt as memory already holds."""
        plan = self._prefixes.plan(conversation, prompt, spare)
        held, library = plan.held, self._library
        if plan.fresh:
            library.cut(held.sequence, 0)
        if plan.donor is not None:
            library.share(plan.donor, held.sequence, len(held.tokens))
        for sequence in plan.evict:
            library.cut(sequence, 0)
        del held.tokens[library.cut(held.sequence, len(held.tokens)) :]
        return held

    def _read_on(self, held: Held, prompt: list[int], stopped: Callable[[], bool]) -> bool:
        """Read the rest of the prompt; False when stopped() turned true on the way."""
        while len(held.tokens) < len(prompt):
            at = len(held.tokens)
            part = prompt[at : at + self._options.batch]
            if stopped() or not self._library.read(held.sequence, part, at, stopped):
                return False
            held.tokens += part
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
