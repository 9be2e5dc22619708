"""The installations of our hook on this machine: found in clients' settings, made anew, taken back."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ..domain.faults import reason_of
from ..domain.files import create, replace
from ..domain.limits import limit
from ..domain.record import replace as replace_fields
from .clients.base import HookClient
from .hook_places import launcher_place, names_hook
from .install import (
    InstallError,
    hook_command,
    hook_options,
    parsed,
    settings_with,
    settings_without,
    target,
    texts,
    waited,
)
from .install_records import (
    InstallRecord,
    digest_of,
    made_folders,
    own_mode,
    record_of,
    records,
    records_folder,
    remove_folders,
)
from .launcher import launcher_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPES = ("managed", "project", "user")


@dataclass(frozen=True, slots=True)
class HookInstallation:
    """A command of ours in a client's settings; `void` says why the client may not run it there, else it is empty."""

    client: HookClient
    scope: str
    path: str
    command: str
    void: str = ""

    @property
    def managed(self) -> bool:
        """Whether it is in the managed scope."""
        return self.scope == "managed"

    def option(self, name: str) -> str:
        """The value of an option of the hook, empty where it is not given. Raises InstallError."""
        words = hook_options(self.command)
        return words[words.index(name) + 1] if name in words[:-1] else ""


def installed(client: HookClient, workspace: str, home: str) -> list[HookInstallation]:
    """The hooks in the settings of a client."""
    out: list[HookInstallation] = []
    for scope in SCOPES:
        with contextlib.suppress(InstallError):
            place = target(client, scope, workspace, home)
            commands = dict.fromkeys(c for c in texts(client.settings, settings_text(place.path)) if names_hook(c))
            out += [HookInstallation(client, scope, place.path, command, place.void) for command in commands]
    return out


def settings_text(path: str) -> str:
    """The text of a settings file, empty where there is none. Raises InstallError."""
    most = limit("install_settings_bytes")
    try:
        with open(path, "rb") as stream:
            found = stream.read(most + 1)
        if len(found) > most:
            raise InstallError(f"`{path}` is longer than {most} bytes; no hook is written into it")
        return found.decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InstallError(f"`{path}` cannot be read: {reason_of(error)}") from None


def install(
    client: HookClient,
    scope: str,
    path: str,
    options: list[str],
    policy: str = "",
    compiled: str = "",
    folders: Iterable[str] = (),
) -> None:
    """Write the launcher, the hook into the settings, and the record of both. Raises InstallError, OSError.

    `options` are the hook's own; the source `policy` was `compiled`, for which `folders` were made. Installed over
    itself, it keeps in mind what was there at first.
    """
    managed = scope == "managed"
    there = os.path.exists(path)
    before, after = _settings(client, scope, path, options)
    old = record_of(client.name, scope, path)
    launcher = launcher_place(managed)
    made = [*(old.folders if old is not None else ()), *folders]
    for file, mode in ((path, 0o777), (launcher, own_mode(managed)), (f"{records_folder(managed)}/x", 0o700)):
        made += made_folders(file, mode)
    original: str | None = before if there else None
    if names_hook(before):
        original = settings_without(client, before, None if old is None else old.before or "")
        if old is not None and (old.digest == digest_of(before) or _same(client, original, old.before)):
            original = old.before
    replace(launcher, launcher_text().encode("utf-8", "surrogateescape"), mode=0o755, durable=False)
    earlier = {old.compiled, *old.earlier} - {compiled, ""} if old is not None else ()
    InstallRecord(
        client.name, scope, path, original, digest_of(after), policy, compiled, tuple(sorted(earlier)), tuple(made)
    ).save()
    write_settings(path, after)


def _settings(client: HookClient, scope: str, path: str, options: list[str]) -> tuple[str, str]:
    """The settings as they are, and as they are with the hook. Raises InstallError."""
    managed = scope == "managed"
    before = settings_text(path)
    command = hook_command(client, options, launcher_place(managed))
    return before, settings_with(client, before, command, managed, waited(options))


def upgraded(one: HookInstallation) -> bool:
    """Write launcher and settings of an installation as this program does; whether that changed anything.

    The options stay. Raises InstallError, OSError.
    """
    options = hook_options(one.command)
    before, after = _settings(one.client, one.scope, one.path, options)
    if after == before and settings_text(launcher_place(one.managed)) == launcher_text():
        return False
    old = record_of(one.client.name, one.scope, one.path)
    install(one.client, one.scope, one.path, options, old.policy if old else "", old.compiled if old else "")
    return True


def uninstall(client: HookClient, scope: str, path: str) -> None:
    """Take back what an installation wrote: settings, compiled policy, launcher, folders. Raises InstallError, OSError.

    Settings that nobody has changed since are what they were, byte for byte; of others our hook alone is taken out.
    """
    managed = scope == "managed"
    before = settings_text(path)
    record = record_of(client.name, scope, path)
    if record is not None and record.digest == digest_of(before):
        text = record.before
    else:
        text = settings_without(client, before, None if record is None else record.before or "")
        if record is not None and _same(client, text, record.before):
            text = record.before
    if text is not None and names_hook(text):
        raise InstallError(f"`{path}` names the hook in a place of somebody else's; take it out by hand")
    if text is None or (record is None and client.settings.script is not None):
        os.unlink(os.path.realpath(path))
    else:
        write_settings(path, text)
    if record is None:
        return
    os.unlink(record.place)
    left = list(records(managed))
    for compiled in {record.compiled, *record.earlier} - {"", *(r.compiled for r in left)}:
        Path(compiled).unlink(missing_ok=True)
    if not left:
        Path(launcher_place(managed)).unlink(missing_ok=True)
    shared = remove_folders(record.folders)
    if left and shared:  # the last one takes them away
        replace_fields(left[0], folders=(*shared, *left[0].folders)).save()


def write_settings(path: str, text: str) -> None:
    """Write settings where `path` leads: people link them into a repository of theirs, and the link stays.

    Raises OSError.
    """
    real = os.path.realpath(path)
    data = text.encode("utf-8")
    if not os.path.lexists(real):
        create(real, data)
        return
    replace(real, data, mode=stat.S_IMODE(os.stat(real).st_mode) & 0o755, durable=False)


def _same(client: HookClient, text: str, before: str | None) -> bool:
    """Whether settings say what they said before; with nothing but our defaults in them, what there was none of."""
    form = client.settings
    nothing = "" if form.toml else "{}"
    found = parsed(form, text or nothing)
    if found is None:
        return False
    if before is None:
        return found in ({}, form.defaults)
    return bool(found == parsed(form, before or nothing))
