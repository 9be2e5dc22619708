"""Begin a rule of the linter: `python scripts/new_rule.py PTH021 write-something` writes its file, to be filled in.

The tests fail until it is: each rule needs a page, an example that fires, one that is good, and near misses.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

RULES = Path(__file__).resolve().parent.parent / "policy_lang/lint/rules"
TEXT = '''"""{code} {name}."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    for grant in context.find_grants("write", ["PATTERN/**"], ["PATTERN/example"]):
        yield check.finding(context, sentence(grant, "WHAT HAPPENS THEN"), grant.rule, steps=(grant.step,))


CHECK = Check(
    code="{code}",
    name="{name}",
    severity="warning",
    evidence="proved",
    finds="WHAT A RULE GRANTS, IN ONE SENTENCE.",
    why="WHAT AN ATTACKER OR AN ACCIDENT MAKES OF IT.",
    remediation="WHAT TO WRITE INSTEAD.",
    bad='allow write "PATTERN/**"',
    good='allow write "src/**"',
    near=('allow write "NEARLY/**"',),
    shows="PATTERN/example",
    function=_find,
)
'''


def main() -> int:
    """Write the file; the exit code is 2 when the call or the code makes no sense."""
    if len(sys.argv) != 3 or not re.fullmatch(r"[A-Z]{3}[0-9]{3}", sys.argv[1]):
        print(__doc__)
        return 2
    code, name = sys.argv[1], sys.argv[2]
    if not re.fullmatch(r"[a-z]+(-[a-z]+)*", name):
        print(f"`{name}` is not a name: words in lower case with `-` between them")
        return 2
    taken = sorted(RULES.glob(f"{code.lower()}_*.py"))
    if taken:
        print(f"{code} is taken by {taken[0].name}")
        return 2
    path = RULES / f"{code.lower()}_{name.replace('-', '_')}.py"
    path.write_text(TEXT.format(code=code, name=name), encoding="utf-8")
    print(f"wrote {path.relative_to(RULES.parents[2])}; CONTRIBUTING.md has the checklist")
    return 0


if __name__ == "__main__":
    sys.exit(main())
