"""A word that names a folder is no code that runs, and one word's meanings do not write for each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy, Request

POLICY = """policy "p"
tier review { approvers "@r" }
allow run "acme **", "bash missing.sh", "echo **", "grep **"
allow read, write "./"
ask review run opaque
deny write "**/secret"
"""


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        ("acme lint charts", "allow"),  # a folder
        ("acme lint ./charts", "allow"),
        ("acme lint ./run.sh", "deny"),  # a script that may be run
        ("acme lint ./fine.sh", "allow"),
        ("acme lint ./missing.sh", "allow"),
        ("echo x > missing.sh; bash missing.sh", "ask"),
        ("grep -rn X charts --include=*.java", "allow"),  # a glob in the value of one option
        ("grep -rn X charts --include=$Y", "deny"),
        ("grep -rn X --file=*.java charts", "ask"),
    ],
)
def test_words_of_unknown_programs_that_are_folders_or_scripts(command: str, effect: str, tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "run.sh").write_text("#!/bin/sh\necho x > secret\n")
    (tmp_path / "fine.sh").write_text("#!/bin/sh\necho x > result\n")
    place = str(tmp_path)
    request = Request("run", command, workspace=place, cwd=place, home="/nowhere", shell="bash")
    decision = Policy.loads(POLICY).decide_request(request)
    assert decision.effect == effect, decision.reasons
