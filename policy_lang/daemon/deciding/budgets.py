"""The budgets of decisions."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ...domain.limits import limit


@dataclass(frozen=True, slots=True)
class Budgets:
    """What decisions may take: seconds of the processor for quick jobs and for long ones, and deciders for each."""

    quick: float = limit("quick_decision_milliseconds") / 1000
    long: float = limit("long_decision_milliseconds") / 1000
    deciders: int = max(1, min(limit("deciders"), os.cpu_count() or 1))


DEFAULT = Budgets()
