"""A local voice assistant: listens, answers in character, speaks."""

__version__ = "0.1.0"
