"""Agents that are built with an SDK: each call of a tool is decided before it is made, by what decides for the hooks.

No SDK is imported with this package; a module's function imports its own one when it is called.
"""
