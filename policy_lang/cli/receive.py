"""`policy hook git-receive`: what a git server asks before it takes a push."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click

from ..domain.errors import RequestError
from ..domain.faults import PolicyLangError, reason_of
from ..domain.limits import limit
from ..domain.record import replace
from .common import fail_usage
from .deciding import DECIDER, agent_port

if TYPE_CHECKING:
    from ..egress.pushes import RefUpdate

_MOST = limit("receive_bytes")


@click.command(name="git-receive", short_help="Decide a push where a git server takes it")
@click.option("--agent", metavar="NAME", help="Who pushes.")
@click.option("--agent-env", metavar="VARIABLE", help="The variable in which the server says who pushes.")
@DECIDER(
    "The policy, perhaps compiled.",
    "Instead: the service that decides and asks people.",
    "With --policy: record every decision there before it takes effect.",
)
@click.option(
    "--remote", "remotes", multiple=True, metavar="NAME", help="What rules call this server [default: origin]."
)
def command(**given: Any) -> None:
    """Decide a push as a server's `pre-receive` hook, from what git tells it on standard input.

    \b
    #!/bin/sh
    exec policy hook git-receive --policy /etc/policy_lang/org.policy \\
        --agent-env GL_USERNAME

    A ref that is made or goes forward is a `push`, one that does not is a `force-push` as well, one that goes away is a
    `delete-ref`. The whole push is refused, with exit 1, when one of its refs is; whatever goes wrong refuses too.
    """
    if (given["policy"] is None) == (given["socket_path"] is None):
        fail_usage("say who decides: either `--policy FILE` or `--socket PATH`")
    if (given["agent"] is None) == (given["agent_env"] is None):
        fail_usage("say who pushes: either `--agent NAME` or `--agent-env VARIABLE`")
    try:
        refused = _refused(given)
    except PolicyLangError as error:
        click.echo(f"policy: the push cannot be decided: {error}", err=True)
        sys.exit(1)
    for ref, why in refused.items():
        click.echo(f"policy: {ref}: {why}", err=True)
    sys.exit(1 if refused else 0)


def _refused(given: dict[str, Any]) -> dict[str, str]:
    """Why refs may not be updated. Raises PolicyLangError when that cannot be decided."""
    from ..egress.pushes import read_update, refused

    data = sys.stdin.buffer.read(_MOST + 1)
    if len(data) > _MOST:
        raise RequestError("PLR004", f"git tells of more than {_MOST} bytes of refs")
    updates = _followed([read_update(line) for line in data.splitlines()])
    agent = given["agent"] or os.environ.get(given["agent_env"], "")
    if not agent:
        raise RequestError("PLR002", f"the server does not say who pushes: `{given['agent_env']}` is not set")
    port, close = agent_port(given, agent, "push", "HEAD", "receive")
    try:
        return refused(updates, given["remotes"] or ("origin",), _goes_forward, port.asked)
    finally:
        close()


def _followed(updates: list[RefUpdate]) -> list[RefUpdate]:
    """The updates, and those of the refs to which symbolic ones of the server lead: git changes these."""
    if not updates:
        return updates
    done = _git("where its refs lead", "for-each-ref", "--format=%(refname) %(symref)", "--", *(u.ref for u in updates))
    if done.returncode:
        raise RequestError("PLR031", "git does not say where its refs lead")
    lines = (line.partition(" ")[::2] for line in done.stdout.decode("utf-8", "replace").splitlines())
    leads = {ref: target for ref, target in lines if target}
    return updates + [replace(u, ref=leads[u.ref]) for u in updates if u.ref in leads]


def _goes_forward(update: RefUpdate) -> bool:
    """Whether the new commit holds the old one."""
    about = f"whether `{update.ref[:60]}` goes forward"
    words = ("-c", "core.commitGraph=false", "merge-base", "--is-ancestor", update.old, update.new)
    return _git(about, *words).returncode == 0


def _git(about: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """What git says; what a push could bring to change that is left aside (git(1)). Raises RequestError."""
    environment = {**os.environ, "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
    try:
        return subprocess.run(  # noqa: S603 (no shell)
            ["git", *words],  # noqa: S607 (the server's own)
            env=environment,
            check=False,
            capture_output=True,
            timeout=limit("receive_git_seconds"),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RequestError("PLR031", f"git does not say {about}: {_why(error)}") from None


def _why(error: OSError | subprocess.TimeoutExpired) -> str:
    return reason_of(error) if isinstance(error, OSError) else "it takes too long"
