"""Exports: settings of others' sandboxes, written from a policy, and what these do not hold of it."""
