"""CMD021 secret-printing."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD021",
    name="secret-printing",
    severity="warning",
    evidence="fact",
    finds="A rule lets an agent run what prints secrets: `gh auth token`, `kubectl get secret`, cloud tokens.",
    why="What is printed is in the context window, and in the log.",
    remediation="Delete the rule; give single secrets by name with `use`.",
    bad="""\
import std.baseline
allow run "kubectl get **"
""",
    good="""\
import std.baseline
allow run "kubectl get {pods,services} **"
""",
    near=(
        """\
import std.baseline
allow run "env **"
""",
    ),
    shows="secret",
    function=of_kinds("secret", note="it prints secrets"),
)
