"""Tickets as text, for people who decide on them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from .style import colour, show_resource, visible

Json = dict[str, Any]
_SHADES = {"pending": "ask", "escalated": "ask", "approved": "allow", "redeemed": "allow"}


def render_tickets(waiting: list[Json], latest: list[Json]) -> str:
    """What waits, and what came of the last ones."""
    lines = [ticket_line(t) for t in waiting] or ["nothing waits"]
    if latest:
        lines += ["", colour("before:", "dim"), *(ticket_line(t) for t in latest[:10])]
    return "\n".join(lines)


def ticket_line(ticket: Json) -> str:
    """One ticket in two lines."""
    request = ticket["request"]
    state = colour(f"{ticket['state']:<9}", _SHADES.get(ticket["state"], "deny"))
    times = f", asked {ticket['asked']} times" if ticket["asked"] > 1 else ""
    if ticket["state"] in {"pending", "escalated"}:
        left = ", ".join(f"{n} of {visible(name)}" for name, n in ticket["left"].items() if n)
        rest = f"needs {left}, for {_seconds(ticket['until'] - time.time())} more"
    else:
        rest = visible(ticket["why"]) or ", ".join(dict.fromkeys(visible(v["person"]) for v in ticket["votes"]))
    return (
        f"{ticket['id']}  {state} {visible(ticket['agent']) or 'an agent without a name'}: "
        f"{visible(str(request['action']))} {_resource(request, 90)}\n"
        f"{'':18}{colour(rest + times, 'dim')}"
    )


def render_ticket(ticket: Json) -> str:
    """All of a ticket. What cannot be seen is shown as escapes, so that nothing is approved that was not read."""
    if "request" not in ticket:  # the agent that asked is told no more
        return f"{ticket['id']}  {ticket['state']}"
    request = ticket["request"]
    lines = [ticket_line(ticket), ""]
    rows = [("action", str(request["action"])), ("resource", _resource(request, 100_000, whole=True))]
    rows += [
        (n, str(request[n])) for n in ("cwd", "workspace", "home", "repo", "branch", "method", "shell") if n in request
    ]
    for name in ("context", "git"):
        rows += [(name, ", ".join(f"{k} = {v}" for k, v in request[name].items()))] if name in request else []
    rows += [
        ("agent", ticket["agent"]), ("session", ticket["session"]), ("policy", ticket["policy"]),
        ("why asked", "; ".join(ticket["reasons"])), ("scope", ticket["scope"]),
        ("asked at", _moment(ticket["created"])), ("digest", ticket["digest"]),
    ]  # fmt: skip
    lines += [f"{colour(f'{name:<10}', 'dim')} {visible(value)}" for name, value in rows if value]
    for effect in request.get("effects", ()):
        what = "something that cannot be read" if "opaque" in effect else f"{effect['action']} {_resource(effect, 200)}"
        lines.append(f"{colour('it does   ', 'dim')} {visible(what)}  ({visible(str(effect['effect']))})")
    for path, target in (request.get("disk", {}).get("real") or {}).items():
        lines.append(f"{colour('really    ', 'dim')} {visible(str(path))} is {visible(str(target))}")
    for tier in ticket["tiers"]:
        reason = ", a reason is required" if tier["reason_required"] else ""
        who = ", ".join(visible(a) for a in tier["approvers"])
        lines.append(f"{colour('tier      ', 'dim')} {visible(tier['name'])}: {tier['quorum']} of {who}{reason}")
    for vote in ticket["votes"]:
        why = f": {visible(vote['reason'])}" if vote["reason"] else ""
        lines.append(
            f"{colour('answer    ', 'dim')} {visible(vote['person'])}: {vote['verdict']} at {_moment(vote['at'])}{why}"
        )
    return "\n".join(lines)


def _resource(request: Json, most: int, whole: bool = False) -> str:
    value = request["resource"]
    if isinstance(value, dict):
        return f"anything in {visible(str(value.get('pattern')))}"[:most]
    shown = tuple(map(str, value)) if isinstance(value, list) else str(value)
    if whole and isinstance(shown, str):
        return "\n           ".join(visible(line) for line in shown.split("\n"))
    return show_resource(shown, most)


def _seconds(left: float) -> str:
    return f"{max(0, int(left))} s" if left < 120 else f"{int(left / 60)} min"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
