"""Losses as text: what walls, or another sandbox, hold in another way than the policy says."""

from __future__ import annotations

import textwrap

from ..walls.losses import NOT_HELD, says

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..walls.losses import Loss

_WIDTH = 98
_FEW = 8
_VERBS = {"allow": "which `{}` allows", "ask": "about which `{}` asks", "deny": "which `{}` denies"}


def loss_lines(losses: Sequence[Loss], accepted: frozenset[str]) -> list[str]:
    """Losses of one code, with a few of the requests that show them."""
    first = losses[0]
    state = " (accepted)" if first.held == NOT_HELD and first.code in accepted else ""
    lines = [f"{first.held}: {first.code}{state}"]
    for about in dict.fromkeys(loss.about for loss in losses):
        lines += textwrap.wrap(about, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    shown = [loss for loss in losses if loss.witness is not None]
    lines += [f"  for instance: {_instance(loss)}" for loss in shown[:_FEW]]
    if len(shown) > _FEW:
        lines.append(f"  and {len(shown) - _FEW} more (`--format json` lists them)")
    return [*lines, f"  = help: {first.remedy}"]


def _instance(loss: Loss) -> str:
    assert loss.witness is not None
    return says(loss.witness) + (f", {_VERBS[loss.rule.effect].format(loss.rule.id)}" if loss.rule is not None else "")
