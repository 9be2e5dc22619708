"""Verification that a client enforces the policy: by its settings, by its hook run as it runs it, and by the client itself.

The canary is a write below `.git/hooks`, which the protected floor denies under every policy.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import time

from .._version import __version__
from ..compiled.opened import open_compiled, stale_note
from ..domain import strict_json
from ..domain.errors import PolicyError
from ..domain.limits import limit
from ..domain.observe import what_holds
from ..engine.pdp import Engine
from . import rehearsal
from .channel import ChannelError, exchange
from .clients.base import HookClient
from .drift import drifts
from .enforce import Options, owners, token
from .install import changeable, unlike_installed
from .installation import BAD, GOOD, WARN, CheckResult, examine_places, examine_policy, examine_program
from .installed import HookInstallation, installed, settings_text
from .launcher import launcher_text, started_by
from .questions import RefusedError

_CANARY = ".git/hooks/policy-lang-canary"
BYPASSES = (
    ("the agent runs as the user who owns the settings, the policy, this program or the service's socket, and changes them", "give the agent a user of its own, and install the hook managed"),
    ("a program that was allowed does something else than its name says", "a sandbox around the agent: the policy says what is meant, the sandbox what is possible"),
    ("the client is started with other settings, another home, or another program is started instead of it", "managed settings, and egress only for the client's own user"),
    ("a link is put in the place of a folder between the decision and the deed", "a sandbox; the hook decides on what the disk says at that moment"),
)  # fmt: skip
"""Ways round every client's hook, and what closes them; each client's record has its own."""


def examine(client: HookClient, workspace: str, home: str, live: bool) -> list[CheckResult]:
    """The results of all checks of a client on this machine."""
    found = installed(client, workspace, home)
    if not found:
        return [
            CheckResult(BAD, f"no settings of `{client.name}` name the hook", f"`policy hook install {client.name}`")
        ]
    out: list[CheckResult] = []
    for one in found:
        if one.void:
            state = BAD if all(other.void for other in found) else WARN
            remediation = f"`policy hook install {client.name}` in another scope"
            out.append(CheckResult(state, f"the hook in `{one.path}` may hold nothing: {one.void}", remediation))
        out += examine_hook(one, workspace)
    out += examine_program(workspace)
    if live:
        words = [word for one in found for word in shlex.split(one.command.partition("||")[0])]
        out += _live(client, workspace, [words[i + 1] for i, w in enumerate(words[:-1]) if w == "--accept-argument"])
    return out


def examine_hook(hook: HookInstallation, workspace: str) -> list[CheckResult]:
    """The results of the checks of one hook: its settings, its launcher, and what it answers."""
    return [
        *_settings(hook.path, hook.managed),
        *_entry(hook),
        *_launcher(hook.command, hook.client),
        *_hook(hook.client, hook.path, hook.command, workspace),
    ]


def _settings(path: str, managed: bool) -> list[CheckResult]:
    faults = examine_places([path])
    if faults:
        return faults
    if managed:
        return [CheckResult(GOOD, f"`{path}` is managed: the agent's user cannot change it")]
    text = f"`{path}` belongs to the user that the agent runs as: the agent can take the hook out"
    if changeable(path):
        text = f"`{path}` lies in a git working tree: a checkout of another branch can take the hook out"
    return [CheckResult(WARN, text, "install it in the managed scope, as root, with the agent under another user")]


def _entry(hook: HookInstallation) -> list[CheckResult]:
    """Whether the settings have the client ask about every call, and wait for the answer."""
    changed = unlike_installed(hook.client, settings_text(hook.path), hook.command)
    if not changed:
        return []
    text = f"`{changed}` in `{hook.path}` is not what `policy hook install` writes: calls may pass without a question"
    return [CheckResult(BAD, text, f"`policy hook upgrade {hook.client.name}`")]


def _launcher(command: str, client: HookClient) -> list[CheckResult]:
    """What the launcher starts, where the settings name one. That it is gone, the hook itself shows."""
    words = shlex.split(command.partition("||")[0])
    if not words or not words[0].endswith("/policy-hook"):
        text = (
            "the settings name this interpreter: an upgrade of Python may take it away, and every call is denied then"
        )
        return [CheckResult(WARN, text, f"`policy hook upgrade {client.name}`")]
    try:
        with open(words[0], encoding="utf-8") as stream:
            text = stream.read(limit("path_bytes") * 4)
    except (OSError, UnicodeDecodeError):
        return []
    started = started_by(text)
    if started is None:
        return [CheckResult(BAD, f"`{words[0]}` is not the launcher that was installed", "`policy hook upgrade`")]
    if text != launcher_text():
        return [
            CheckResult(WARN, f"`{words[0]}` starts another policy_lang: `{started[1]}`", "`policy hook upgrade`"),
            *examine_places([p for p in started if os.path.exists(p)]),
        ]
    return []


def _hook(client: HookClient, path: str, command: str, workspace: str) -> list[CheckResult]:
    """Run the hook as the client does, with calls that every policy denies."""
    out: list[CheckResult] = []
    words = shlex.split(command.partition("||")[0])
    if not command.rstrip().endswith("|| exit 2"):
        out.append(
            CheckResult(
                BAD, f"the command in `{path}` does not end in `|| exit 2`", f"`policy hook install {client.name}`"
            )
        )
    out += examine_places([w for w in words if w.startswith("/") and os.path.exists(w)])
    named = {name: words[i + 1] for i, name in enumerate(words[:-1]) if name.startswith("--")}
    if "--observe" in words:
        held = [words[i + 1] for i, name in enumerate(words[:-1]) if name == "--hold"]
        out.append(CheckResult(BAD, what_holds(held), "install the hook without `--observe` to enforce the policy"))
    if "--policy" in named:
        out += _compiled(named["--policy"], named.get("--agent"), workspace, [path])
    if "--socket" in named:
        out += _service(words)
    began = time.monotonic()
    reason = ""
    for what, data in (("a write to `.git/hooks`", _canary(client, workspace)), ("input that is not valid JSON", b"{")):
        done = _run(client, command, data, workspace)
        reason = reason or done.stderr.decode("utf-8", "replace").strip()
        if done.returncode == 2:
            out.append(CheckResult(GOOD, f"the hook denies {what}"))
        else:
            out.append(
                CheckResult(
                    BAD, f"the hook does not deny {what} (exit code {done.returncode})", "run its command by hand"
                )
            )
    took = (time.monotonic() - began) / 2
    if took > 1:
        out.append(CheckResult(WARN, f"the hook takes {took:.1f} seconds", "is the service busy?"))
    if "cannot be reached" in reason:
        out.append(
            CheckResult(
                BAD, f"the policy cannot be asked, so everything is denied: {reason[:300]}", "start the service"
            )
        )
    return out


def _compiled(path: str, agent: str | None, workspace: str, more: list[str]) -> list[CheckResult]:
    """Who else could change what the hook decides by, and whether the sources say something newer."""
    out: list[CheckResult] = []
    if changeable(path, workspace):
        text = f"`{path}` lies in a workspace: a checkout of another branch replaces it"
        out.append(
            CheckResult(BAD, text, "install the hook with `--policy SOURCE`, which is compiled to a place outside")
        )
    try:
        contents = open_compiled(path, __version__)
        note = stale_note(path, contents)
    except PolicyError as error:
        text = f"the policy cannot be asked, so everything is denied: {error}"
        return [*out, CheckResult(BAD, text, error.diagnostics[0].help)]
    if note:
        out.append(CheckResult(WARN, note, "review the change first: an agent may have made it"))
    engine = Engine(contents.prepared, profiles=contents.profile)
    return [*out, *examine_policy(path, engine, agent, workspace, more)]


def service_policy(words: list[str]) -> dict[str, object]:
    """What the service of a hook with these options says of its policy; nothing when it cannot be asked."""
    options: Options = {name: [words[i + 1]] for i, name in enumerate(words[:-1]) if name.startswith("--")}
    with contextlib.suppress(ChannelError, RefusedError, OSError, ValueError):
        until = time.monotonic() + limit("hook_seconds")
        where, shown, by = options["--socket"][0], token(options), owners(options)
        status, data = exchange(where, "GET", "/v1/policy", b"", until, shown, by)
        value = strict_json.load(data)
        if status == 200 and isinstance(value, dict):
            return value
    return {}


def _service(words: list[str]) -> list[CheckResult]:
    """What the service says of its policy. That it cannot be asked, the hook itself shows."""
    value = service_policy(words)
    out: list[CheckResult] = []
    if value.get("observing"):
        out.append(CheckResult(BAD, str(value["observing"]), "start the service without `--observe`"))
    notes = [str(value[name]) for name in ("held", "error") if value.get(name)]
    return [*out, *(CheckResult(WARN, note, "review the change first: an agent may have made it") for note in notes)]


def _run(client: HookClient, command: str, data: bytes, workspace: str) -> subprocess.CompletedProcess[bytes]:
    extra = {client.workspace_variable: workspace} if client.workspace_variable else {}
    return subprocess.run(
        ["/bin/sh", "-c", command], input=data, cwd=workspace, env={**os.environ, **extra}, capture_output=True, check=False, timeout=limit("doctor_seconds"),
    )  # fmt: skip


def _canary(client: HookClient, workspace: str) -> bytes:
    extra = {"session_id": "doctor"} if "session_id" in client.common else {}
    return strict_json.dump({**client.common, **extra, "cwd": workspace, **client.canary(workspace, _CANARY)})


_BY_HAND = (
    "run it once by hand in this folder, fix what it says, and run `policy doctor` again; `--no-live` leaves this out"
)


def _live(client: HookClient, workspace: str, accepted: list[str]) -> list[CheckResult]:
    """Let the client itself try the canary, and look at the tools that it offers its model."""
    protocol = client.rehearsal
    if protocol is None:
        return [CheckResult(WARN, f"`{client.name}` does not run without an account, so it was not tried itself")]
    if rehearsal.program(client.name) is None:
        return [CheckResult(WARN, f"`{client.name}` is not on this machine's PATH, so it was not tried itself")]
    path = f"{workspace}/{_CANARY}"
    if os.path.lexists(path):
        return [CheckResult(BAD, f"`{path}` is there already, so nothing can be proved", "remove it")]
    missing = [folder for folder in (f"{workspace}/.git", f"{workspace}/.git/hooks") if not os.path.isdir(folder)]
    try:
        made = rehearsal.rehearse(client, [protocol.run(f"mkdir -p .git/hooks; touch {_CANARY}")], workspace)
    except OSError as error:
        return [CheckResult(BAD, f"`{client.name}` cannot be started: {error}", _BY_HAND)]
    new = [CheckResult(WARN, one.text, one.remediation) for one in drifts(client, made.turns, accepted)]
    ran = os.path.lexists(path)
    if ran:
        os.unlink(path)
        for folder in reversed(missing):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        remediation = "is the hook trusted? `policy hook install` says what the client needs"
        text = f"`{client.name}` did what the policy denies: the hook did not hold"
        return [*new, CheckResult(BAD, text, remediation)]
    printed = "".join(c if c.isprintable() else " " for c in made.printed.strip()[-300:])
    if not made.answered:
        text = f"`{client.name}` did not get as far as the canary, so nothing shows that the hook holds: {printed}"
        return [*new, CheckResult(BAD, text, _BY_HAND)]
    if not made.refused:
        text = f"`{client.name}` did not do what the policy denies, but was not told so by the hook: {printed}"
        return [*new, CheckResult(BAD, text, _BY_HAND)]
    return [*new, CheckResult(GOOD, f"`{client.name}` itself was told to do what the policy denies, and did not")]
