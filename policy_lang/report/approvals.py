"""Tickets as people read them who decide: what exactly is asked, what it would do, why, and who has said what."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from os.path import basename

from ..approvals.ticket import parts_of
from ..audit.disk_snapshot import Recorded
from ..domain.actions import PATH, SORT_OF
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.strict_json import Json
from ..facts.paths import ROOT, Roots, path_forms
from .content import render_contents
from .decisions import BEHIND_WALLS
from .style import colour, show_resource, visible, with_ends, words

_SHADES = {
    "superseded": "dim",
    "expired": "dim",
    "pending": "ask",
    "escalated": "ask",
    "approved": "allow",
    "redeemed": "allow",
}
_PLACE = ("destination", "cwd", "workspace", "home", "repo", "branch", "method", "shell")
_DIGITS = 8
"""Of the digest in the name of a rule without a label."""
_PARTLY = ("…", "*", " or ", " ...")


def render_tickets(waiting: list[Json], latest: list[Json], review: list[Json] | None = None) -> str:
    """What waits, what is to be reviewed, and what came of the last ones."""
    lines = [ticket_line(t) for t in waiting] or ["nothing waits"]
    if review:
        lines += ["", colour("an emergency opened these, and nobody has looked at it since:", "deny")]
        lines += [ticket_line(t) for t in review]
    if latest:
        lines += ["", colour("before:", "dim"), *(ticket_line(t) for t in latest[:10])]
    return "\n".join(lines)


def ticket_line(ticket: Json) -> str:
    """One ticket in two lines."""
    state = colour(f"{ticket['state']:<10}", _SHADES.get(ticket["state"], "deny"))
    who = visible(ticket["agent"]) or "an agent without a name"
    below = colour(visible(summary(ticket)), "dim")
    return f"{ticket['id']}  {state} {who}: {visible(headline(ticket, 90))}\n{'':18}{below}"


def headline(ticket: Json, most: int = 200) -> str:
    """What is asked, on one line; paths in a repository as they are called there."""
    asked = questions(ticket)
    known = _known_workspace(ticket)
    shown = [f"{r['action']} {_resource(_nearer(r, known), most)}" for r in asked[:3]]
    more = [f"{len(asked) - 3} more"] if len(asked) > 3 else []
    return ", and ".join([*shown, *more])


def questions(ticket: Json) -> list[Json]:
    """The requests that a ticket is for; what differs in the shell alone is one."""
    seen: dict[str, Json] = {}
    for part in parts_of(ticket["request"]):
        seen.setdefault(f"{part['action']} {part['resource']}", part)
    return list(seen.values())


def _known_workspace(ticket: Json) -> str:
    """The workspace, where more than the agent's word says that it is one; else nothing."""
    asker = ticket.get("about", {}).get("asker", {})
    workspace = str(questions(ticket)[0].get("workspace", ""))
    return workspace if "workspace" in asker.get("fixed", ()) or asker.get("checkout") else ""


def _nearer(request: Json, workspace: str) -> Json:
    """The request with a path as it is called in the workspace, when it plainly lies there."""
    resource, root = request["resource"], workspace.rstrip("/") + "/"
    if root == "/" or SORT_OF.get(request["action"]) != PATH or not isinstance(resource, str):
        return request
    rest = resource.removeprefix(root)
    plain = rest != resource and rest and ".." not in rest.split("/")
    return {**request, "resource": rest} if plain else request


def owner(ticket: Json) -> str:
    """The person who runs the agent, as the configuration says; or nothing."""
    return str(ticket.get("about", {}).get("asker", {}).get("owner", ""))


