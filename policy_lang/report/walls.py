"""The walls of a start, as text."""

from __future__ import annotations

import textwrap

from ..walls.shown import how_shown
from .losses import loss_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..walls.hooks import InstalledHook
    from ..walls.launch import Start
    from ..walls.losses import Loss
    from ..walls.port import DecisionPort

_WIDTH = 100
_FEW = 12
_PROXY = "the proxy alone, which decides each connection"
_WITHIN = f"{_PROXY}, and each request within TLS"
_OWN = "no way out; a loopback of its own, whose interfaces can be listed"


_HOOKS = {
    "whole": "there inside, read-only",
    "hook": "the hook alone is there inside, read-only; a rule that grants reading the file shows the rest",
    "nothing": "not there inside, as the policy grants no reading of it: the client starts without this hook",
}


def render_start(start: Start, port: DecisionPort, accepted: frozenset[str]) -> str:
    """What would be built and what it does not hold, for people."""
    plan = start.plan
    outer = f"bubblewrap ({start.bubblewrap})" if start.bubblewrap else "no bubblewrap"
    out = [
        f"walls for `{port.like.agent or 'any agent'}` in {plan.workspace}",
        f"  built of   {outer}, Landlock {start.abi}, system calls by seccomp",
        f"  network    {_network(start)}",
        *_listed(
            "system", [*sorted(p for p in plan.system if not p.startswith("/etc/")), "what programs need of /etc"]
        ),
        *_listed("readable", [p for p in plan.granted() if p not in plan.paths("write")]),
        *_listed("writable", plan.paths("write"), ": each name is decided when it is made or changed"),
        *_listed("hidden", plan.paths("hide", "hide-folder")),
    ]
    if start.bubblewrap:
        out += _listed(
            "private", (*plan.paths("private"), "/dev", "/proc", "/run"), ": empty at first, gone at the end"
        )
    for hook in start.hooks:
        out += _listed("hook", [hook.path], f" ({hook.client}): {_HOOKS[how_shown(hook)]}{_missing(hook)}")
    for loss in start.losses:
        out += ["", *loss_lines([loss], accepted)]
    return "\n".join(out)


def _missing(hook: InstalledHook) -> str:
    if not hook.missing:
        return ""
    return f". It denies every call, since `{hook.missing}` is not there inside: give its folder with `--system`"


def _listed(title: str, paths: Iterable[str], note: str = "") -> list[str]:
    found = list(paths)
    if not found:
        return []
    more = f" and {len(found) - _FEW} more (`--format json` lists them)" if len(found) > _FEW else ""
    text = ", ".join(found[:_FEW]) + more + note
    return textwrap.wrap(
        text, _WIDTH - 13, initial_indent=f"  {title:<11}", subsequent_indent=" " * 13, break_long_words=False
    )


def render_refusal(missing: list[Loss], accepted: frozenset[str]) -> str:
    """Why nothing was started, and what to write to start it even so."""
    out: list[str] = []
    for loss in missing:
        out += [*loss_lines([loss], accepted), ""]
    codes = ",".join(sorted({loss.code for loss in missing} | accepted))
    return "\n".join([*out, f"nothing was started; to accept this: `--accept-loss {codes}`"])


def _network(start: Start) -> str:
    if not start.network:
        return _OWN
    return _WITHIN if start.intercepts else _PROXY
