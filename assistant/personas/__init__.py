"""A persona is one file: character, examples, greeting, voice and the way it answers."""