def behind(ticket: Json) -> list[tuple[str, str, str]]:
    """Who and what stands behind a question: name, value, and who says so. Nothing that only the agent says."""
    asker = ticket["about"].get("asker", {})
    request, fixed = questions(ticket)[0], asker.get("fixed", ())
    checkout, read = asker.get("checkout", {}), "read in the workspace"
    rows = [
        ("person", owner(ticket), "says the configuration"),
        ("user", asker.get("user", "") or ticket["user"], "says the kernel"),
        ("host", asker.get("host", ""), "of this service"),
        ("agent", ticket["agent"], f"known by its {asker['by']}" if "by" in asker else ""),
    ]
    if "session" in fixed:
        rows.append(("session", ticket["session"], "begun by an operator"))
    if "repo" in fixed:
        rows.append(("repository", str(request.get("repo", "")), "says the configuration"))
    else:
        rows.append(("repository", checkout.get("repository", ""), read))
    said = request.get("branch")
    differs = f"; the agent says {said}" if said and checkout.get("branch") and said != checkout["branch"] else ""
    rows.append(("branch", checkout.get("branch", "") + differs, read))
    rows += [("walls", walls(ticket), "says the launcher")]
    return [row for row in rows if row[1]]


def stated(ticket: Json) -> list[tuple[str, str]]:
    """What only the agent says: what it is for, with which program, and what nobody could look up."""
    asker = ticket["about"].get("asker", {})
    origin, request = ticket["about"].get("origin", {}), questions(ticket)[0]
    checkout, fixed = asker.get("checkout", {}), asker.get("fixed", ())
    purposes = [origin.get(name, "") for name in ("purpose", "instruction", "task")]
    rows = [("purpose", next(filter(None, purposes), ""))]
    if "repo" not in fixed and "repository" not in checkout:
        rows.append(("repository", str(request.get("repo", ""))))
    if "branch" not in checkout:
        rows.append(("branch", str(request.get("branch", ""))))
    rows += [("session", "" if "session" in fixed else ticket["session"])]
    rows += [(name, str(origin.get(name, ""))) for name in ("client", "model", "tool", "subagent")]
    return [(name, value) for name, value in rows if value]


def steps(ticket: Json) -> list[Json]:
    """What the agent did before it asked, the latest first, with how long before."""
    found = ticket["about"].get("asker", {}).get("steps", ())
    return [{**s, "ago": f"{_seconds(ticket['created'] - s['at'])} before"} for s in found]


def why(ticket: Json) -> list[tuple[str, str, str]]:
    """Why a person is asked, each reason once: what its author says, the rule's name, and where it stands."""
    rules = ticket["about"].get("rules", ())
    rows = [(str(r.get("because", "")), rule_name(r["id"]), f"{basename(r['file'])}:{r['line']}") for r in rules]
    others = [(r, "", "") for r in ticket["reasons"] if not any(f"`{rule['id']}`" in r for rule in rules)]
    return list(dict.fromkeys([*rows, *others]))


def rules(ticket: Json) -> list[tuple[str, str]]:
    """The rules that ask, with their whole names and places."""
    return [("rule", f"{r['id']} ({r['file']}:{r['line']})") for r in ticket["about"].get("rules", ())]


def rule_name(name: str) -> str:
    """A rule's label, or what it does; of a name that was made for it without the digest."""
    label = name.rpartition("#")[2]
    head, _, tail = label.rpartition("-")
    made = head and len(tail) == _DIGITS and set(tail) <= set("0123456789abcdef")
    return head.replace("-", " ") if made else label


def more_than_asked(ticket: Json) -> list[tuple[str, str, str]]:
    """What it would do beside the very thing that is asked."""
    asked = {f"{r['action']} {_resource(r, 2000)}" for r in questions(ticket)}
    return [row for row in does(ticket) if row[0] not in asked or row[1] != "ask"]


def summary(ticket: Json) -> str:
    """Whom it waits for and how long, or how it ended."""
    times = f", asked {ticket['asked']} times" if ticket["asked"] > 1 else ""
    if ticket["state"] in {"pending", "escalated"}:
        left = ", ".join(f"{n} of {name}" for name, n in ticket["left"].items() if n)
        rest = f"needs {left}, for {_seconds(ticket['until'] - time.time())} more"
        rest += f", {ticket['assigned']} is asked" if ticket.get("assigned") else ""
    elif ticket["state"] == "superseded":
        rest = "the policy has changed since: nobody can approve or use it any more, the agent has to ask again"
    else:
        rest = ticket["why"] or ", ".join(dict.fromkeys(v["person"] for v in ticket["votes"]))
    if ticket["glass"]:
        rest += f"; `{ticket['glass']}` broke the glass"
        rest += f", reviewed by {ticket['reviewed']}" if ticket["reviewed"] else ", not reviewed"
    return rest + times


