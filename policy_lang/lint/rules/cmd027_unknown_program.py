"""CMD027 unknown-program."""

from __future__ import annotations

from collections.abc import Iterator

from ...automata.pattern import quoted
from ...domain.actions import COMMAND
from ...ir.model import Rule
from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    rowed = {r.argv[0].rpartition("/")[2] for r in context.capabilities.programs}
    for rule in context.own_rules("allow", "run"):
        names = dict.fromkeys(_free(context, rule)) if rule.sort == COMMAND else {}
        patterns = [f"{quoted(name)} **" for name in names if name not in rowed]
        for grant in context.find_grants("run", patterns) if patterns else ():
            if grant.rule is rule:
                programs = ", ".join(f"`{p.partition(' ')[0]}`" for p in patterns[:_SHOWN])
                text = sentence(grant, f"nothing is known of {programs}, whatever words it is given")
                yield check.finding(context, text, rule, steps=(grant.step,))


def _free(context: LintContext, rule: Rule) -> Iterator[str]:
    """The programs of a rule that no profile describes and whose first word is free."""
    for program, *words in (s for p in rule.include for s in p.sequences):
        second = next((w for w in words if not isinstance(w, str) or not w.startswith("-")), "")
        if not isinstance(program, str) or isinstance(second, str) or "/" in program or program in _JUDGED:
            continue
        if context.side.profile(program) is None:
            yield program


_SHOWN = 3
_JUDGED = frozenset({
    ":", "bats", "brakeman", "checkov", "chktex", "composer", "cppcheck", "ctest", "dotenv-linter", "ec",
    "editorconfig-checker", "erb_lint", "hypercorn", "jcmd", "jps", "jsonlint", "jstack", "kube-linter",
    "kubeconform", "kubeval", "ldd", "minitest", "netstat", "pg_isready", "phpcs", "phpstan", "phpunit", "psalm",
    "rails", "rspec", "ss", "staticcheck", "svelte-check", "tfsec", "vale", "vmstat", "vue-tsc", "whatis",
})  # fmt: skip
"""Programs without a profile that people have judged for the standard library: it grants them with any words."""
CHECK = Check(
    code="CMD027",
    name="unknown-program",
    severity="warning",
    evidence="proved",
    finds="A rule lets an agent run a program of which nothing is known, with words of its own from the first on.",
    why=(
        "A program without a profile is taken at its words: what it reads, writes, sends or starts is decided by nobody. "
        "Shells, interpreters, wrappers and other agents' command lines are such programs as long as nobody knows them."
    ),
    remediation=(
        "Name the sub-commands: `tool {lint,format} **`. Or describe the program in a `profile`, ask for it, or grant it "
        "`when confined { ... }` alone and start the agent with `policy run`."
    ),
    bad='allow run "frobnicate **"',
    good='allow run "frobnicate {lint,format} **"',
    near=(
        'allow run "frobnicate", "frobnicate --version"',
        """\
tier review { approvers "@t" }
ask review run "frobnicate **"
""",
    ),
    shows="frobnicate",
    function=_find,
)
