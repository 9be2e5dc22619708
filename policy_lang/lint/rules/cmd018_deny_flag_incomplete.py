"""CMD018 deny-flag-incomplete."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.actions import COMMAND
from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    for rule in ground.own_rules("deny", "run"):
        if rule.sort != COMMAND:
            continue
        for sequence in (s for p in rule.include for s in p.sequences):
            program = sequence[0]
            if not isinstance(program, str) or ground.engine.profiles(program) is not None:
                continue
            words = [x for x in sequence if isinstance(x, str)]
            options = [o for o in (*rule.with_options, *words) if o.startswith("--") and len(o) > _SHORTEST]
            plain = [w for w in words if not w.startswith("-")]
            for option in options[:_MOST]:
                found = ground.probe("run", (*plain, option[1:3]))
                for reach in found[:1]:
                    text = sentence(reach, f"`{option}` is denied, and many programs take `{option[1:3]}` for it")
                    yield ground.finding(
                        check, text, rule, content=(program, option), steps=(reach.step,),
                        related=(("granted here", ground.span(reach.rule)),),
                    )  # fmt: skip


_SHORTEST = 4
_MOST = 4


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
    mend="Allow what is needed instead of denying what is known, or give the program a profile.",
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
    look=_look,
)
