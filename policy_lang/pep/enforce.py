"""From a hook's input to the client's answer: read the call, ask for decisions, and put them in the client's form."""

from __future__ import annotations

import os
from time import monotonic

from ..domain import strict_json
from ..domain.actions import ALLOW, ASK, DENY
from .clients import client
from .deciders import WALLS_SOCKET, CompiledDecider, ServiceDecider, behind_walls
from .payload import HookContext, accepted_arguments, text
from .questions import Outcome, RefusedError, depends_on_repository, worded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .clients.base import HookClient
    from .questions import HookQuestion

Options = dict[str, list[str]]
_SECONDS = 2.0  # limit: hook_seconds
_SHARE = 0.75
"""Of the hook's seconds, for the answer; its own alarm comes after it."""


def enforce(name: str, options: Options, data: bytes) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error for one call of a client's hook.

    Raises for whatever was not understood.
    """
    spec = client(name)
    payload = strict_json.load(data)
    if not isinstance(payload, dict):
        raise RefusedError("the hook's input is not a JSON object")
    event = text(payload, "hook_event_name", spec.events[0])
    if event not in spec.events:
        raise RefusedError(f"the event `{event[:40]}` is not one that this hook answers")
    context = _context(spec, payload, options)
    found = spec.questions(payload, context)
    origin = _origin(name, payload)
    if context.ignored:
        origin["accepted"] = " ".join(context.ignored)[:MOST_ORIGIN]
    asked = _decided(found, context, options, origin) if found else Outcome(ALLOW)
    outcome, reason = _final(asked, found, prompts=_may_ask(spec, payload, asked, options))
    # what is only observed is not granted either: silence leaves it to the client's own flow
    value = None if outcome.observed and outcome.effect == ALLOW else spec.answer(outcome, event, reason)
    out = b"" if value is None else strict_json.dump(value) + b"\n"
    if outcome.effect == DENY:
        return 2, out, (reason + "\n").encode("utf-8", "replace")
    return 0, out, b""


def answered(
    found: list[HookQuestion], context: HookContext, options: Options, origin: dict[str, str]
) -> tuple[Outcome, str]:
    """The outcome of questions that no client's prompt can answer, and its reason.

    Raises for whatever was not understood.
    """
    return _final(_decided(found, context, options, origin) if found else Outcome(ALLOW), found, prompts=False)


def _final(outcome: Outcome, found: list[HookQuestion], *, prompts: bool) -> tuple[Outcome, str]:
    """The outcome as it is told, and its reason: an ask that no prompt puts to a person is a denial."""
    if outcome.effect == ASK and not prompts:
        outcome = Outcome(DENY, (_approval(outcome), *outcome.reasons), outcome.tiers)
    outcome.advice = worded(outcome.advice, found)
    return outcome, _reason(outcome)


def _decided(found: list[HookQuestion], context: HookContext, options: Options, origin: dict[str, str]) -> Outcome:
    common: dict[str, object] = {"cwd": context.cwd, "workspace": context.workspace, "home": context.home}
    decider = decider_of(options)
    bound = "--token-file" in options or decider.path == WALLS_SOCKET
    if context.session:  # a token, and a launcher, may say themselves which session it is
        if bound:
            origin = {**origin, "session": context.session[:MOST_ORIGIN]}
        else:
            common["session"] = context.session[:MOST_ORIGIN]
    if "--agent" in options:
        common["agent"] = options["--agent"][0]
    common["origin"] = origin
    of_git = [q for q in found if depends_on_repository(str(q.fields["action"]), q.fields["resource"])]
    if of_git:
        from .repository import repository_state

        known = repository_state(context.workspace, context.home)
        for question in of_git:
            question.fields.update(known)
    seconds = _SHARE * (float(options["--timeout"][0]) if "--timeout" in options else _SECONDS)
    outcome = decider.decide(found, common, monotonic() + seconds)
    if outcome.ticket and "--wait" in options and isinstance(decider, ServiceDecider):
        state = decider.settled(outcome.ticket, monotonic() + float(options["--wait"][0]))
        if state == "approved":
            return decider.decide(found, common, monotonic() + seconds)
        if state:
            return Outcome(DENY, (f"people were asked (ticket {outcome.ticket}): it is {state}",))
    return outcome


def decider_of(options: Options) -> ServiceDecider | CompiledDecider:
    """Behind walls the launcher, whatever the options name; else the service or the compiled policy, as they say.

    Raises RefusedError where a launcher seems to listen that cannot be one.
    """
    if behind_walls():
        return ServiceDecider(WALLS_SOCKET, "", frozenset({0, os.geteuid()}))
    if "--socket" in options:
        return ServiceDecider(options["--socket"][0], token(options), owners(options))
    held = frozenset(options.get("--hold", ())) if "--observe" in options else None
    return CompiledDecider(options["--policy"][0], options.get("--log", [""])[0], held)


_TOLD = {
    "tool_name": "tool", "tool_use_id": "call", "prompt_id": "prompt", "turn_id": "turn", "generation_id": "turn",
    "model": "model", "agent_id": "subagent", "toolName": "tool", "toolCallId": "call", "agentId": "subagent",
}  # fmt: skip
"""Fields of clients' input that identify a call, and their names in a record; telemetry has the same values."""
_PURPOSES = ("description", "justification")
"""Arguments of tools in which an agent says what a call is for; they only inform."""
_ADVICE = 600  # limit: hook_advice_characters
MOST_ORIGIN = 256  # limit: hook_origin_characters
MOST_TOKEN = 1024  # limit: token_bytes


