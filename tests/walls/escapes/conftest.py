"""Keeps pytest from importing attempts by itself: `tests/walls/test_escapes.py` enters each of them once."""

collect_ignore_glob = ["*.py"]
