"""PTH003 write-agent-config."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="PTH003",
    name="write-agent-config",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent write the configuration of coding agents: hooks, MCP servers, sandbox and "
        "approval settings, command rules."
    ),
    why=(
        "The next session starts with what this one wrote: hooks run programs without asking, and settings "
        "can switch the gate off that asks this policy."
    ),
    remediation="Deny these files; `import std.baseline` does. A person edits them.",
    bad='allow write ".claude/**" override protected',
    good="""\
import std.baseline
allow write "**"
""",
    near=('allow write "docs/claude/**", "src/codex/config.toml"',),
    shows=".claude/settings.json",
    function=into("agent-config"),
)
