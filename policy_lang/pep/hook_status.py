"""The state of one installation: which policy holds, since when, and what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .._version import __version__
from ..compiled.opened import open_compiled
from ..domain.errors import PolicyError
from .doctor import examine_hook, service_policy
from .install import InstallError, hook_options
from .install_records import record_of
from .installation import BAD, CheckResult
from .installed import HookInstallation


@dataclass(frozen=True, slots=True)
class HookStatus:
    """What is known of an installation without starting its client.

    `policy` is the source, `compiled` the file that the hook decides by, `made` the time of that in seconds since the
    epoch; with a `service` its own policy counts. `digest` is that of the policy in force, empty where it is not known.
    """

    hook: HookInstallation
    policy: str
    compiled: str
    service: str
    digest: str
    made: float | None
    agent: str
    observing: bool
    findings: tuple[CheckResult, ...]


def status_of(hook: HookInstallation, workspace: str) -> HookStatus:
    """The state of an installation; its hook is run with calls that every policy denies."""
    try:
        options = hook_options(hook.command)
    except InstallError as error:
        return HookStatus(hook, "", "", "", "", None, "", False, (CheckResult(BAD, str(error)),))
    compiled, service = hook.option("--policy"), hook.option("--socket")
    record = record_of(hook.client.name, hook.scope, hook.path)
    policy = record.policy if record is not None and record.compiled == compiled else ""
    digest, made = "", None
    if service:
        digest = str(service_policy(options).get("digest", ""))
    else:
        try:
            contents = open_compiled(compiled, __version__)
            digest, made = contents.prepared.digest, os.stat(compiled).st_mtime
            policy = policy or next((path for path, _ in contents.sources), "")
        except (PolicyError, OSError):
            pass  # the hook says why, below
    found = tuple(examine_hook(hook, workspace))
    return HookStatus(
        hook, policy, compiled, service, digest, made, hook.option("--agent"), "--observe" in options, found
    )
