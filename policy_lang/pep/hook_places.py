"""The places of our hook, and of the compiled policies that it decides by."""

from __future__ import annotations

import os

from ..compiled.opened import SUFFIX
from ..domain.digest import sha256

HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hook.py")
OURS = "policy_lang/pep/hook.py"
"""The end of every path that our hook has, wherever it is installed."""


def compiled_place(policy: str, managed: bool) -> str:
    """The compiled file of a hook: one for each policy's path.

    It lies outside every workspace, where no checkout replaces it.
    """
    whole = os.path.abspath(policy)
    stem = os.path.splitext(os.path.basename(whole))[0]
    folder = "/etc/policy_lang" if managed else os.path.expanduser("~/.local/state/policy_lang")
    return f"{folder}/{stem}-{sha256(whole.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}{SUFFIX}"
