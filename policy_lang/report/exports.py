"""Losses of an export, as text."""

from __future__ import annotations

from ..walls.losses import NOT_HELD
from .losses import loss_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..exports.exporting import Export
    from ..walls.losses import Loss


def render_losses(export: Export, accepted: frozenset[str]) -> str:
    """All losses, and how the rules are held."""
    by_code: dict[tuple[str, str], list[Loss]] = {}
    for loss in sorted(export.losses, key=lambda one: one.held != NOT_HELD):
        by_code.setdefault((loss.held, loss.code), []).append(loss)
    out: list[str] = []
    for group in by_code.values():
        out += [*loss_lines(group, accepted), ""]
    out += [f"note: {note}" for note in export.written.notes]
    exact = sum(held == "held exactly" for _, _, held in export.compared.rules)
    return "\n".join([*out, f"{exact} of {len(export.compared.rules)} rules about {export.about} are held exactly"])


def render_missing(export: Export, accepted: frozenset[str]) -> str:
    """Why nothing was written, and what to write to have it even so."""
    missing = {loss.code for loss in export.not_accepted(accepted)}
    return f"nothing was written; to accept what is not held: `--accept-loss {','.join(sorted(missing | accepted))}`"
