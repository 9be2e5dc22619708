"""Decisions that may be long, made in processes of their own, so that nobody waits for another's."""
