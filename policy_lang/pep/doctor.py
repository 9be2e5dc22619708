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
from .hook_places import OURS
from .install import InstallError, Target, changeable, target, texts
from .installation import BAD, GOOD, WARN, CheckResult, examine_places, examine_policy, examine_program
from .questions import RefusedError

_CANARY = ".git/hooks/policy-lang-canary"
SCOPES = ("managed", "project", "user")


BYPASSES = (
    ("the agent runs as the user who owns the settings, the policy, this program or the service's socket, and changes them", "give the agent a user of its own, and install the hook managed"),
    ("a program that was allowed does something else than its name says", "a sandbox around the agent: the policy says what is meant, the sandbox what is possible"),
    ("the client is started with other settings, another home, or another program is started instead of it", "managed settings, and egress only for the client's own user"),
    ("a link is put in the place of a folder between the decision and the deed", "a sandbox; the hook decides on what the disk says at that moment"),
)  # fmt: skip
"""Ways round every client's hook, and what closes them; each client's record has its own."""


def examine(client: HookClient, workspace: str, home: str, live: bool) -> list[CheckResult]:
    """The results of all checks of a client on this machine."""
    installed = _installed(client, workspace, home)
    if not installed:
        return [
            CheckResult(BAD, f"no settings of `{client.name}` name the hook", f"`policy hook install {client.name}`")
        ]
    out: list[CheckResult] = []
    for place, command in installed:
        if place.void:
            state = BAD if all(other.void for other, _ in installed) else WARN
            remediation = f"`policy hook install {client.name}` in another scope"
            out.append(CheckResult(state, f"the hook in `{place.path}` may hold nothing: {place.void}", remediation))
        out += _settings(place.path, place.managed)
        out += _hook(client, place.path, command, workspace)
    out += examine_program(workspace)
    if live:
        words = [word for _, command in installed for word in shlex.split(command.partition("||")[0])]
        out += _live(client, workspace, [words[i + 1] for i, w in enumerate(words[:-1]) if w == "--accept-argument"])
    return out


def _installed(client: HookClient, workspace: str, home: str) -> list[tuple[Target, str]]:
    """Each settings file that names the hook, and the hook's command."""
    out: list[tuple[Target, str]] = []
    for scope in SCOPES:
        try:
            place = target(client, scope, workspace, home)
            with open(place.path, encoding="utf-8") as stream:
                text = stream.read()
        except (InstallError, OSError, UnicodeDecodeError):
            continue
        commands = dict.fromkeys(c for c in texts(client.settings, text) if OURS in c)
        out += [(place, command) for command in commands]
    return out


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
        out += _service({name: [value] for name, value in named.items()})
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


def _service(options: Options) -> list[CheckResult]:
    """What the service says of its policy. That it cannot be asked, the hook itself shows."""
    out: list[CheckResult] = []
    with contextlib.suppress(ChannelError, RefusedError, OSError, strict_json.MalformedError):
        until = time.monotonic() + limit("hook_seconds")
        where, shown, by = options["--socket"][0], token(options), owners(options)
        status, data = exchange(where, "GET", "/v1/policy", b"", until, shown, by)
        value = strict_json.load(data)
        if status == 200 and isinstance(value, dict):
            if value.get("observing"):
                out.append(CheckResult(BAD, str(value["observing"]), "start the service without `--observe`"))
            for name in ("held", "error"):
                if value.get(name):
                    out.append(
                        CheckResult(WARN, str(value[name]), "review the change first: an agent may have made it")
                    )
    return out


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
