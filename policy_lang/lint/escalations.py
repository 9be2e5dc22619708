"""Findings from traces of several steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .check import Check, CheckFunction
from .closure import Trace, rows_of
from .context import LintContext
from .finding import Finding, Fix
from .places import request_text, verb


def traced(
    find: Callable[[LintContext], list[Trace]],
    sentence: str,
    fixes: Callable[[LintContext, Trace], tuple[Fix, ...]] | None = None,
) -> CheckFunction:
    """A rule that reports traces. `sentence` says what they come to; it follows the requests."""

    def function(context: LintContext, check: Check) -> Iterator[Finding]:
        for trace in () if context.ceiling else find(context):
            own = [r for r in trace.rules if context.own(r)]
            primary = own[0] if own else trace.rules[0]
            related = tuple(
                ("the other step" if len(trace.rules) == 2 else "another step", context.span(r))
                for r in {r.id: r for r in trace.rules}.values()
                if r is not primary
            )
            steps = " then ".join(
                f"{verb(s.witness.action)} {request_text(s)}" for s in trace.steps if s.effect != "deny"
            )
            yield check.finding(
                context, f"{steps}: {sentence.replace('{what}', trace.what)}", primary,
                content=tuple(sorted(r.key for r in trace.rules)), related=related, steps=trace.steps,
                trace=True, rows=rows_of(trace), fixes=fixes(context, trace) if fixes is not None else (),
            )  # fmt: skip

    return function


def deny_written(because: str) -> Callable[[LintContext, Trace], tuple[Fix, ...]]:
    """A denial of writing what the first step writes; it may be what the agent is there for, so it is not safe."""

    def fix(context: LintContext, trace: Trace) -> tuple[Fix, ...]:
        made = context.deny(["write"], [trace.what], because)
        fixes = [Fix(f"deny writing `{trace.what}`", made.edits, safe=False)]
        fixes += [Fix(f.title, f.edits, safe=False) for r in trace.rules[:1] for f in context.remove(r)]
        return tuple(fixes)

    return fix
