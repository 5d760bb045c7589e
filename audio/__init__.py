"""Sound in, sound out: devices, files, voice detection and a playback clock.

Imports the standard library, numpy and sound libraries only; knows nothing of the assistant.
"""
