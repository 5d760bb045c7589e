"""The native persona file, typed: every key with its range and meaning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=16_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


def _listed(value: object) -> object:
    """Return a single text as a list of one."""
    return [value] if isinstance(value, str) else value


class Part(BaseModel):
    """A table of the file: unknown keys are errors, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AfterHistory(Part):
    """A reminder that stands behind the character."""

    text: Prose = ""
    place: Literal["system_end", "last_user"] = "system_end"
    """At the end of the system message, free of cost, or in the newest user turn."""


class User(Part):
    """The person who talks to the persona."""

    name: Line = ""
    """What `{{user}}` becomes; empty for "the user"."""
    about: Prose = ""


class Prompt(Part):
    """Who the persona is, in words for the language model."""

    system: Prose = ""
    """Replaces the house instructions, which `{{original}}` stands for."""
    description: Prose = ""
    personality: Prose = ""
    scenario: Prose = ""
    after_history: AfterHistory = AfterHistory()
    user: User = User()


class Said(Part):
    """One turn of an example: exactly one of `user` and `char`."""

    user: Prose | None = None
    char: Prose | None = None

    @model_validator(mode="after")
    def _one_speaker(self) -> Said:
        if (self.user is None) == (self.char is None):
            raise ValueError("one of 'user' and 'char', with what is said")
        return self


class Voice(Part):
    """How the persona sounds."""

    engine: Literal["piper", "espeak"] = "piper"
    model: Line = ""
    """Piper: a voice by name or path. eSpeak NG: a voice like "en-us+f3"."""
    fallback: Line = ""
    """eSpeak NG voice for a machine without the Piper voice; empty for the language's own."""
    speaker: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Speaker of a Piper voice that holds several."""
    speed: Annotated[FiniteFloat, Field(ge=0.5, le=2)] = 1.0
    """1 is the voice's own pace, 2 twice as fast."""
    volume: Annotated[FiniteFloat, Field(ge=0, le=2)] = 1.0
    """1 is the voice's own loudness."""
    noise: Annotated[FiniteFloat, Field(ge=0, le=2)] | None = None
    """Variation of tone; None for the voice's own."""
    noise_w: Annotated[FiniteFloat, Field(ge=0, le=2)] | None = None
    """Variation of pace; None for the voice's own."""


class Sampling(Part):
    """How the language model chooses its words."""

    temperature: Annotated[FiniteFloat, Field(ge=0, le=2)] = 0.4
    top_p: Annotated[FiniteFloat, Field(gt=0, le=1)] = 0.9
    top_k: Annotated[int, Field(ge=0, le=1_000)] = 40
    """Candidates for each token; 0 for all."""
    min_p: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.05
    repeat_penalty: Annotated[FiniteFloat, Field(ge=0.5, le=2)] = 1.1
    """1 for none."""
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] | None = None
    """None for another one each time."""


class Llm(Part):
    """How the persona thinks."""

    sampling: Sampling = Sampling()
    max_reply_tokens: Annotated[int, Field(ge=8, le=1_000)] = 120
    stop: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1, max_length=80)], ...],
        BeforeValidator(_listed),
        Field(max_length=8),
    ] = ()
    """Texts that end a reply."""


class Speech(Part):
    """What of a reply is spoken."""

    max_sentences: Annotated[int, Field(ge=1, le=50)] = 4


class Persona(Part):
    """One persona file."""

    schema_: Annotated[Literal["1"], Field(alias="schema")]
    id: Slug
    name: Name
    nickname: Line = ""
    """What `{{char}}` becomes; empty for the name."""
    aliases: Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(max_length=20)] = ()
    summary: Line = ""
    """One line for people; never in a prompt."""
    tags: Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(max_length=50)] = ()
    prompt: Prompt = Prompt()
    examples: Annotated[
        tuple[Annotated[tuple[Said, ...], Field(min_length=1, max_length=20)], ...],
        Field(max_length=20),
    ] = ()
    """Short talks that show how the persona answers."""
    greeting: Annotated[
        tuple[Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)], ...],
        BeforeValidator(_listed),
        Field(max_length=20),
    ] = ()
    """Spoken when a conversation begins: one of them."""
    voice: Voice = Voice()
    llm: Llm = Llm()
    speech: Speech = Speech()

    @property
    def called(self) -> str:
        """What people call the persona."""
        return self.nickname or self.name

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that means this persona, its id first."""
        return tuple(dict.fromkeys((self.id, self.name, self.called, *self.aliases)))
