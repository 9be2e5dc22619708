"""AGT005 mcp-any-tool."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..context import LintContext
from ..finding import Finding
from ..places import sentence


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    servers = {p.text.partition(".")[0] for r in context.own_rules("allow", "call") for p in r.include if "." in p.text}
    named = sorted(s for s in servers if s and not set(s) & set("*?[{"))
    seen: set[str] = set()
    for tool in ("some-server.delete_everything", *(f"{s}.delete_repository" for s in named)):
        for grant in context.ask("call", tool):
            if grant.rule.id not in seen:
                seen.add(grant.rule.id)
                yield check.finding(
                    context, sentence(grant, "a tool that no rule names"), grant.rule, steps=(grant.step,)
                )


CHECK = Check(
    code="AGT005",
    name="mcp-any-tool",
    severity="error",
    evidence="proved",
    finds="A rule grants every tool of a server, or every server.",
    why="Servers have tools that write, delete and send, and get new ones with an update that nobody reads.",
    remediation="Name the tools, or their verbs: `github.{get,list,search}_*`.",
    bad='allow call "github.*"',
    good='allow call "github.{get,list,search}_*"',
    near=(
        """\
tier review { approvers "@t" }
ask review call "github.*"
""",
    ),
    shows="github.delete_repository",
    function=_find,
)
