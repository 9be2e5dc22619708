"""Modules of the standard library that policies are compared with."""

from __future__ import annotations

from functools import cache

from ..compiler.load import compile_text
from ..ir.model import Rule


@cache
def baseline() -> tuple[Rule, ...]:
    """The denials of `std.baseline`."""
    return _rules('guardrail "with"\nimport std.baseline\n', "std.baseline")


@cache
def operations() -> tuple[Rule, ...]:
    """The asks of `std.operations`."""
    text = 'guardrail "with"\ntier operations { approvers "@people" }\nimport std.operations\n'
    return _rules(text, "std.operations")


def _rules(text: str, module: str) -> tuple[Rule, ...]:
    policy = compile_text(text, "with.policy")
    return tuple(r for layer in policy.layers for r in layer.rules if r.module == module)
