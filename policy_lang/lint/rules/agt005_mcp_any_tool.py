"""AGT005 mcp-any-tool."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    servers = {p.text.partition(".")[0] for r in ground.own_rules("allow", "call") for p in r.include if "." in p.text}
    named = sorted(s for s in servers if s and not set(s) & set("*?[{"))
    seen: set[str] = set()
    for tool in ("some-server.delete_everything", *(f"{s}.delete_repository" for s in named)):
        for reach in ground.probe("call", tool):
            if reach.rule.id not in seen:
                seen.add(reach.rule.id)
                yield ground.finding(
                    check, sentence(reach, "a tool that no rule names"), reach.rule, steps=(reach.step,)
                )


CHECK = Check(
    code="AGT005",
    name="mcp-any-tool",
    severity="error",
    evidence="proved",
    finds="A rule grants every tool of a server, or every server.",
    why="Servers have tools that write, delete and send, and get new ones with an update that nobody reads.",
    mend="Name the tools, or their verbs: `github.{get,list,search}_*`.",
    bad='allow call "github.*"',
    good='allow call "github.{get,list,search}_*"',
    near=(
        """\
tier review { approvers "@t" }
ask review call "github.*"
""",
    ),
    shows="github.delete_repository",
    look=_look,
)
