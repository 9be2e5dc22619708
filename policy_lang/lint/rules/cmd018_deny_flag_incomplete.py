"""CMD018 deny-flag-incomplete."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import COMMAND
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules("deny", "run"):
        if rule.sort != COMMAND:
            continue
        for sequence in (s for p in rule.include for s in p.sequences):
            program = sequence[0]
            if not isinstance(program, str) or context.engine.profiles(program) is not None:
                continue
            words = [x for x in sequence if isinstance(x, str)]
            options = [o for o in (*rule.with_options, *words) if o.startswith("--") and len(o) > _SHORTEST]
            plain = [w for w in words if not w.startswith("-")]
            for option in options[:_TRIED]:
                found = context.ask("run", (*plain, option[1:3]))
                for grant in found[:1]:
                    text = sentence(grant, f"`{option}` is denied, and many programs take `{option[1:3]}` for it")
                    yield check.finding(
                        context, text, rule, content=(program, option), steps=(grant.step,),
                        related=(("granted here", context.span(grant.rule)),),
                    )  # fmt: skip


_SHORTEST = 4
_TRIED = 4


CHECK = Check(
    code="CMD018",
    name="deny-flag-incomplete",
    severity="error",
    evidence="proved",
    finds="One spelling of an option is denied, and another one of the same program stays allowed.",
    why=(
        "`-f` is `--force` to many programs. Of programs with a profile the engine knows all spellings; "
        "of the others it knows what is written."
    ),
    remediation="Allow what is needed instead of denying what is known, or give the program a profile.",
    bad="""\
allow run "deployctl **"
deny run "deployctl **" with "--force"
""",
    good='allow run "deployctl status **"',
    near=(
        """\
allow run "git push **"
deny run "git push **" with "--force"
""",
    ),
    shows="-f",
    function=_find,
)
