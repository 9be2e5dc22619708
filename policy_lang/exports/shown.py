"""An export and its losses as plain values, for JSON."""

from __future__ import annotations

from ..walls.shown import loss_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.request import Request
    from ..domain.strict_json import Json
    from ..policy import Policy
    from .exporting import Export

_SCHEMA = 1


def export_json(export: Export, policy: Policy, like: Request, accepted: frozenset[str]) -> Json:
    """What was written, how each rule is held, and what is not held, in its JSON form."""
    return {
        "schema": _SCHEMA,
        "target": export.target.name,
        "policy_digest": policy.digest,
        "agent": like.agent,
        "workspace": like.workspace,
        "home": like.home,
        "text": export.written.text,
        "notes": list(export.written.notes),
        "rules": [
            {"id": rule.id, "file": rule.file, "line": rule.line, "action": action, "held": held}
            for rule, action, held in export.compared.rules
        ],
        "losses": [loss_json(loss, accepted) for loss in export.losses],
    }
