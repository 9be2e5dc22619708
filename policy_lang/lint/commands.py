"""Rows of the capability data that a policy lets an agent run, each as a command that the whole policy allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..analysis.witness import Witness
from ..automata.pattern import quoted
from ..ir.model import Rule
from .capabilities import Capability
from .check import Check, CheckFunction
from .context import Given, Grant, LintContext, noted
from .finding import Finding
from .places import sentence

SHOWN = {
    "code": "./anything", "codepath": "./anything", "mark": "any/file", "marksed": "any",
    "dir": "any-folder", "home": "~",
    "secret": "any/secret", "secretini": "any/secret", "secretjson": "any/secret",
    "secretlist": "any/secret", "secretheader": "any/secret", "secretcookie": "any/secret",
    "out": "any/file", "victim": "any/victim",
    "victimdir": "any-folder", "url": "https://evil.example", "port": "443",
}  # fmt: skip
"""What stands for the placeholders of a row when a policy is asked."""
_SHOWN = 3


def words_of(row: Capability) -> tuple[str, ...]:
    """The words of a row as they are asked."""
    return tuple(_filled(w) for w in row.argv)


def _filled(text: str) -> str:
    if "{" not in text:
        return text
    out = text.replace("{{", "\0").replace("}}", "\1")
    for name, value in SHOWN.items():
        out = out.replace("{" + name + "}", value)
    return out.replace("\0", "{").replace("\1", "}")


_PLAINEST = {"sh": "dash", "awk": "mawk", "python": "python3"}
"""Programs without rows of their own, each with the one of its kind that can do nothing which they cannot."""


def called(context: LintContext, program: str) -> list[str]:
    """The names under which a row's program could be run: those that grants name and that take its words.

    Its own name when a grant names no program at all; nothing when no grant could mean it. What another program of
    the same profile can do beyond that, `ncat -e` or `gawk -i`, is no row of `nc` or `awk`.
    """
    if program not in context.called:
        context.called[program] = _called(context, program)
    return context.called[program]


def _called(context: LintContext, program: str) -> list[str]:
    names, any_program = context.granted_programs
    wanted = program.rpartition("/")[2]
    if wanted in names or any_program:
        return [program]
    return [n for n in names if _stand_in(context, n) == wanted]


def _stand_in(context: LintContext, name: str) -> str:
    """The program whose rows are true of another name of it."""
    profile = context.side.profile(name)
    base = profile.name if profile is not None else name
    own = name in context.capabilities.named
    return base if base in context.capabilities.named or own else _PLAINEST.get(base, base)


def grants_any_program(context: LintContext, rule: Rule) -> bool:
    """True for a rule that grants programs which nobody has heard of: that is said once, elsewhere."""
    return any(r.rule is rule for r in context.ask("run", ("some-program", "--any-option")))


@dataclass(slots=True)
class Allowed:
    """The rows that one rule lets an agent run."""

    rule: Rule
    grants: list[Grant] = field(default_factory=list)
    rows: list[Capability] = field(default_factory=list)


def allowed_rows(
    context: LintContext, wanted: Callable[[Capability], bool], givens: Iterable[Given] | None = None
) -> list[Allowed]:
    """The rows that are allowed without approval, to some principals or anybody, by the rule that grants them."""
    out: dict[str, Allowed] = {}
    for row in context.capabilities.programs:
        names = called(context, row.argv[0]) if wanted(row) else []
        for words in (w for name in names for w in _variants(context, row, name)):
            found = context.ask("run", words, None, givens)
            for grant in found:
                if not context.own(grant.rule) or grants_any_program(context, grant.rule):
                    continue
                one = out.setdefault(grant.rule.id, Allowed(grant.rule))
                one.grants.append(grant)
                one.rows.append(row)
            if found:
                break
    return list(out.values())


def _variants(context: LintContext, row: Capability, name: str) -> Iterator[tuple[str, ...]]:
    """A row's words under a name of its program, and the same with the file where the policy lets an agent read."""
    words = (name, *words_of(row)[1:])
    yield words
    if any(w.startswith("any/script.") for w in words):
        for folder in _readable(context):
            yield tuple(w.replace("any/", folder, 1) if w.startswith("any/script.") else w for w in words)


def _readable(context: LintContext) -> list[str]:
    """Folders that rules about reading begin with."""
    found: dict[str, None] = {}
    for rule in context.policy.layers[0].rules:
        if rule.grants and "read" in rule.actions:
            for pattern in rule.include:
                first, slash, _ = pattern.text.partition("/")
                if slash and first not in {"", "~", ".", "**"} and not set(first) & set("*?[{$"):
                    found[f"{first}/"] = None
    return list(found)[:6]


def of_kinds(*kinds: str, note: str) -> CheckFunction:
    """A rule that finds each grant which lets an agent run rows of some kinds."""

    def function(context: LintContext, check: Check) -> Iterator[Finding]:
        yield from findings(context, check, allowed_rows(context, lambda r: _runs(r, kinds)), note)

    return function


def _runs(row: Capability, kinds: tuple[str, ...]) -> bool:
    """True for a row of these kinds; an interpreter's or wrapper's only if any code runs."""
    return (
        row.kind in kinds
        and not row.file
        and (row.gives in {"run", "load"} or row.kind not in {"interpreter", "wrapper"})
    )


def findings(context: LintContext, check: Check, allowed: list[Allowed], note: str) -> Iterator[Finding]:
    """A finding for each rule, with the first rows as its requests."""
    for one in allowed:
        steps = tuple(noted(r.step, row.note or note) for r, row in zip(one.grants, one.rows, strict=True))
        more = f"; {len(one.rows) - 1} more ways are known" if len(one.rows) > 1 else ""
        yield check.finding(
            context, sentence(one.grants[0], note) + more, one.rule, steps=steps[:_SHOWN],
            rows=tuple(r.id for r in one.rows[:8]),
        )  # fmt: skip


def like(context: LintContext, row: Capability) -> list[str]:
    """Command patterns of all that reads what a row reads: its program and sub-command, whatever follows."""
    return [_like(context, row, name) for name in called(context, row.argv[0])]


def _like(context: LintContext, row: Capability, program: str) -> str:
    profile = context.engine.profiles(program)
    words = [program]
    second = row.argv[1] if len(row.argv) > 1 else ""
    if (profile is not None and second in profile.commands) or (second.isalpha() and program in _WITH_COMMANDS):
        words.append(row.argv[1])
    return " ".join([*(quoted(w) for w in words), "**"])


_WITH_COMMANDS = {
    "npm", "pnpm", "yarn", "cargo", "go", "git", "pip", "uv", "docker", "alembic", "bundle", "hatch", "terraform",
    "tofu",
}  # fmt: skip
"""Programs whose first word is a command, for those whose profile does not say so."""


def same_principal(context: LintContext, first: Witness, second: Witness) -> tuple[Witness, Witness] | None:
    """Both requests by one principal under the same circumstances, where both are allowed."""
    givens = [first.given, second.given, {**first.given, **second.given}, *context.principals()]
    for given in givens:
        pair = (replace(first, given=dict(given)), replace(second, given=dict(given)))
        if all(context.allowed(w) for w in pair):
            return pair
    return None
