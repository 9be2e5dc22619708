"""SEM017 never-passes."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.query import query
from ...analysis.witness import Witness
from ...automata.pattern import expand_braces
from ...domain.actions import COMMAND
from ...domain.decision import Effect
from ...domain.limits import limit
from ...ir.model import Rule
from ..check import Check
from ..context import LintContext, sayable, wanted
from ..examples import commands, split
from ..finding import Finding
from ..places import request_text, verb

_MOST = limit("query_tries")
"""Commands that are tried for one pattern, and resources of one action that are put into them."""
_FILES = ("read", "write", "delete")


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    if context.ceiling:
        return
    for rule in context.own_rules(action="run"):
        if rule.effect == "deny" or rule.sort != COMMAND or rule.with_options:
            continue
        for pattern in rule.include:
            found = _never(context, rule, pattern.text) if pattern.text != "opaque" else None
            if found is not None:
                witness, effect = found
                step = context.step(witness, "as the rule grants it")
                resource = effect.resource if isinstance(effect.resource, str) else " ".join(effect.resource)
                does = (
                    verb(effect.action).partition(" ")[0] if "…" in resource else f"{verb(effect.action)} `{resource}`"
                )
                example = "" if request_text(step) == f"`{pattern.text}`" else f"{request_text(step)} "
                text = f"`{pattern.text}` never passes: {example or 'it '}has to {does}, and nothing grants that"
                milder = "info" if effect.action in _FILES and not _files_allowed(context) else ""
                yield check.finding(
                    context, text, rule, content=(pattern.text,), steps=(step,), severity=milder
                )  # fmt: skip


def _files_allowed(context: LintContext) -> bool:
    """False in a module of commands, which leaves the workspace's files to the policies that import it."""
    rules = (r for r in context.policy.layers[0].rules if r.effect == "allow" and set(_FILES) & set(r.actions))
    return any(not p.text.startswith(("~", "/", "$")) for r in rules for p in r.include)


def _never(context: LintContext, rule: Rule, text: str) -> tuple[Witness, Effect] | None:
    """A command of a pattern and what it lacks, if every command of it lacks the like."""
    lacking: list[tuple[Witness, Effect]] = []
    alternatives = expand_braces(text, limit("pattern_alternatives"))
    if len(alternatives) > _MOST:
        return None
    for words in (w for one in alternatives for w in commands(context, one)):
        for given in context.principals("run"):
            witness = Witness("run", words, given, None, context.layout)
            decision = context.engine.decide(witness.request(context.policy))
            if decision.effect != "deny":
                return None
            own = [e for e in decision.effects if e.action == "run" and e.resource == words]
            if not any(rule.id in {r.id for r in (*e.verdict.rules, *e.verdict.support)} for e in own):
                continue  # another rule's, or nobody's
            missing = next((e for e in decision.effects if e.verdict.effect == "deny" and not e.free), None)
            if missing is None or missing.verdict.rules or missing.verdict.undecided or missing.supposed:
                return None  # a denial is the reason, or the command is not understood
            lacking.append((witness, missing))
    exact = not set("*?[") & set(text)
    if lacking and (exact or all(_granted_by_nobody(context, w, e, text) for w, e in lacking)):
        return min(lacking, key=lambda found: "…" in str(found[1].resource))
    return None


def _granted_by_nobody(context: LintContext, witness: Witness, effect: Effect, text: str) -> bool:
    """True when no rule grants the action of an effect, or none what the word of the pattern stands for."""
    action = effect.action
    if action == "run":
        return False
    if not any(action in r.actions and r.grants for la in context.policy.layers for r in la.rules):
        return not any(action in d.actions or not d.actions for la in context.policy.layers for d in la.defaults)
    words = witness.resource
    shown = [p for p, w in zip(split(text), words, strict=False) if w == effect.resource and sayable(action, p)]
    return any(not query(context.engine, (action,), wanted(action, [p]), side=context.side).grants for p in shown[:1])


CHECK = Check(
    code="SEM017",
    name="never-passes",
    severity="warning",
    evidence="proved",
    finds="A granted command that is denied whatever its words are, because nothing grants what it does.",
    why=(
        "A command is decided by what it does: to read, write, connect or push is granted by rules of their own. An `ask` "
        "of that kind asks nobody, and the agent meets a denial that its author did not mean."
    ),
    remediation='Grant what the command does: `allow push "agent/**"` beside `git push`, `allow read "./"` beside `cat`.',
    bad="""\
tier review { approvers "@team" }
ask review run "git push **"
""",
    good="""\
tier review { approvers "@team" }
ask review run "git push **"
allow push "agent/**"
""",
    near=(
        """\
import std.baseline
allow read "src/**"
allow run "cat **", "git status"
""",
        """\
import std.baseline
allow write "src/**"
allow run "sed -i s/a/b/ src/*.ts"
allow read "src/**"
""",
    ),
    shows="git push",
    function=_find,
)
