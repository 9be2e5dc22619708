"""Findings from traces of several steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .check import Check, Look
from .closure import Trace, rows_of
from .finding import Finding, Fix
from .ground import Ground
from .places import VERBS, request_text


def traced(
    find: Callable[[Ground], list[Trace]],
    sentence: str,
    fixes: Callable[[Ground, Trace], tuple[Fix, ...]] | None = None,
) -> Look:
    """A rule that reports traces. `sentence` says what they come to; it follows the requests."""

    def look(ground: Ground, check: Check) -> Iterator[Finding]:
        for trace in () if ground.ceiling else find(ground):
            own = [r for r in trace.rules if ground.own(r)]
            primary = own[0] if own else trace.rules[0]
            related = tuple(
                ("the other step" if len(trace.rules) == 2 else "another step", ground.span(r))
                for r in {r.id: r for r in trace.rules}.values()
                if r is not primary
            )
            steps = " then ".join(
                f"{VERBS[s.witness.action]} {request_text(s)}" for s in trace.steps if s.effect != "deny"
            )
            yield ground.finding(
                check, f"{steps}: {sentence.replace('{what}', trace.what)}", primary,
                content=tuple(sorted(r.key for r in trace.rules)), related=related, steps=trace.steps,
                trace=True, rows=rows_of(trace), fixes=fixes(ground, trace) if fixes is not None else (),
            )  # fmt: skip

    return look


def deny_written(because: str) -> Callable[[Ground, Trace], tuple[Fix, ...]]:
    """A denial of writing what the first step writes; it may be what the agent is there for, so it is not safe."""

    def fix(ground: Ground, trace: Trace) -> tuple[Fix, ...]:
        made = ground.deny("write", [trace.what], because)
        fixes = [Fix(f"deny writing `{trace.what}`", made.edits, safe=False)]
        fixes += [Fix(f.title, f.edits, safe=False) for r in trace.rules[:1] for f in ground.remove(r)]
        return tuple(fixes)

    return fix
