"""The eSpeak NG engine. Imported inside a child process only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from assistant.engines.native.espeak import Options
from assistant.engines.native.espeak_library import synthesiser
from assistant.engines.native.espeak_voice import say_with_espeak
from assistant.engines.native.speaking import Sound, Wish, speak
from assistant.errors import ConfigError, EngineError
from audio.wire import Packet


class EspeakEngine:
    """Speaks with eSpeak NG, whatever voice engine is asked for."""

    def __init__(self, options: Options) -> None:
        self._voice = options.voice
        library = synthesiser()
        if not library.has(options.voice):
            raise ConfigError(f"tts.voice: eSpeak NG has no voice {options.voice!r}; try 'en-us'")
        self.facts: dict[str, object] = {
            "device": "cpu",
            "model": options.voice,
            "library": f"espeak-ng {library.version}",
        }
        self._warm(lambda: False)

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Serve `speak` and `warm`."""
        match request.kind:
            case "speak":
                yield from speak(request, self._say, stopped)
            case "warm":
                self._warm(stopped)
            case _:
                raise EngineError(f"espeak knows no request {request.kind!r}")

    def _say(self, text: str, wish: Wish, stopped: Callable[[], bool]) -> Sound | None:
        reason = "" if wish.engine == "espeak" else f"{wish.engine} does not run in this process"
        return say_with_espeak(text, wish, stopped, reason)

    def _warm(self, stopped: Callable[[], bool]) -> None:
        say_with_espeak("Yes.", Wish(model=self._voice), stopped)
