"""Installation of a hook in a client's settings: the whole file is understood, one entry of ours is replaced, the rest stays.

The command names a launcher that stays where it is (`launcher`), and ends in `|| exit 2`: whatever happens to the hook
itself, an interpreter that is gone included, the shell that the client starts it with turns into the exit code that denies.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..domain.faults import AuthorError
from ..domain.limits import limit
from .clients.base import HookClient, SettingsForm
from .hook_places import HOOK, names_hook
from .payload import accepted_arguments
from .questions import RefusedError

_HOST_SECONDS = limit("hook_host_seconds")


class InstallError(AuthorError):
    """The settings cannot be written; the text says why, and how to correct it."""


@dataclass(frozen=True, slots=True)
class Target:
    """The settings file of a client in one scope.

    `managed` ones an agent's user cannot change; `void` says why one may hold nothing.
    """

    path: str
    managed: bool
    note: str = ""
    void: str = ""


def hook_command(client: HookClient, options: list[str], launcher: str = "") -> str:
    """The command that the client's settings name: absolute, without the agent's environment, closed on every fault.

    Without a launcher it names this interpreter and this hook.
    """
    start = [launcher] if launcher else [os.path.realpath(sys.executable), "-I", "-S", HOOK]
    return shlex.join([*start, client.name, *options]) + " || exit 2"


def hook_options(command: str) -> list[str]:
    """The hook's own options in a command of the settings. Raises InstallError for one that is not understood."""
    try:
        words = shlex.split(command.removesuffix(" || exit 2"))
    except ValueError:
        words = []
    at = next((i for i, word in enumerate(words) if names_hook(word)), len(words))
    if len(words) < at + 2:
        raise InstallError("the hook's command in the settings is not understood; install the hook anew")
    return words[at + 2 :]


def target(client: HookClient, scope: str, workspace: str, home: str) -> Target:
    """The settings file of a client. Raises InstallError for a scope that it does not have."""
    form = client.settings
    if scope not in form.paths:
        known = ", ".join(f"`{s}`" for s in form.paths)
        raise InstallError(f"`{client.name}` has no {scope} settings for hooks; there are {known}")
    path = form.paths[scope].format(home=home, workspace=workspace)
    return Target(
        path, scope == "managed", form.note if scope == form.note_scope else "", (form.void or {}).get(scope, "")
    )


def check_accepted(client: HookClient, names: Sequence[str]) -> None:
    """Raises InstallError for an argument that cannot be accepted: a hook decides by it, or it is no tool's."""
    try:
        accepted_arguments(client.name, {**client.tools, **client.harmless}, names)
    except RefusedError as error:
        raise InstallError(str(error)) from None
    for name in names:
        tool, _, argument = name.partition(".")
        if argument in f"{client.tools.get(tool, '')} {client.harmless.get(tool, '')}".split():
            raise InstallError(f"`--accept-argument {name}`: the argument is known, and decided by")


def changeable(path: str, workspace: str | None = None) -> bool:
    """Whether a file lies in a workspace: in a git working tree, or below the folder that is said to be one.

    There a checkout may replace it, which is no write that the policy could deny.
    """
    folder = os.path.dirname(os.path.realpath(path))
    tops = {os.path.realpath(workspace)} if workspace is not None else set()
    while folder not in tops and not os.path.lexists(os.path.join(folder, ".git")):
        if folder == "/":
            return False
        folder = os.path.dirname(folder)
    return True


