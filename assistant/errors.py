"""Every exception raised on purpose.

AssistantError
├── ConfigError      the user's files are wrong; fix and restart
├── ModelError       a model file is missing, broken or cannot be fetched
├── PersonaError     a persona file is missing or broken
├── RequestError     a command asks for something that cannot be done
├── EngineError      an engine failed; the take ends, the stage goes on
│   ├── EngineTimeout    it kept silent for too long
│   └── EngineGone       its process died or broke the protocol
├── BusOverflow      a subscriber fell behind on events it may not lose
└── GaveUp           the supervisor ran out of restarts

Its text is shown to the user as it stands: where, what, what to do.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of every error raised on purpose."""


class ConfigError(AssistantError):
    """The user's files are wrong."""


class ModelError(AssistantError):
    """A model file is missing, broken or cannot be fetched."""


class PersonaError(AssistantError):
    """A persona file is missing or broken."""


class RequestError(AssistantError):
    """A command asks for something that cannot be done."""


class EngineError(AssistantError):
    """An engine failed."""


class EngineTimeout(EngineError):
    """An engine kept silent for too long."""


class EngineGone(EngineError):
    """An engine's process died or broke the protocol."""


class BusOverflow(AssistantError):
    """A subscriber fell behind on events it may not lose."""


class GaveUp(AssistantError):
    """A child failed too often to be restarted again."""
