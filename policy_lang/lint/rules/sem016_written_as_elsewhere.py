"""SEM016 written-as-elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.witness import Witness
from ..check import Check
from ..context import LintContext, reworded, words
from ..elsewhere import ProbableMeaning, readings
from ..finding import Finding, Fix, Step
from ..places import request_text, sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules():
        written = words(context, rule)
        for word, following in zip(written, [*written[1:], None], strict=False):
            action = rule.actions[0]
            behind = following.text if following else ""
            for one in readings(action, rule.effect, word.text, behind, context.engine.profiles):
                found = _shown(context, action, rule.effect, word.text, one)
                if found is None and not one.sure:
                    continue
                text, steps = (found[0], (found[1],)) if found is not None else (f"`{word.text}`", ())
                fix = Fix(f"write `{one.pattern}`", (reworded(rule, word, one.pattern),), rule.effect != "allow")
                yield check.finding(
                    context, f"{text}: {one.note}; write `{one.pattern}`", rule, content=(word.text,), steps=steps,
                    fixes=(fix,),
                )  # fmt: skip


def _shown(context: LintContext, action: str, effect: str, text: str, one: ProbableMeaning) -> tuple[str, Step] | None:
    """What shows that a pattern is not what it may be meant as, if the policy does show it."""
    asked = context.ask(action, one.example) or (context.ask(action, one.other) if one.other else [])
    if effect != "allow":
        asked = asked or context.find_grants(action, [one.pattern], but=[text])
        return (sentence(asked[0], f"`{text}` does not stop it"), asked[0].step) if asked else None
    step = context.step(Witness(action, one.example, {}, None, context.layout))
    return None if asked or step.effect != "deny" else (f"`{text}` does not grant {request_text(step)}", step)


CHECK = Check(
    code="SEM016",
    name="written-as-elsewhere",
    severity="warning",
    evidence="proved",
    finds=(
        "A pattern that means something else where its author may come from: `.gitignore`, a shell, a regular "
        "expression, git, another agent's permissions."
    ),
    why=(
        "Here a pattern is exact: a command without `**` has no further word, a path without `**/` stands at the "
        "top, `/` is the machine's root, `origin/main` is a branch of that name, and tools are `server.tool`."
    ),
    remediation="Write what is meant; the finding says how. What is meant as it stands says so in a suppression.",
    bad="""\
import std.baseline
allow run "git **"
allow push "main"
deny run "git push"
""",
    good="""\
import std.baseline
allow run "git **"
allow push "main"
deny run "git push **"
""",
    near=(
        """\
allow run "git push"
deny run "git push"
""",
        'allow run "npm run test:*"',
        'allow run "make", "test"',
        'allow write "app/[a-z]/x.ts", "app/[[]slug]/page.tsx"',
    ),
    shows="git push",
    function=_find,
)
