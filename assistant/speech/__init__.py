"""Text on its way to the voice: what may be spoken, in which portions, and what was heard. Pure."""
