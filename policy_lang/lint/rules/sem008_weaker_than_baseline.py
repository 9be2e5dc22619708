"""SEM008 weaker-than-baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...analysis.members import matching
from ...domain.actions import PATH
from ...ir.model import Rule
from ..baseline import baseline
from ..check import Check
from ..context import Grant, LintContext
from ..finding import Finding, Step
from ..places import import_baseline, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    modules = {r.module for layer in context.policy.layers for r in layer.rules}
    if "std.baseline" in modules:
        return
    weaker: list[str] = []
    steps: list[Step] = []
    first = ""
    rules = {(a, "\n".join(p.text for p in r.include)): r for r in baseline() for a in r.actions}
    for wanted in dict.fromkeys(action for action, _ in rules):
        found = context.first_grant(wanted, [text for action, text in rules if action == wanted])
        for text, grant in found.items():
            rule = rules[wanted, text]
            if rule.label not in weaker and not _excepted(rule, grant):
                telling = _telling(context, rule, grant)
                if telling is None:
                    continue  # `.env.json` is a file of that pattern, and no secret that anybody has
                weaker.append(rule.label)
                steps.append(telling.step)
                first = first or sentence(telling, rule.because)
    if steps:
        more = f"; weaker as well: {', '.join(f'`{w}`' for w in weaker[1:])}" if len(weaker) > 1 else ""
        yield check.finding(
            context, f"{first}{more}", content=tuple(weaker), steps=tuple(steps[:4]), fixes=(import_baseline(context),)
        )


_TELLING = (".env", "~/.ssh/id_ed25519", "/proc/1/environ", ".git/config", ".claude/settings.json", "~/.bashrc", "/etc/cron.d/x",
            "~/.local/bin/git", "http://169.254.169.254/", "http://10.0.0.1/", "http://localhost:2375/")  # fmt: skip


def _excepted(rule: Rule, grant: Grant) -> bool:
    return matching(rule.exclude, grant.step.witness) is not None


def _telling(context: LintContext, rule: Rule, grant: Grant) -> Grant | None:
    """The same with an example that a reader knows; None for a path when there is no such example."""
    texts = list(_TELLING)
    if rule.sort == PATH:
        folder = str(grant.step.witness.resource).rpartition("/")[0]
        if grant.step.witness.action == "read":
            texts += [f"{folder}/{name}" if folder else name for name in _NAMES]
    for text in texts:
        witness = replace(grant.step.witness, resource=text)
        if matching(rule.include, witness) is None or matching(rule.exclude, witness) is not None:
            continue
        if context.allowed(witness):
            return replace(grant, step=context.step(witness))
    return grant if rule.sort != PATH else None


_NAMES = (".env", ".env.local", "server.pem", "id_rsa", ".npmrc", ".netrc")


CHECK = Check(
    code="SEM008",
    name="weaker-than-baseline",
    severity="warning",
    evidence="proved",
    finds="The policy does not import `std.baseline`, and allows something that it denies.",
    why="The baseline is what no coding agent needs. It grants nothing, so importing it can only narrow.",
    remediation=(
        "`import std.baseline`. Drop a part by its label where you mean to: `import std.baseline without loopback`."
    ),
    bad='allow read "**"',
    good="""\
import std.baseline
allow read "**"
""",
    near=('allow read "src/app.ts"',),
    shows=".env",
    function=_find,
)
