"""Losses of an export, as text."""

from __future__ import annotations

from ..domain.wording import counted
from ..walls.losses import NOT_HELD
from .losses import loss_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..exports.exporting import Export
    from ..foreign.writing import ClientExport
    from ..walls.losses import Loss


def render_losses(export: Export, accepted: frozenset[str]) -> str:
    """All losses, and how the rules are held."""
    out = _by_code(export.losses, accepted)
    out += [f"note: {note}" for note in export.written.notes]
    exact = sum(held == "held exactly" for _, _, held in export.compared.rules)
    return "\n".join([*out, f"{exact} of {len(export.compared.rules)} rules about {export.about} are held exactly"])


def _by_code(losses: Sequence[Loss], accepted: frozenset[str]) -> list[str]:
    """The losses of each code together, those that are not held first."""
    by_code: dict[tuple[str, str], list[Loss]] = {}
    for loss in sorted(losses, key=lambda one: one.held != NOT_HELD):
        by_code.setdefault((loss.held, loss.code), []).append(loss)
    return [line for group in by_code.values() for line in (*loss_lines(group, accepted), "")]


def render_missing(export: Export, accepted: frozenset[str]) -> str:
    """Why nothing was written, and what to write to have it even so."""
    return _nothing({loss.code for loss in export.not_accepted(accepted)} | accepted)


def _nothing(codes: set[str] | frozenset[str]) -> str:
    return f"nothing was written; to accept what is not held: `--accept-loss {','.join(sorted(codes))}`"


def render_client_export(export: ClientExport, accepted: frozenset[str]) -> str:
    """What a client's permissions do not hold, what was left out, and whether they were written."""
    out = _by_code(export.losses, accepted)
    granted = sum(effect == "allow" for effect, _ in export.entries)
    out.append(f"{counted(granted, 'grant')}, each proved to lie inside the policy; {len(export.left)} left out")
    missing = {loss.code for loss in export.not_accepted(accepted)}
    if missing:
        out.append(_nothing(missing | accepted))
    return "\n".join(out)