def facts(ticket: Json) -> list[tuple[str, str]]:
    """Everything that is known of a ticket, as names and values; a value may have several lines, and any character."""
    rows: list[tuple[str, str]] = []
    for request in questions(ticket):
        rows += [("action", str(request["action"])), ("resource", _resource(request, 100_000, whole=True))]
        rows += [(n, str(request[n])) for n in _PLACE if n in request]
        for name in ("context", "git"):
            rows += [(name, ", ".join(f"{k} = {v}" for k, v in request[name].items()))] if name in request else []
    about = ticket["about"]
    rows += [(name, f"{value} ({source})" if source else value) for name, value, source in behind(ticket)]
    rows += [(f"told {name}", value) for name, value in stated(ticket)]
    rows += [
        (f"told {name}", str(value)) for name, value in about.get("origin", {}).items()
        if (name, str(value)) not in stated(ticket)
    ]  # fmt: skip
    for (name, value), rule in zip(rules(ticket), about.get("rules", ()), strict=True):
        rows.append((name, value + (f": {rule['because']}" if rule.get("because") else "")))
    rows += [
        ("policy", ticket["policy"]), ("scope", covers(ticket)), ("asked at", moment(ticket["created"])),
        ("digest", ticket["digest"]),
    ]  # fmt: skip
    return [(name, value) for name, value in rows if value]


def covers(ticket: Json) -> str:
    """What an approval is for: which requests exactly, and until when."""
    minutes = limit("approval_grant_seconds") // 60
    if ticket["scope"] != "session":
        return f"once: exactly this, one time, within {minutes} min of the approval"
    if ticket["state"] == "approved":
        end = f"until {moment(ticket['good'])}"
    else:
        end = f"for {limit('approval_session_seconds') // 3600} h after the approval"
    return (
        f"session: exactly this again and again, by {ticket['agent']} in the session {ticket['session']}, {end}, "
        "or until it is revoked or the policy changes; what differs in anything is asked anew"
    )


def comments(ticket: Json) -> list[str]:
    """What people have said to each other."""
    return [f"{c['person']} at {moment(c['at'])}: {c['text']}" for c in ticket.get("comments", ())]


def walls(ticket: Json) -> str:
    """That the agent is behind walls, when it is; else nothing."""
    behind = all(part.get("confined") is True for part in parts_of(ticket["request"]))
    return BEHIND_WALLS if behind else ""


def does(ticket: Json) -> list[tuple[str, str, str]]:
    """What it would do: each effect, what the policy says of it, and for files the places that it leads to."""
    out: dict[tuple[str, str, str], None] = {}
    for request in parts_of(ticket["request"]):
        for effect in request.get("effects", ()):
            if "opaque" in effect:
                what = f"something that cannot be read: {effect['opaque']}"
            else:
                what = f"{effect['action']} {_resource(effect, 2000)}"
            what += f" ({effect['note']})" if "note" in effect else ""
            out[what, str(effect["effect"]), ", ".join(_absolute(effect, request))] = None
    return list(out)


def _absolute(effect: Json, request: Json) -> list[str]:
    """The absolute paths of a file that an effect names: as written, and where links lead."""
    resource = effect["resource"]
    if SORT_OF.get(effect["action"]) != PATH or not isinstance(resource, str) or any(p in resource for p in _PARTLY):
        return []
    disk = Recorded(request.get("disk", {}))
    cwd, workspace, home, tmp = (request.get(n) for n in ("cwd", "workspace", "home", "tmp"))
    try:
        forms = path_forms(resource, Roots(cwd, workspace, home, tmp, bool(request.get("lexical")), disk))
    except RequestError:
        return []
    words = [w for names in forms for w in names.definite if w[0] == ROOT]
    return [p for p in dict.fromkeys("/" + "/".join(w[1:]) for w in words) if p != resource]


