"""`python -m tests.agents.claude_answers`: ask Claude Code again, and write its answers down."""

from __future__ import annotations

import sys

from tests.foreign.answered import Case, cases, write

from .__main__ import version
from .claude_asked import results
from .test_real_clients import found


def asked_again(case: Case, program: str) -> Case:
    """The case with the program's answers."""
    answered = results(program, case.texts, [asked for asked, _ in case.answers])
    pairs = zip(case.answers, answered, strict=True)
    return Case(case.name, case.files, [(asked, one.answer) for (asked, _), one in pairs])


def main() -> int:
    """Write them. Exits 1 where the program is not installed."""
    program = found("claude")
    if program is None:
        sys.stderr.write("claude is not installed; `scripts/agents.sh` does it\n")
        return 1
    write(version(program), [asked_again(case, program) for case in cases()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
