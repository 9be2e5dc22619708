"""A start's walls and losses as plain values, for JSON."""

from __future__ import annotations

import os

from ..domain.serialize import request_json
from .losses import NOT_HELD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.strict_json import Json
    from .hooks import InstalledHook
    from .launch import Start
    from .losses import Loss
    from .port import DecisionPort

_SCHEMA = 1


def start_json(start: Start, port: DecisionPort, accepted: frozenset[str]) -> Json:
    """What would be built, in its JSON form."""
    plan = start.plan
    return {
        "schema": _SCHEMA,
        "policy_digest": port.policy.digest,
        "agent": port.like.agent,
        "workspace": plan.workspace,
        "home": plan.home,
        "walls": {
            "bubblewrap": start.bubblewrap,
            "landlock": start.abi,
            "seccomp": True,
            "supervised_reads": start.reads,
            "network": "proxy" if start.network else "none",
            "intercepts": start.network and start.intercepts,
        },
        "files": {
            "system": sorted(plan.system),
            "read": [p for p in plan.granted() if p not in plan.paths("write")],
            "write": list(plan.paths("write")),
            "hidden": list(plan.paths("hide", "hide-folder")),
            "private": list(plan.paths("private")) if start.bubblewrap else [],
            "protected": sorted(p for p in plan.protected if os.path.lexists(p)),
        },
        "hooks": [
            {
                "client": hook.client,
                "settings": hook.path,
                "shown": how_shown(hook),
                **({"missing": hook.missing} if hook.missing else {}),
            }
            for hook in start.hooks
        ],
        "losses": [loss_json(loss, accepted) for loss in start.losses],
    }


def how_shown(hook: InstalledHook) -> str:
    """What of the settings that name a hook is there inside: `whole`, the `hook` alone, or `nothing`."""
    return "whole" if hook.whole else "hook" if hook.text else "nothing"


def loss_json(loss: Loss, accepted: frozenset[str]) -> Json:
    """A loss in its JSON form."""
    witness = None if loss.witness is None else request_json(loss.witness)
    if witness is not None and loss.witness is not None and loss.witness.confined:
        witness["confined"] = True
    out: Json = {"code": loss.code, "held": loss.held, "what": loss.about, "remediation": loss.remedy}
    if witness is not None:
        out["witness"] = witness
    if loss.rule is not None:
        out["rule"] = {"id": loss.rule.id, "file": loss.rule.file, "line": loss.rule.line}
    if loss.held == NOT_HELD:
        out["accepted"] = loss.code in accepted
    return out
