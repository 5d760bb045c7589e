"""Engines around native libraries. Their libraries are imported inside a child process only."""
