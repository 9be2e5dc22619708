"""CMD019 remote-exec."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD019",
    name="remote-exec",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent run commands on another machine: ssh, kubectl exec, workflow runs.",
    why="No rule about files, hosts or commands holds there.",
    remediation="Grant the exact command for the exact host, or a named operation with `do`.",
    bad="""\
import std.baseline
allow run "kubectl **"
""",
    good="""\
import std.baseline
allow run "kubectl get pods"
""",
    near=(
        """\
import std.baseline
allow run "kubectl get **"
""",
    ),
    shows="kubectl",
    function=of_kinds("remote", note="it runs where no rule holds"),
)