def settings_with(client: HookClient, before: str, command: str, managed: bool, wait: int = 0) -> str:
    """A settings file's text with our hook in it, which waits so many seconds for people. Raises InstallError.

    A text that is not understood is not written.
    """
    if client.settings.script is not None:
        _check_ours(before)
        return client.settings.script(command, _HOST_SECONDS + wait)
    entry = client.settings.entry(command, _HOST_SECONDS + wait)
    if client.settings.toml:
        return _toml(client, before, entry, managed)
    value = _object(before)
    for name, given in {**(client.settings.defaults or {}), **(client.settings.strict or {})}.items():
        value.setdefault(name, given)
    for event in client.events:
        _entries(value, event).append(entry)
    if managed:
        value.update(client.settings.managed or {})
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def settings_without(client: HookClient, before: str, original: str | None = None) -> str:
    """A settings file's text without our hook; whatever else it says stays. Raises InstallError.

    Where it is known what was there at first (`original`), the fields that an installation set besides go too.

    What a managed installation says besides (that no other hooks count) stays as well: whoever wrote it may have meant it.
    """
    if client.settings.script is not None:
        _check_ours(before)
        return ""
    if client.settings.toml:
        kept = _toml_kept(before).rstrip("\n")
        return kept + "\n" if kept else ""
    value = _object(before)
    for event in client.events:
        if not _entries(value, event):
            del value["hooks"][event]
    if not value["hooks"]:
        del value["hooks"]
    first = None if original is None else parsed(client.settings, original or "{}")
    if isinstance(first, dict):
        for name, given in (client.settings.strict or {}).items():
            if name not in first and value.get(name) == given:
                del value[name]
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def hook_alone(client: HookClient, before: str) -> str:
    """A settings file's text that says our hook and nothing else of it; empty when it names none, or is not understood.

    In TOML our hook keeps its place among the others, which are emptied, and its trust: Codex trusts a hook by its place.
    """
    form = client.settings
    if form.script is not None:
        command, seconds = _said(before, "COMMAND"), _said(before, "SECONDS")
        if not isinstance(command, str) or not isinstance(seconds, int) or not names_hook(command):
            return ""
        return before if form.script(command, seconds) == before else ""
    value = parsed(form, before)
    hooks = value.get("hooks") if isinstance(value, dict) else None
    found = hooks if isinstance(hooks, dict) else {}
    kept: dict[str, list[dict[str, Any]]] = {}
    for event in client.events:
        entries = found.get(event)
        if isinstance(entries, list) and any(_is_ours(entry) for entry in entries):
            kept[event] = [e if _is_ours(e) else {} for e in entries if form.toml or _is_ours(e)]
    if not kept:
        return ""
    if not form.toml:
        alone = {event: [_parted(e, ours=True) for e in entries] for event, entries in kept.items()}
        more = {name: value[name] for name in {**(form.defaults or {}), **(form.strict or {})} if name in value}
        return json.dumps({**more, "hooks": alone}, indent=2, ensure_ascii=False) + "\n"
    lines = [line for event, entries in kept.items() for e in entries for line in _table(f"[[hooks.{event}]]", e)]
    state = found.get("state")
    for name, said in state.items() if isinstance(state, dict) else ():
        if isinstance(said, dict):
            plain = {n: v for n, v in said.items() if isinstance(v, str | bool)}
            lines += _table(f"[hooks.state.{_value(name)}]", plain)
    text = "\n".join(lines) + "\n"
    return text if parsed(form, text) is not None else ""


def unlike_installed(client: HookClient, text: str, command: str) -> str:
    """The event whose entry for our hook is not what an installation writes, `file` for a script; empty for none.

    The client may wait longer for it, never shorter. Raises InstallError for a command that is not understood.
    """
    form = client.settings
    if form.script is not None:
        return "" if hook_alone(client, text) else "file"
    written = form.entry(command, _HOST_SECONDS + waited(hook_options(command)))
    value = parsed(form, text)
    hooks = value.get("hooks") if isinstance(value, dict) else None
    for event in client.events:
        entries = hooks.get(event) if isinstance(hooks, dict) else None
        found = [_parted(e, ours=True) for e in entries if _is_ours(e)] if isinstance(entries, list) else []
        if not any(_as_written(one, written) for one in found):
            return event
    return ""


def waited(options: list[str]) -> int:
    """The seconds for which a hook with these options waits for people."""
    return int(options[options.index("--wait") + 1]) if "--wait" in options[:-1] else 0


def _as_written(found: object, written: object) -> bool:
    """Whether an entry is as it was written, but for longer time limits."""
    if isinstance(written, dict) and isinstance(found, dict):
        return found.keys() == written.keys() and all(_as_written(found[n], one) for n, one in written.items())
    if isinstance(written, list) and isinstance(found, list):
        return len(found) == len(written) and all(map(_as_written, found, written))
    if type(written) is int and type(found) is int:  # the only numbers there are
        return found >= written
    return found == written


_OURS_ALONE = "// policy_lang: written by `policy hook install"


