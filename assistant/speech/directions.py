"""Tells stage directions ("leans closer", "laughs softly") from words that are meant to be said."""

from __future__ import annotations

from typing import Final

_VERBS: Final = (
    "beam blink blush bow breathe chuckle clap clear cock cough cringe cry exhale frown gasp "
    "gesture giggle glance glare grin groan growl grumble hum inhale laugh lean look moan mumble "
    "murmur mutter nod pause point ponder pout purr raise roll scoff shake shiver shrug shudder "
    "sigh sing smile smirk sneeze sniff snicker snort sob stare stretch swallow tilt turn wave "
    "whisper whistle wink yawn"
)
_TONES: Final = (
    "beat silence applause music softly quietly gently warmly slowly dryly calmly cheerfully "
    "thoughtfully playfully sadly happily nervously sarcastically excitedly"
)
_ACTORS: Final = frozenset(("she", "he", "they", "it", "her", "his", "their"))
_SAID_WITH_S: Final = (
    "always as does has his is its perhaps sometimes this thus us was yes besides afterwards "
    "towards unless news less"
)
_MOST_WORDS_SAID = 3


def _forms(verb: str) -> tuple[str, ...]:
    stem = verb.removesuffix("e")
    doubled = verb + verb[-1]
    third = verb[:-1] + "ies" if verb.endswith("ry") else verb + "s"
    return (verb, third, verb + "es", stem + "ing", stem + "ed", doubled + "ing", doubled + "ed")


_ACTING: Final = frozenset(form for verb in _VERBS.split() for form in _forms(verb))


def is_aside(text: str) -> bool:
    """Return whether the words of a bracket are plainly a stage direction: "(laughs softly)"."""
    first, *more = _words(text) or ("",)
    if any(character.isdigit() for character in text) or len(more) > _MOST_WORDS_SAID + 2:
        return False
    if first in _TONES.split() or first in _ACTING:
        return True
    if first in ("in", "with") and more:
        return more[-1] in ("voice", "tone", "whisper", "smile", "grin", "laugh", "sigh")
    return first in _ACTORS and bool(more) and more[0] in _ACTING


def is_action(text: str, *, begins: bool) -> bool:
    """Return whether `text` between asterisks is an action and not a stressed word.

    begins: whether it stands where a sentence begins. More than three words are an action.
    There a lower-case beginning is one too ("*quietly* Hello"), in mid-sentence only a verb
    that actors play ("well *sighs* fine"): "I *really* mean it" is said.
    """
    found = _words(text)
    if not found or len(found) > _MOST_WORDS_SAID or is_aside(text):
        return True
    if not begins:
        return False
    third_person = found[0].endswith("s") and not found[0].endswith("ss")
    return text[0].islower() or (
        len(found) > 1 and third_person and found[0] not in _SAID_WITH_S.split()
    )


def _words(text: str) -> tuple[str, ...]:
    stripped = (word.strip(".,;:!?…'\"").lower() for word in text.split())
    return tuple(word for word in stripped if word)
