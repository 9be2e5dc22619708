"""An imported permission file as plain values, for JSON."""

from __future__ import annotations

from ..walls.shown import loss_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..domain.strict_json import Json
    from ..policy import Policy
    from .compare import Imported, Takeover
    from .writing import ClientExport

_SCHEMA = 1


def imported_json(made: Imported) -> Json:
    """The policy's text and what became of each permission, in its JSON form."""
    permissions = made.translated.permissions
    return {
        "schema": _SCHEMA,
        "client": permissions.client,
        "files": [source.path for source in permissions.sources],
        "policy_digest": made.translated.policy.digest,
        "text": made.translated.text,
        "asked": made.asked,
        "remarks": [text for text, _ in permissions.remarks],
        "permissions": [_outcome(one) for one in made.outcomes],
    }


def _outcome(outcome: Takeover) -> Json:
    entry = outcome.entry
    return {
        "text": entry.text,
        "file": entry.span.source.path if entry.span else None,
        "line": entry.span.line if entry.span else None,
        "effect": entry.effect,
        "fit": outcome.fit,
        "why": entry.why,
        "differences": [
            {
                "action": d.asked.action, "resource": d.asked.resource, "client": d.theirs, "policy": d.ours,
                "reason": d.reason,
            }
            for d in outcome.differences
        ],
    }  # fmt: skip


def client_export_json(export: ClientExport, policy: Policy, accepted: frozenset[str]) -> Json:
    """An export for a client and what of the policy it does not hold, in its JSON form."""
    return {
        "schema": _SCHEMA,
        "target": export.kind.name,
        "policy_digest": policy.digest,
        "text": export.text,
        "permissions": [{"effect": effect, "text": text} for effect, text in export.entries],
        "left_out": [{"effect": effect, "text": text} for effect, text in export.left],
        "losses": [loss_json(loss, accepted) for loss in export.losses],
    }
