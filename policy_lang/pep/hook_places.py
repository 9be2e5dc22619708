"""The places of our hook: itself, the launcher that settings name, the compiled policies that it decides by."""

from __future__ import annotations

import os

from ..compiled.opened import SUFFIX
from ..domain.digest import sha256

HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hook.py")
OURS = ("policy_lang/pep/hook.py", "policy_lang/policy-hook")
"""The ends of the paths that our hook has, wherever it is installed: started by itself, and by the launcher."""


def names_hook(text: str) -> bool:
    """Whether a text names a hook of ours."""
    return any(end in text for end in OURS)


def own_folder(managed: bool, home: str = "") -> str:
    """The folder of what an installation needs: outside every workspace, where no checkout replaces anything."""
    return "/etc/policy_lang" if managed else os.path.join(home or os.path.expanduser("~"), ".local/state/policy_lang")


def launcher_place(managed: bool, home: str = "") -> str:
    """The launcher that the settings of a scope name."""
    return f"{own_folder(managed, home)}/policy-hook"


def compiled_place(policy: str, managed: bool) -> str:
    """The compiled file of a hook: one for each policy's path."""
    whole = os.path.abspath(policy)
    stem = os.path.splitext(os.path.basename(whole))[0]
    digest = sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{own_folder(managed)}/{stem}-{digest}{SUFFIX}"
