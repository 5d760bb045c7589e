"""Engines that follow a script: for tests, and for authors of stages. They ship with Lares.

They take the same requests as the native engines and give the same replies, without a model.
"""
