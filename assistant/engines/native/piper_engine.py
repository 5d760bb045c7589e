"""The Piper engine, with eSpeak NG standing in. Imported inside a child process only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version

from assistant.engines.native.espeak_library import synthesiser
from assistant.engines.native.espeak_voice import say_with_espeak
from assistant.engines.native.options import threads_or_default
from assistant.engines.native.piper import Options
from assistant.engines.native.piper_voices import Voices
from assistant.engines.native.speaking import Sound, Wish, speak
from assistant.errors import EngineError, ModelError
from audio.wire import Packet


class PiperEngine:
    """Speaks with Piper voices and with eSpeak NG, whichever is asked for."""

    def __init__(self, options: Options) -> None:
        self._warm_voice = options.warm
        threads = threads_or_default(options.threads)
        self._voices = Voices(options.voices, options.folder, keep=options.keep, threads=threads)
        self.facts: dict[str, object] = {
            "device": "cpu",
            "model": options.warm or "espeak",
            "threads": threads,
            "library": f"piper-tts {version('piper-tts')}, espeak-ng {synthesiser().version}",
        }
        if warning := self._warm(lambda: False):
            self.facts["warning"] = warning

    def answer(self, request: Packet, stopped: Callable[[], bool]) -> Iterator[Packet]:
        """Serve `speak` and `warm`."""
        match request.kind:
            case "speak":
                yield from speak(request, self._say, stopped)
            case "warm":
                self._warm(stopped)
            case _:
                raise EngineError(f"piper knows no request {request.kind!r}")

    def _say(self, text: str, wish: Wish, stopped: Callable[[], bool]) -> Sound | None:
        if wish.engine == "espeak":
            return say_with_espeak(text, wish, stopped)
        try:
            return self._voices.get(wish.model).say(text, wish, stopped)
        except (ModelError, EngineError) as error:
            return say_with_espeak(text, wish, stopped, str(error))

    def _warm(self, stopped: Callable[[], bool]) -> str:
        """Say a word with eSpeak NG and the warm voice; return why that voice cannot be used."""
        say_with_espeak("Yes.", Wish(), stopped)
        if not self._warm_voice:
            return ""
        sound = self._say("Yes.", Wish(engine="piper", model=self._warm_voice), stopped)
        return sound.reason if sound else ""
