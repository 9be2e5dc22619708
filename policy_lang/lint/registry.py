"""All rules of the linter, found by their modules."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from . import rules
from .check import Check


@cache
def checks() -> dict[str, Check]:
    """Every rule by its code, in the order of the codes."""
    found: dict[str, Check] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(rules.__path__)):
        check: Check = importlib.import_module(f"{rules.__name__}.{module}").CHECK
        found[check.code] = check
    return dict(sorted(found.items()))
