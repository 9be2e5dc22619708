"""Clients' hooks behind walls: one that is installed is there, though the home is private."""

from __future__ import annotations

import os

from ..domain.files import open_for_reading
from ..domain.limits import limit
from ..domain.record import record
from ..pep.clients import NAMES, client
from ..pep.hook_places import names_hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..pep.clients.base import HookClient
    from .plan import Plan

_MOST_BYTES = limit("walls_settings_bytes")


@record(frozen=True, slots=True)
class InstalledHook:
    """A settings file that names a hook of ours. Without `whole` only `text` of it is there inside, or nothing.

    `missing` is what the hook runs and is not there inside; then it denies every call. `starts` is the text of its
    `launcher`, where only that is there inside.
    """

    client: str
    path: str
    whole: bool
    text: str = ""
    missing: str = ""
    launcher: str = ""
    starts: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """What is to be there inside in the place of files."""
        return {p: t for p, t in ((self.path, self.text), (self.launcher, self.starts)) if t}


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
            alone = _alone(one, text) if names_hook(text) else ""
            if not alone:
                continue
            launcher, started, files = _runs(one, alone)
            missing = next((f for f in files if os.path.isabs(f) and not plan.shows(os.path.realpath(f))), "")
            hidden = {p for p in (path, launcher) if private and plan.kind_of(p) == "private"}
            yield InstalledHook(
                one.title, path, plan.shows(path), alone if path in hidden else "", missing,
                launcher, started if launcher in hidden else "",
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


def _runs(one: HookClient, text: str) -> tuple[str, str, tuple[str, ...]]:
    """The launcher that settings name, its text, and the files that start the hook; empty where there is none."""
    import shlex

    from ..pep.install import texts
    from ..pep.launcher import started_by

    for command in texts(one.settings, text):
        try:
            words = shlex.split(command) if names_hook(command) else []
        except ValueError:
            continue
        if not words:
            continue
        started = started_by(_text(words[0]))
        if started is not None:
            return words[0], _text(words[0]), started
        return "", "", tuple(w for w in (words[0], *words[1:]) if w == words[0] or names_hook(w))
    return "", "", ()
