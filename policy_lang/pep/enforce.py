"""From a hook's input to the client's answer: read it, ask, and say it in the client's form."""

from __future__ import annotations

import os
from time import monotonic

from ..domain import strictly
from .deciders import Compiled, Service
from .payload import Place, text
from .questions import ALLOW, ASK, DENY, Outcome, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Options = dict[str, list[str]]
_SECONDS = 1.5
"""For the service's answer; the hook's own alarm comes after it."""


def enforce(client: str, options: Options, data: bytes) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error for one call. Raises for whatever was not understood."""
    module: Any = __import__(f"{__package__}.clients.{client}", fromlist=["questions"])
    payload = strictly.load(data)
    if not isinstance(payload, dict):
        raise RefusedError("the hook's input is not a JSON object")
    event = text(payload, "hook_event_name", module.EVENTS[0])
    if event not in module.EVENTS:
        raise RefusedError(f"the event `{event[:40]}` is not one that this hook answers")
    place = _place(module.WORKSPACE, payload, options)
    found = module.questions(payload, place)
    outcome = _decided(found, place, options, _origin(client, payload)) if found else Outcome(ALLOW)
    if outcome.effect == ASK and not _may_ask(module, payload, outcome, options):
        outcome = Outcome(DENY, (_approval(outcome), *outcome.reasons), outcome.tiers)
    reason = _reason(outcome)
    value = module.answer(outcome, event, reason)
    out = b"" if value is None else strictly.dump(value) + b"\n"
    if outcome.effect == DENY:
        return 2, out, (reason + "\n").encode("utf-8", "replace")
    return 0, out, b""


def _decided(found: list[Any], place: Place, options: Options, origin: dict[str, str]) -> Outcome:
    common: dict[str, object] = {"cwd": place.cwd, "workspace": place.workspace, "home": place.home}
    if place.session and "--token-file" not in options:  # a token says itself which session it is of
        common["session"] = place.session[:256]
    if "--agent" in options:
        common["agent"] = options["--agent"][0]
    common["origin"] = origin
    decider: Service | Compiled
    if "--socket" in options:
        decider = Service(options["--socket"][0], token(options), owners(options))
    else:
        decider = Compiled(options["--policy"][0], options.get("--log", [""])[0])
    seconds = float(options["--timeout"][0]) * 0.75 if "--timeout" in options else _SECONDS
    outcome = decider.decide(found, common, monotonic() + seconds)
    if outcome.ticket and "--wait" in options and isinstance(decider, Service):
        state = decider.settled(outcome.ticket, monotonic() + float(options["--wait"][0]))
        if state == "approved":
            return decider.decide(found, common, monotonic() + seconds)
        if state:
            return Outcome(DENY, (f"people were asked (ticket {outcome.ticket}): it is {state}",))
    return outcome


_TOLD = {
    "tool_name": "tool", "tool_use_id": "call", "prompt_id": "prompt", "turn_id": "turn", "generation_id": "turn",
    "model": "model", "agent_id": "subagent",
}  # fmt: skip
"""What clients tell of a call, and what a record calls it; their own telemetry has the same values."""
_MOST_TOLD = 256


def _origin(client: str, payload: dict[str, object]) -> dict[str, str]:
    """Where a call comes from, as far as the client tells. It is recorded, and decides nothing."""
    out = {"client": client}
    for field, name in _TOLD.items():
        value = payload.get(field)
        if isinstance(value, str) and value:
            out[name] = value[:_MOST_TOLD]
    return out


def _place(told_by: str, payload: dict[str, object], options: Options) -> Place:
    """Where the call happens.

    The workspace is what was fixed at installation, else what the client tells its hook. It is never the call's working
    folder: the agent chooses that, by `cd` or a tool's argument, and would choose `/`.
    """
    workspace = options["--workspace"][0] if "--workspace" in options else _told(told_by, payload)
    home = options["--home"][0] if "--home" in options else os.environ.get("HOME", "")
    if not workspace.startswith("/") or not home.startswith("/"):
        raise RefusedError("where the workspace or the home is cannot be told; fix it with `--workspace` and `--home`")
    if os.path.realpath(workspace) == "/":
        raise RefusedError("the workspace would be the whole disk; fix it with `--workspace`")
    cwd = text(payload, "cwd", workspace)
    if not cwd.startswith("/"):
        raise RefusedError("the working folder is not an absolute path")
    return Place(workspace, cwd, home, text(payload, "session_id", ""))


def _told(by: str, payload: dict[str, object]) -> str:
    """The workspace that the client tells: by a variable, by a list in the input, or by the hook's own folder."""
    if by == ".":
        return os.getcwd()
    if by.isupper():
        found = os.environ.get(by, "")
    else:
        roots = payload.get(by)
        if isinstance(roots, list) and len(roots) > 1:
            raise RefusedError("there are several workspaces; install the hook with `--workspace`")
        found = str(roots[0]) if isinstance(roots, list) and roots else ""
    if not found:
        raise RefusedError("the client does not tell the workspace; install the hook with `--workspace`")
    return found


def token(options: Options) -> str:
    """The token to show to the service; empty when there is none."""
    if "--token-file" not in options:
        return ""
    with open(options["--token-file"][0], encoding="ascii") as stream:
        return stream.read(1024).strip()


def owners(options: Options) -> frozenset[int]:
    """Who the service may run as: the one that was named, else this user or root."""
    if "--owner" in options:
        return frozenset({int(options["--owner"][0])})
    return frozenset({0, os.geteuid()})


def _may_ask(module: Any, payload: dict[str, object], outcome: Outcome, options: Options) -> bool:
    """True when every tier is one that the client's own prompt may stand for, and a prompt is certain to come."""
    named = options.get("--prompt", [])
    return bool(outcome.tiers) and all(t in named for t in outcome.tiers) and module.asks(payload)


def _approval(outcome: Outcome) -> str:
    tiers = " and ".join(f"`{t}`" for t in outcome.tiers)
    if outcome.ticket:
        return f"this needs the approval {tiers}"
    return f"this needs the approval {tiers}, which cannot be given from here; ask a person to do it or to grant it"


def _reason(outcome: Outcome) -> str:
    head = {ALLOW: "allowed by policy", ASK: "policy asks for an approval"}.get(outcome.effect, "denied by policy")
    shown = "; ".join("".join(c if c.isprintable() else "\ufffd" for c in r) for r in outcome.reasons[:5])
    return f"{head}: {shown[:2000]}" if shown else head
