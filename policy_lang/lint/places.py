"""Looking for grants that reach places which mean more than they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ..analysis.members import first_of, matching
from ..analysis.witness import Witness
from ..domain.errors import Span
from ..domain.limits import limit
from ..ir.model import Rule
from ..syntax import emit
from ..syntax.tree import Header, TierDef
from .baseline import baseline
from .capabilities import Place
from .check import Check, CheckFunction
from .context import Grant, LintContext, noted, wanted, who
from .finding import Edit, Finding, Fix, Step

UNNAMED = "https://unnamed-host.example/"
"""A host that no rule names (RFC 2606 reserves the ending): what grants it grants any."""

AUTHORITIES = (
    "{**,~/**,/**}/{cacert,cacerts,ca-bundle,ca-certificates,tls-ca-bundle,roots}.pem",
    "/etc/{ssl/certs,ca-certificates,pki/ca-trust,pki/tls/certs}/**", "/etc/{ssl,pki/tls}/cert.pem",
    "/usr/{lib/ssl,share/ca-certificates,local/share/ca-certificates}/**",
)  # fmt: skip
"""Certificates that programs check hosts with: no key is in them."""

_VERBS = {"connect": "reach", "push": "push to", "delete-ref": "delete", "setenv": "set", "merge": "merge into"}


def verb(action: str) -> str:
    """The verb of an action in a sentence: mostly the action itself."""
    return _VERBS.get(action, action)


def request_text(step: Step) -> str:
    """What a step asks for, for a message."""
    resource = step.witness.resource
    text = " ".join(resource) if isinstance(resource, tuple) else resource
    method = f"{step.witness.method} " if step.witness.method not in {None, "GET"} else ""
    return f"`{method}{text}`"


def sentence(grant: Grant, note: str = "") -> str:
    """Who may do what, and what that means."""
    text = f"{who(grant)} may {verb(grant.step.witness.action)} {request_text(grant.step)}"
    return f"{text}: {note}" if note else text


def row_of(rows: Sequence[Place], grant: Grant) -> Place:
    """The row that a request falls in."""
    place = _finder(grant.step.witness.action, tuple(r.meant for r in rows))(grant.step.witness)
    return rows[place or 0]


@lru_cache(maxsize=limit("lint_finders"))
def _finder(action: str, patterns: tuple[str, ...]) -> Callable[[Witness], int | None]:
    return first_of(wanted(action, patterns))


def into(
    group: str,
    actions: tuple[str, ...] = ("write",),
    *,
    named: bool = False,
    but: tuple[str, ...] = (),
    milder: Callable[[Step], bool] | None = None,
) -> CheckFunction:
    """A rule that finds each grant that reaches a group of places, `but` for some; the fix denies the whole group.

    With `named` a rule that grants any host is left out: that is said once, elsewhere. `milder` says of which requests
    the finding is a warning.
    """

    def function(context: LintContext, check: Check) -> Iterator[Finding]:
        rows = context.capabilities.group(group)
        anywhere = {r.rule.id for r in context.ask("connect", UNNAMED)} if named else set[str]()
        for action in actions:
            found = context.find_grants(action, [r.meant for r in rows], [r.example for r in rows], but)
            for grant in (r for r in found if r.rule.id not in anywhere):
                row = row_of(rows, grant)
                fixes = denial(context, actions, rows, grant, row)
                yield check.finding(
                    context, sentence(grant, row.note), grant.rule, content=(action, row.id),
                    steps=(noted(grant.step, row.note),), rows=(row.id,), fixes=fixes,
                    severity="warning" if milder is not None and milder(grant.step) else "",
                )  # fmt: skip

    return function


def denial(
    context: LintContext, actions: tuple[str, ...], rows: Sequence[Place], grant: Grant, row: Place
) -> tuple[Fix, ...]:
    """A denial of all the places that the policy has rules about."""
    if grant.rule.override:
        whole = context.remove(grant.rule, "delete the rule that overrides the protected floor", safe=False)
        return (*_protected(context, grant.rule), *whole)
    verbs = list(dict.fromkeys((*actions, *(("delete",) if "write" in actions else ()))))
    return (
        context.deny(verbs, (_bare(verbs, r.pattern) for r in rows), row.note),
        *((import_baseline(context),) if _missed(context, grant) else ()),
        *context.remove(grant.rule, safe=False),
    )


def _protected(context: LintContext, rule: Rule) -> tuple[Fix, ...]:
    """The rule without `override protected`: what else it grants stays."""
    statement = context.statement(rule) if context.own(rule) else None
    clause = statement.clause("override") if statement is not None else None
    if clause is None:
        return ()
    source, (start, end) = rule.span.source, clause.pos
    start -= len(source.text[:start]) - len(source.text[:start].rstrip())
    return (Fix("leave the protected floor as it is", (Edit(Span(source, start, end), ""),), True),)


def import_baseline(context: LintContext) -> Fix:
    """The standard library's denials, brought in behind the policy's name."""
    items = context.program.root.file.items
    header = next((i for i in items if isinstance(i, Header)), None)
    at = header.pos[1] if header is not None else 0
    text = "\nimport std.baseline\n" if header is not None else "import std.baseline\n"
    return Fix("import std.baseline", (Edit(Span(context.source, at, at), text),), True)


def _missed(context: LintContext, grant: Grant) -> bool:
    """True when `std.baseline` is not imported and would deny it."""
    if any(r.module == "std.baseline" for layer in context.policy.layers for r in layer.rules):
        return False
    action, witness = grant.step.witness.action, grant.step.witness
    about = [r for r in baseline() if action in r.actions]
    return any(matching(r.include, witness) and not matching(r.exclude, witness) for r in about)


def _bare(actions: Sequence[str], pattern: str) -> str:
    """The pattern without the methods that may stand in front of one of `connect`."""
    _, space, rest = pattern.partition(" ")
    return rest if space and "connect" in actions else pattern


def protected_fix(context: LintContext, action: str, patterns: Sequence[str], because: str) -> tuple[Fix, ...]:
    """An approval for some refs where the policy has a tier of its own, else a denial."""
    defined = [i.name.text for m in context.modules for i in m.file.items if isinstance(i, TierDef) and i.defined]
    if not defined:
        return (context.deny([action], patterns, because),)
    asked = emit.rule("ask", [action], patterns, tier=defined[0], because=because)
    return (context.append(f"ask `{defined[0]}` for it", asked),)
