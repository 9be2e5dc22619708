"""`python -m tests.agents.answers CLIENT`: ask a client again, and write its answers down."""

from __future__ import annotations

import sys

from policy_lang.foreign.formats import format_named
from tests.foreign.answered import CLIENTS, Case, cases, write

from . import claude_asked, codex_asked, gemini_asked, opencode_asked

_ASKED = {"claude": claude_asked, "codex-rules": codex_asked, "gemini": gemini_asked, "opencode": opencode_asked}


def version(client: str) -> str | None:
    """The version that is installed; None where none is."""
    return _ASKED[client].version()  # type: ignore[attr-defined,no-any-return]


def asked_again(client: str, case: Case) -> Case:
    """The case with the program's answers; of an exported policy that is in its file, and of a file without it."""
    answers = _ASKED[client].answers  # type: ignore[attr-defined]
    asked = [one for one, _ in case.answers]
    found = list(zip(asked, answers(case.texts, asked), strict=True))
    return Case(case.name, case.files, found, case.policy, answers(without(client), asked) if case.policy else [])


def without(client: str) -> dict[str, str]:
    """A client's file that no policy was exported to."""
    kind = format_named(client)
    return {kind.place: kind.writer().text((), "")}


def main(clients: list[str]) -> int:
    """Write them. Exits 1 where a program is not installed."""
    for client in clients or CLIENTS:
        found = version(client)
        if found is None:
            sys.stderr.write(f"{client} is not installed; `scripts/agents.sh` does it\n")
            return 1
        write(client, found, [asked_again(client, case) for case in cases(client)])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
