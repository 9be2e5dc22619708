"""The part of the protected floor that no text can say: the policy's own files."""

from __future__ import annotations

import os

from ..automata.pattern import Pattern, Sequence
from ..domain.actions import DENY, PATH
from ..domain.conditions import TRUE
from ..domain.errors import Source, Span
from ..facts.paths import ROOT, WORKSPACE
from ..ir.model import Rule


def policy_file_rules(sources: tuple[str, ...]) -> tuple[Rule, ...]:
    """One rule that denies writing and deleting the files of the set, and the folders that hold them.

    A file is named by its absolute path and by every suffix of it below the workspace, since the same policy
    usually lies in the agent's own checkout as well.
    """
    sequences: set[Sequence] = set()
    for path in sources:
        for name in {os.path.abspath(path), os.path.realpath(path)}:
            parts = tuple(p for p in name.split("/") if p)
            sequences.update((ROOT, *parts[:i]) for i in range(len(parts) + 1))
            sequences.update((WORKSPACE, *parts[i:]) for i in range(1, len(parts)))
    if not sequences:
        return ()
    pattern = Pattern(PATH, "the policy's files", tuple(sorted(sequences)))
    span = Span(Source("floor.policy", ""), 0, 0)
    return (
        Rule(
            "floor#policy-files",
            "policy-files",
            DENY,
            "",
            ("write", "delete"),
            PATH,
            (pattern,),
            (),
            (),
            (),
            TRUE,
            False,
            False,
            False,
            "an agent does not edit its own policy",
            "floor.policy",
            0,
            "floor",
            "policy-files",
            span,
        ),
    )
