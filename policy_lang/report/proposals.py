"""Proposals as people read them who decide: the rules, what they would newly permit, and apart the agent's words."""

from __future__ import annotations

import unicodedata

from ..approvals.ticket import parts_of
from ..domain.strict_json import Json
from .approvals import moment, whole_resource
from .style import colour, show_resource, visible

_SHADES = {"proposed": "ask", "granted": "allow", "written": "allow", "used": "allow"}
_KINDS = {"widened": "permits", "lowered": "less approval for", "unlogged": "not flagged in the log"}
_SCOPES = {"once": "for that one call", "session": "for the session", "branch": "as a change to the policy", "": ""}


def proposal_line(proposal: Json) -> str:
    """One proposal in two lines."""
    state = colour(f"{proposal['state']:<9}", _SHADES.get(proposal["state"], "deny"))
    rules = visible(proposal["rules"].replace("\n", "; "))
    by = visible(proposal["reason"])
    if proposal["scope"]:
        by = f"{_SCOPES[proposal['scope']]}, by {visible(proposal.get('person', 'a person'))}"
    below = by or f"until {moment(proposal['until'])}"
    return f"{proposal['proposal']}  {state} {visible(proposal['agent'])}: {rules}\n{'':18}{colour(below, 'dim')}"


def render_proposals(value: Json) -> str:
    """What waits, what is granted, and what came of the latest."""
    lines = [proposal_line(p) for p in value["open"]] or ["nothing is proposed"]
    for name, title in (("granted", "granted:"), ("latest", "before:")):
        if value[name]:
            lines += ["", colour(title, "dim"), *(proposal_line(p) for p in value[name][:10])]
    return "\n".join(lines)


def request_line(request: Json) -> str:
    """A request as one would type it."""
    given = request["resource"]
    resource = tuple(map(str, given)) if isinstance(given, list) else str(given)
    method = f"{request['method']} " if request.get("method") else ""
    return f"{request['action']} {method}{show_resource(resource, 300)}"


def newly(weighed: Json) -> list[tuple[str, str, str]]:
    """What it would permit, each with how it differs and the answer until now; the shortest request as well."""
    out: dict[tuple[str, str, str], None] = {}
    for row in weighed.get("newly", ()):
        for name in ("witness", "shortest"):
            out[_KINDS[row["kind"]], request_line(row[name]), row["old"]["effect"]] = None
    return list(out)


def files(proposal: Json) -> list[str]:
    """Which tracked files it newly opens, a sentence for each action."""
    found = proposal["weighed"].get("files")
    if not found:
        return []
    out = [
        f"{action}: {row['count']} of {found['tracked']} tracked files, such as {', '.join(row['first'])}"
        for action, row in found["opened"].items()
    ]
    if found["looked_at"] < found["tracked"]:
        out.append(f"only the first {found['looked_at']} of {found['tracked']} tracked files were looked at")
    return out or [f"none of the {found['tracked']} tracked files is newly opened"]


def warnings(proposal: Json) -> list[str]:
    """What a person should know before a yes, a sentence each."""
    weighed = proposal["weighed"]
    foreign = sorted({c for c in proposal["rules"] if not c.isascii()})
    out = [f"not a letter of ASCII: `{c}` is {unicodedata.name(c, 'without a name')}" for c in foreign]
    out += [f"undecided: {why}" for why in weighed.get("undecided", ())]
    if weighed.get("more"):
        out.append(f"{weighed['more']} more such requests are not shown")
    ceiling = weighed.get("ceiling") or {}
    if ceiling.get("forbids") in {"part", "all"}:
        some = "all" if ceiling["forbids"] == "all" else "part"
        shown = "; ".join(request_line(r["witness"]) for r in ceiling["rows"][:3])
        out.append(f"a ceiling forbids {some} of it, and that stays denied: {shown}")
    if weighed["refused_call"]["effect"] == "deny":
        out.append(
            "the call that was refused would still be denied: " + "; ".join(weighed["refused_call"]["reasons"][:2])
        )
    elif weighed["refused_call"]["effect"] == "ask":
        out.append("the call that was refused would then be asked for")
    if "findings" in weighed:
        out += [f"{f['code']}: {f['message']}" for f in weighed["findings"]]
    else:
        out.append("the linter did not get to it in time")
    if "narrower" in weighed:
        out.append(
            "proved: these rules permit no more than those that were shown before" if weighed["narrower"]
            else "these rules permit MORE than those that were shown before, or that could not be excluded"
        )  # fmt: skip
    return out


def facts(proposal: Json) -> list[tuple[str, str]]:
    """Everything else that is known of a proposal, as names and values."""
    rows = [("agent", proposal["agent"]), ("session", proposal["session"]), ("asked by", proposal["user"])]
    rows += [("refused", f"{r['action']} {whole_resource(r)}") for r in parts_of(proposal["asked"])]
    if proposal["proposed"] != proposal["rules"]:
        rows.append(("the agent's", proposal["proposed"]))
    rows += [("policy", proposal["policy"]), ("proposed at", moment(proposal["created"]))]
    rows += (
        [("answer", f"{proposal['state']} by {proposal['person']}: {proposal['reason']}")] if proposal["person"] else []
    )
    rows += [("branch", proposal["branch"])]
    return [(name, value) for name, value in rows if value]


def render_proposal(proposal: Json) -> str:
    """All of a proposal. What cannot be seen is shown as escapes."""
    if "weighed" not in proposal:  # the agent that proposed it is told no more
        return proposal_line({"agent": "", **proposal})
    rows = [("rule", line) for line in proposal["rules"].split("\n")]
    rows += [(how, f"{what}  (was {before})") for how, what, before in newly(proposal["weighed"])]
    rows += [("files", line) for line in files(proposal)]
    rows += [("note", text) for text in warnings(proposal)]
    rows += facts(proposal)
    rows.append(("the agent says", f'"{proposal["purpose"]}"'))
    lines = [proposal_line(proposal), ""]
    for name, value in rows:
        shown = f"\n{'':16}".join(visible(line) for line in value.split("\n"))
        lines.append(f"{colour(f'{name:<15}', 'dim')} {shown}")
    lines.append(f"{colour('shown as'.ljust(15), 'dim')} {proposal['shown'][:12]}")
    return "\n".join(lines)


def render_within(value: Json) -> str:
    """Whether a policy is within another."""
    lines = [f"within: {value['within']}"]
    lines += [
        f"  beyond: {what}  ({how}; {before} by your own)" for how, what, before in newly({"newly": value["rows"]})
    ]
    lines += [f"  {value['more']} more such requests"] if value["more"] else []
    lines += [f"  {visible(text)}" for text in value["tiers"]]
    lines += [f"  undecided: {visible(why)}" for why in value["undecided"]]
    return "\n".join(lines)
