"""Engines: what stages ask for, and the processes that answer."""
