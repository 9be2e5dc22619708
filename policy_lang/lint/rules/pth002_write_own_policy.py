"""PTH002 write-own-policy."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...automata.pattern import quoted
from ..capabilities import Place
from ..check import Check
from ..context import LintContext, sayable
from ..finding import Finding
from ..places import denial, row_of, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rows = [*_files(context), *context.capabilities.group("lint-config")]
    named = [r for r in rows if not r.example.startswith("/")]  # a fix names no path of this machine
    for grant in context.find_grants("write", [r.meant for r in rows], [r.example for r in rows]):
        row = row_of(rows, grant)
        yield check.finding(
            context, sentence(grant, row.note), grant.rule, content=(row.note,), steps=(grant.step,),
            fixes=denial(context, ("write",), named, grant, row),
        )  # fmt: skip


def _files(context: LintContext) -> Iterator[Place]:
    """The files of the policy set, as they lie in the agent's checkout and on this machine.

    A file whose name no pattern can say is left out: no rule can name it.
    """
    for module in context.modules:
        shown = os.path.normpath(module.file.source.path)
        paths = [module.path] if shown.startswith(("/", "..")) else [shown, module.path]
        for path in paths:
            if sayable("write", quoted(path)):
                yield Place("policy", quoted(path), path, "it is the policy that holds the agent", "")


CHECK = Check(
    code="PTH002",
    name="write-own-policy",
    severity="error",
    evidence="proved",
    finds=(
        "A rule lets an agent write the policy that holds it, one of the files that this policy imports or "
        "stands within, or the linter's configuration."
    ),
    why=(
        "An agent that edits its own policy has every right. The protected floor denies it, unless a rule "
        "says `override protected`."
    ),
    remediation="Delete the override. Policies change by review, not by the agents that they hold.",
    bad='allow write "**" override protected',
    good="""\
import std.baseline
allow write "src/**"
""",
    near=(
        """\
import std.baseline
allow write "policies/notes.md"
""",
    ),
    shows="example.policy",
    function=_find,
    critical=True,
)
