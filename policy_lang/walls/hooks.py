"""Clients' hooks behind walls: one that is installed is there, though the home is private."""

from __future__ import annotations

import os

from ..domain.files import open_for_reading
from ..domain.limits import limit
from ..domain.record import record
from ..pep.clients import NAMES, client
from ..pep.hook_places import OURS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..pep.clients.base import HookClient
    from .plan import Plan

_MARK = "pep/hook.py"
"""What settings that name a hook of ours have in them; most have not, and are not read further."""
_MOST_BYTES = limit("walls_settings_bytes")


@record(frozen=True, slots=True)
class InstalledHook:
    """A settings file that names a hook of ours. Without `whole` only `text` of it is there inside, or nothing.

    `missing` is what the hook runs and is not there inside; then it denies every call.
    """

    client: str
    path: str
    whole: bool
    text: str = ""
    missing: str = ""


def installed_hooks(plan: Plan, private: bool) -> tuple[InstalledHook, ...]:
    """The hooks in clients' settings, and what of the settings is there inside.

    What the policy does not let be read may hold secrets, so in a `private` home there is the hook alone: as its own
    settings would be, had the client no others.
    """
    return tuple(_found(plan, private))


def _found(plan: Plan, private: bool) -> Iterator[InstalledHook]:
    for name in NAMES:
        one = client(name)
        for form in one.settings.paths.values():
            path = form.format(home=plan.home, workspace=plan.workspace)
            text = _text(path)
            alone = _alone(one, text) if _MARK in text else ""
            if not alone:
                continue
            whole = plan.shows(path)
            yield InstalledHook(
                one.title, path, whole, alone if private and plan.kind_of(path) == "private" else "",
                _missing(one, alone, plan),
            )  # fmt: skip


def _alone(one: HookClient, text: str) -> str:
    from ..pep.install import hook_alone

    return hook_alone(one, text)


def _text(path: str) -> str:
    """The text of a settings file; empty for one that is too long. One in a workspace the agent may have made."""
    try:
        with open(open_for_reading(path), "rb") as stream:
            found = stream.read(_MOST_BYTES + 1) or b""
    except OSError:
        return ""
    return found.decode("utf-8", "replace") if len(found) <= _MOST_BYTES else ""


def _missing(one: HookClient, text: str, plan: Plan) -> str:
    """The interpreter or the hook itself, when it is not there inside."""
    import shlex

    from ..pep.install import texts

    for command in texts(one.settings, text):
        if OURS not in command:
            continue
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        for word in words[:1] + [w for w in words if w.endswith(OURS)]:
            if os.path.isabs(word) and not plan.shows(os.path.realpath(word)):
                return word
    return ""
