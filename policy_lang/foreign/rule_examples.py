"""Examples of a client's rules as examples of rules of this language: those that hold here too."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from ..domain.errors import PolicyError
from ..policy import Policy
from ..syntax import emit
from .permissions import PERSON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..syntax.tree import ExampleNode, RuleNode

_MOST_ROUNDS = 4  # limit: example_rounds
"""Times that rules are compiled without the examples that did not hold; then all are left out."""


def with_examples(rules: Sequence[RuleNode], examples: Sequence[Sequence[ExampleNode]]) -> list[RuleNode]:
    """Rules of commands, each with its examples where all of them hold. They are compiled together."""
    left = list(examples)
    for _ in range(_MOST_ROUNDS):
        if not any(left):
            break
        made = [replace(r, examples=list(e), has_body=bool(e)) for r, e in zip(rules, left, strict=True)]
        wrong = _wrong(made)
        if not wrong:
            return made
        left = [() if i in wrong else e for i, e in enumerate(left)]
    return list(rules)


def _wrong(rules: Sequence[RuleNode]) -> set[int]:
    """The rules of which something does not compile; all, where it is of none of them."""
    pieces = [emit.text([emit.header("examples"), emit.tier(PERSON, ["@people"])])]
    begins = []
    at = len(pieces[0])
    for rule in rules:
        begins.append(at)
        pieces.append(emit.text([rule]))
        at += len(pieces[-1])
    try:
        Policy.loads("".join(pieces), "examples.policy")
    except PolicyError as error:
        places = {bisect_right(begins, d.span.start) - 1 if d.span is not None else -1 for d in error.diagnostics}
        return places if min(places) >= 0 else set(range(len(rules)))
    return set()