def _check_ours(before: str) -> None:
    if before.strip() and not before.startswith(_OURS_ALONE):
        raise InstallError("the file is not one that `policy hook install` wrote; move it away, or correct them first")


def _said(text: str, name: str) -> Any:
    """The value of a constant in a script of ours; None when it is not found."""
    head = f"const {name} = "
    found = [line for line in text.splitlines() if line.startswith(head) and line.endswith(";")]
    try:
        return json.loads(found[0][len(head) : -1]) if len(found) == 1 else None
    except (ValueError, RecursionError):
        return None


def _is_ours(entry: object) -> bool:
    return names_hook(json.dumps(entry, default=str))


def parsed(form: SettingsForm, text: str) -> Any:
    """What a settings file says; None when it is not understood."""
    if form.script is not None:
        return _said(text, "COMMAND")
    try:
        return tomllib.loads(text) if form.toml else json.loads(text)
    except (ValueError, RecursionError):
        return None


def texts(form: SettingsForm, text: str) -> list[str]:
    """Every text value of a settings file; none when it is not understood."""
    out: list[str] = []
    todo = [parsed(form, text)]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            out.append(one)
        elif isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
    return out


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise InstallError(f"the settings are not valid JSON ({error}); correct them first") from None
    if not isinstance(value, dict):
        raise InstallError("the settings are not a JSON object; correct them first")
    return value


def _entries(value: dict[str, Any], event: str) -> list[Any]:
    """The entries of an event, ours taken out, as a list in `value` itself."""
    hooks = value.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise InstallError("`hooks` of the settings is not an object; correct them first")
    found = hooks.setdefault(event, [])
    if not isinstance(found, list):
        raise InstallError(f"`hooks.{event}` of the settings is not a list; correct them first")
    found[:] = [kept for entry in found if (kept := _parted(entry, ours=False)) is not None]
    return found


def _parted(entry: object, *, ours: bool) -> object:
    """Of an entry our hook alone, or all but our hook; None when nothing is left.

    Other hooks may have been put into the group of ours: it fits every call.
    """
    inner = entry.get("hooks") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(inner, list):
        return entry if _is_ours(entry) == ours else None
    kept = [one for one in inner if _is_ours(one) == ours]
    return {**entry, "hooks": kept} if kept or (not inner and not ours) else None


_BEGIN, _END = "# policy_lang: begin (written by `policy hook install`)", "# policy_lang: end"


def _toml(client: HookClient, before: str, entry: dict[str, Any], managed: bool) -> str:
    """TOML is kept as it is written, comments and all: our part stands at its end, between two marks."""
    kept = _toml_kept(before)
    lines = [_BEGIN]
    first: list[str] = []
    for name, given in (client.settings.managed or {}).items() if managed else ():
        if isinstance(given, dict):
            lines += _table(f"[{name}]", {n: v.format(hook_folder=os.path.dirname(HOOK)) for n, v in given.items()})
        elif not any(line.partition("=")[0].strip() == name for line in kept.splitlines()):
            first.append(f"{name} = {_value(given)}")
    for event in client.events:
        lines += _table(f"[[hooks.{event}]]", entry)
    lines.append(_END)
    text = (kept.rstrip("\n") + "\n\n" if kept.strip() else "") + "\n".join(lines) + "\n"
    if first:
        text = "\n".join(first) + "\n\n" + text
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InstallError(
            f"the settings with the hook would not be valid TOML ({error}); correct them first"
        ) from None
    return text


def _toml_kept(before: str) -> str:
    head, begun, rest = before.partition(_BEGIN)
    return head + (rest.partition(_END)[2].lstrip("\n") if begun else "")


def _table(head: str, table: dict[str, Any]) -> list[str]:
    """A table of TOML as lines, the arrays of tables in it behind its own values."""
    lines = [head, *(f"{name} = {_value(given)}" for name, given in table.items() if not isinstance(given, list))]
    inner = [(name, one) for name, given in table.items() if isinstance(given, list) for one in given]
    for name, one in inner:
        lines += _table(f"{head[:-2]}.{name}]]", one)
    return lines if inner else [*lines, ""]


def _value(given: object) -> str:
    """A value of TOML: texts, numbers and truth values are written as in JSON."""
    return json.dumps(given)