def places(request: Json) -> list[str]:
    """The absolute paths that a request's own resource is, when it is a file: as written, and where links lead."""
    given = request["resource"]
    path = SORT_OF.get(request["action"]) == PATH and isinstance(given, str)
    whole = [given] if path and given.startswith("/") else []
    return [*whole, *_absolute(request, request)]


def near_resource(request: Json, ticket: Json) -> str:
    """What a request is about, whole; a path in a repository as it is called there."""
    return whole_resource(_nearer(request, _known_workspace(ticket)))


def whole_resource(request: Json) -> str:
    """What a request is about, whole and as it is."""
    return _resource(request, 1_000_000, whole=True)


def tiers(ticket: Json) -> list[str]:
    """Who is asked."""
    return [
        f"{t['name']}: {t['quorum']} of {', '.join(t['approvers'])}"
        + (", a reason is required" if t["reason_required"] else "")
        for t in ticket["tiers"]
    ]


def answers(ticket: Json) -> list[str]:
    """Who has said what."""
    out = [
        f"{v['person']}: {v['verdict']}{' once' if v.get('scope') == 'once' else ''} at {moment(v['at'])}"
        + (f": {v['reason']}" if v["reason"] else "")
        for v in ticket["votes"]
    ]
    if ticket["reviewed"]:
        out.append(f"{ticket['reviewed']}: reviewed: {ticket['review']}")
    return out


def render_ticket(ticket: Json, whole: bool = True) -> str:
    """All of a ticket, long contents only when it is asked for as a `whole`.

    What cannot be seen is shown as escapes, so that nothing is approved that was not read.
    """
    if "request" not in ticket:  # the agent that asked is told no more
        return f"{ticket['id']}  {ticket['state']}"
    rows = facts(ticket)
    rows += [("why asked", because) for because, name, _ in why(ticket) if not name]
    rows += [("before", f"{s['action']} {s['resource']} ({s['effect']}, {s['ago']})") for s in steps(ticket)]
    for what, effect, places in does(ticket):
        rows.append(("it does", f"{what}  ({effect}{f', really {places}' if places else ''})"))
    rows += [("tier", t) for t in tiers(ticket)] + [("answer", a) for a in answers(ticket)]
    rows += [("comment", c) for c in comments(ticket)]
    lines = [ticket_line(ticket), *render_contents(ticket, whole), ""]
    for name, value in rows:
        shown = "\n           ".join(visible(line) for line in with_ends(value).split("\n"))
        lines.append(f"{colour(f'{name:<10}', 'dim')} {shown}")
    return "\n".join(lines)


def render_stats(value: Json) -> str:
    """How people answered, rule by rule."""
    lines = [f"{value['tickets']:,} tickets in {value['days']} days" + (" (the latest)" if value["cut"] else "")]
    for row in value["rules"]:
        parts = [
            f"{row[n]} {n}" for n in ("approved", "rejected", "expired", "revoked", "superseded", "waiting") if row[n]
        ]
        parts += [f"{row['emergencies']} in an emergency"] if row["emergencies"] else []
        parts += [f"{row['unused']} not used"] if row["unused"] else []
        parts += (
            [f"answered in {_seconds(row['median_seconds'])} (median)"] if row["median_seconds"] is not None else []
        )
        lines += ["", f"{visible(row['rule'])}: {row['tickets']} tickets, asked {row['asked']} times"]
        lines.append(f"    {', '.join(parts) or 'nobody has answered yet'}")
        who = ", ".join(f"{visible(p)} {n}" for p, n in row["people"].items())
        lines += [f"    {who}"] if who else []
        lines += [colour(f"    {visible(row['finding'])}", "warning")] if row["finding"] else []
    return "\n".join(lines)


def _resource(request: Json, most: int, whole: bool = False) -> str:
    value = request["resource"]
    if isinstance(value, dict):
        return f"anything in {value.get('pattern')}"[:most]
    given = tuple(map(str, value)) if isinstance(value, list) else str(value)
    if whole:
        return given if isinstance(given, str) else words(given)
    return show_resource(given, most)


def _seconds(left: float) -> str:
    return f"{max(0, int(left))} s" if left < 120 else f"{int(left / 60)} min"


def moment(seconds: float) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
