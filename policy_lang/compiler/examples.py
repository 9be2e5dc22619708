"""Rule-local examples: `match "..."` and `not match "..."` hold, or the policy does not compile."""

from __future__ import annotations

from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain.actions import COMMAND
from ..domain.errors import Diagnostic, RequestError, Span
from ..engine.argv import command_truths
from ..engine.prepare import rules_table
from ..facts.paths import Roots
from ..facts.words import Names
from ..ir.model import PolicySet, Rule
from ..ir.sorts.sort import Circumstances, sort_named
from ..resolve.modules import walk_rules
from ..resolve.names import Report
from ..resolve.resolver import ResolvedPolicy
from ..shell.analyse import read_acts
from ..shell.profile import Profiles
from ..syntax import tree
from .profiles import with_own

_PLACE = Roots(workspace="/workspace", home="/home/agent", lexical=True)


def check_examples(resolved: ResolvedPolicy, policy: PolicySet) -> None:
    """Report every example that is wrong. Conditions are not looked at: an example is about the patterns."""
    rules = {(r.span.source.path, r.span.start): r for layer in policy.layers for r in layer.rules}
    for module in resolved.modules:
        for written, _ in walk_rules(module.file.items):
            rule = rules.get((module.file.source.path, written.pos[0]))
            if rule is None:
                continue
            for example in written.examples:
                for word in example.resources:
                    _check(policy, rule, example, word, module.file.span(word.pos), resolved.diagnostics.append)


def _check(
    policy: PolicySet, rule: Rule, example: tree.ExampleNode, word: tree.Word, span: Span, report: Report
) -> None:
    method = example.method.text if example.method else None
    seen = Circumstances(_PLACE, None, () if method is None else (method,))
    try:
        matched = (
            _matches_command(rule, word.text, with_own(policy.profiles))
            if rule.sort == COMMAND
            else _matches(rule, sort_named(rule.sort).words(word.text, seen))
        )
    except RequestError as error:
        report(Diagnostic("PLE406", f"the example is refused: {error.message}", span))
        return
    if matched is example.negated:
        verb = "matches" if matched else "does not match"
        report(
            Diagnostic(
                "PLE406",
                f"the rule {verb} `{word.text[:60]}`, but its example says otherwise",
                span,
                "correct the rule or the example",
                (("the rule", rule.span),),
            )
        )


def _matches(rule: Rule, forms: tuple[Names, ...]) -> bool:
    trie = Trie()
    for mark, patterns in enumerate((rule.include, rule.exclude)):
        for pattern in patterns:
            for sequence in pattern.sequences:
                trie.add(sequence, mark)
    walker = Walker(trie)
    marks = {m for names in forms for word in names.definite for m in walker.walk(word).marks}
    return 0 in marks and 1 not in marks


def _matches_command(rule: Rule, text: str, profiles: Profiles) -> bool:
    """True when the rule holds (or, if it restricts, may hold) for a command of the script, conditions aside."""
    table = rules_table((rule,), profiles)
    for act in read_acts(text, None, profiles):
        if act.action == "run":
            truths = command_truths(table, act, "/workspace", profiles)
            if any(value is True or not rule.grants for _, value in truths):
                return True
    return False
