"""CMD026 misspelt-command."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ...automata.pattern import Label
from ...domain.actions import COMMAND
from ...shell.profile import OPEN, Profile
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence

_CLOSE = 0.75
"""How alike words must be for one to be taken for the other misspelt (`difflib`)."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for rule in context.own_rules(action="run"):
        if rule.effect == "allow" or rule.sort != COMMAND:
            continue
        given: set[str] = set()
        for sequence in (s for p in rule.include for s in p.sequences):
            program = sequence[0]
            profile = context.engine.profiles(program) if isinstance(program, str) else None
            if profile is None:
                continue
            for wrong, right, known in _misspelt(profile, sequence, rule.with_options):
                found = context.ask("run", (*known, right)) if wrong not in given else []
                for grant in found[:1]:
                    given.add(wrong)
                    text = sentence(grant, f"the rule says `{wrong}`, which `{' '.join(known)}` does not know")
                    yield check.finding(
                        context, text, rule, content=(profile.name, wrong, right), steps=(grant.step,),
                        related=(("granted here", context.span(grant.rule)),),
                    )  # fmt: skip


def _misspelt(
    root: Profile, sequence: tuple[Label, ...], with_options: tuple[str, ...]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Words that a command does not know, each with the one that it is close to, and the command."""
    path = [root]
    plain: list[str] = [str(sequence[0])]
    options = list(with_options)
    for label in sequence[1:]:
        if not isinstance(label, str):
            break
        if label.startswith("-"):
            options.append(label)
            continue
        commands = path[-1].commands
        if commands and label not in commands:
            if not path[-1].default:
                for right in difflib.get_close_matches(label, commands, n=1, cutoff=_CLOSE):
                    yield label, right, tuple(plain)
            return
        plain.append(label)
        if commands:
            path.append(commands[label])
    if path[-1].commands or any(p.style in OPEN or p.style == "none" for p in path):
        return  # what follows may have options of its own
    known = {name for p in path for name in p.options}
    for option in options:
        name = option.partition("=")[0]
        if name.startswith("--") and known.isdisjoint({name, name.replace("--no-", "--", 1)}):
            for right in difflib.get_close_matches(name, sorted(known), n=1, cutoff=_CLOSE):
                yield name, right, tuple(plain)


CHECK = Check(
    code="CMD026",
    name="misspelt-command",
    severity="error",
    evidence="proved",
    finds="A restriction names a sub-command or an option that its program does not have, and one close to it is allowed.",
    why="A typing error in a restriction is silent, and looks like protection. The program's profile knows what it has.",
    remediation="Write what is meant. Where the program has it and the profile does not, give the profile what is missing.",
    bad="""\
allow run "npm **"
deny run "npm publsh"
""",
    good="""\
import std.baseline
allow run "git push **"
deny run "git push **" with "--force"
""",
    near=(
        """\
allow run "git status **"
deny run "git push **" with "--froce"
""",
        """\
allow run "deployctl **"
deny run "deployctl pubslih"
""",
    ),
    shows="npm publish",
    function=_find,
)
