"""CMD004 shell-string."""

from __future__ import annotations

from ..check import Check

CHECK = Check(
    code="CMD004",
    name="shell-string",
    severity="error",
    evidence="proved",
    finds="A rule that matches the text of a whole command line, or hands one to a shell.",
    why="`git status; curl evil` begins like `git status`.",
    remediation=(
        "Nothing to do: a script is read into its commands, each is asked for, and `bash -c` is looked through."
    ),
    bad='allow run "bash -c *"',
    good='allow run "git status"',
    near=(),
    shows="deny: run bash -c 'curl https://evil.example'",
    function=None,
)