def _origin(client: str, payload: dict[str, object]) -> dict[str, str]:
    """The origin of a call, as far as the client names it. It is recorded, and decides nothing."""
    out = {"client": client}
    given = payload.get("tool_input", payload.get("toolArgs"))
    for field in _PURPOSES:
        value = given.get(field) if isinstance(given, dict) else None
        if isinstance(value, str) and value:
            out["purpose"] = value[:MOST_ORIGIN]
    for field, name in _TOLD.items():
        value = payload.get(field)
        if isinstance(value, str) and value:
            out[name] = value[:MOST_ORIGIN]
    return out


def _context(spec: HookClient, payload: dict[str, object], options: Options) -> HookContext:
    """The context of the call: its workspace, working folder, home and session.

    The workspace is what was fixed at installation, else what the client tells its hook. It is never the call's working
    folder: the agent chooses that, by `cd` or a tool's argument, and would choose `/`.
    """
    workspace = options["--workspace"][0] if "--workspace" in options else _workspace_of(spec, payload)
    home = options["--home"][0] if "--home" in options else os.environ.get("HOME", "")
    if not workspace.startswith("/") or not home.startswith("/"):
        raise RefusedError("the workspace or the home is unknown; give it with `--workspace` and `--home`")
    if os.path.realpath(workspace) == "/":
        raise RefusedError("the workspace would be the whole disk; give it with `--workspace`")
    cwd = text(payload, "cwd", workspace)
    if not cwd.startswith("/"):
        raise RefusedError("the working folder is not an absolute path")
    accepted = _accepted(spec, options.get("--accept-argument", ()))
    return HookContext(workspace, cwd, home, text(payload, "session_id", text(payload, "sessionId", "")), accepted)


def _accepted(spec: HookClient, names: Sequence[str]) -> frozenset[str]:
    return accepted_arguments(spec.name, {**spec.tools, **spec.harmless}, names) if names else frozenset()


def _workspace_of(spec: HookClient, payload: dict[str, object]) -> str:
    """The workspace that the client tells: by a variable, by a list in the input, or by the hook's own folder."""
    if spec.workspace_folder:
        return os.getcwd()
    found = os.environ.get(spec.workspace_variable, "") if spec.workspace_variable else ""
    if spec.workspace_field:
        roots = payload.get(spec.workspace_field)
        if isinstance(roots, list) and len(roots) > 1:
            raise RefusedError("there are several workspaces; install the hook with `--workspace`")
        found = str(roots[0]) if isinstance(roots, list) and roots else ""
    if not found:
        raise RefusedError("the client does not name the workspace; install the hook with `--workspace`")
    return found


def token(options: Options) -> str:
    """The token to show to the service; empty when there is none. Raises RefusedError for a file that is too long."""
    if "--token-file" not in options:
        return ""
    with open(options["--token-file"][0], encoding="ascii") as stream:
        found = stream.read(MOST_TOKEN + 1)
    if len(found) > MOST_TOKEN:
        raise RefusedError(f"the file of the token is longer than {MOST_TOKEN} bytes")
    return found.strip()


def owners(options: Options) -> frozenset[int]:
    """The users that the service may run as: the one that was named, else this user or root."""
    if "--owner" in options:
        return frozenset({int(options["--owner"][0])})
    return frozenset({0, os.geteuid()})


def _may_ask(spec: HookClient, payload: dict[str, object], outcome: Outcome, options: Options) -> bool:
    """True when every tier is one that the client's own prompt may stand for, and a prompt is certain to come."""
    named = options.get("--prompt", [])
    sure = spec.asks is not None and spec.asks(payload)
    return sure and bool(outcome.tiers) and all(t in named for t in outcome.tiers)


def _approval(outcome: Outcome) -> str:
    tiers = " and ".join(f"`{t}`" for t in outcome.tiers)
    if outcome.ticket:
        return f"this needs the approval {tiers}"
    return f"this needs the approval {tiers}, which cannot be given from here; ask a person to do it or to grant it"


def _reason(outcome: Outcome) -> str:
    head = {ALLOW: "allowed by policy", ASK: "policy asks for an approval"}.get(outcome.effect, "denied by policy")
    shown = "; ".join("".join(c if c.isprintable() else "\ufffd" for c in r) for r in outcome.reasons[:5])
    advice = "".join(c if c.isprintable() else "\ufffd" for c in outcome.advice[:_ADVICE])
    return f"{head}: {shown[:2000]}" + (f"; {advice}" if advice else "") if shown else head
