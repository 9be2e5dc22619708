"""The console's routes. A page shows; only a form that this session was shown changes anything."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from ...approvals import machine
from ...approvals.store import StoreUnavailableError, TicketQuery
from ...approvals.ticket import APPROVE, BREAK, ONCE, REJECT, REJECTED, SESSION, Ticket
from ...audit.redact import cleaned, redacted
from ...domain.actions import ACTIONS
from ...domain.codes import PAGES
from ...domain.errors import RequestError
from ...domain.limits import limit
from ...domain.strict_json import Json
from ...domain.wording import counted
from ...report import approvals as report
from ...report import content
from ...wire.requests import validated
from ...wire.service import AssignModel, CommentModel, ReviewModel, VoteModel
from ..api.approvals import answered, looked_at, overview, shown_to_people, tickets_of
from ..api.http import Answered, HttpCall, HttpReply
from ..api.remarks import assigned, commented
from ..identity.browser_sessions import BrowserSession, ConsoleAccess
from ..identity.people import Person
from ..service import PolicyService
from ..state import AGENT
from ..ticket_book import PolicyInForce, waiting
from . import pages
from .entering import check_link, named_by_proxy
from .keys import KEY, Keys
from .listing import STATES, WAITING, Listing, listing
from .proposals import ProposalPages
from .suggest import near, suggested

COOKIE = "policy_console"
_REVIEW = "review"
_OTHERS = (_REVIEW, "comment", "assign")
"""What people say of a ticket besides answers. Whoever has a key proves that as well."""
_WHOLE = "secrets=shown"
"""The query by which a person asks to see a ticket with what looks like secrets in it."""
_LATEST = limit("console_tickets")
_HEADERS = (
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"), ("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "interest-cohort=()"),
)  # fmt: skip
_WITH_SCRIPT = tuple((k, v + "; script-src 'self'" if k == "content-security-policy" else v) for k, v in _HEADERS)
"""Of the pages that ask a person's key: one script, ours, that never changes."""
_PLACE = re.compile(
    r"/s/([A-Za-z0-9_-]{32})/(?:(sign-out|reject)|(key)|t/([0-9a-f]{16})(?:/(answer|review|freeze|comment|assign))?)?\Z"
)
_RULES = re.compile(r"/s/([A-Za-z0-9_-]{32})/rules(?:/([0-9a-f]{16})(?:/(accept|narrow|withdraw))?)?\Z")
_TICKET = re.compile(r"/t/([0-9a-f]{16})\Z")
_MOST_ROWS = limit("console_page_tickets")
_ANSWERS = {
    "approve": (APPROVE, ONCE), "approve-session": (APPROVE, SESSION), "reject": (REJECT, ""),
    "break-glass": (BREAK, ""),
}  # fmt: skip
"""What the buttons of an answer say: a verdict, and the scope of a yes. Only the other button is wider than once."""


class Console:
    """Answers the calls of browsers. `access` says who is signed in."""

    def __init__(self, service: PolicyService, access: ConsoleAccess) -> None:
        self.service = service
        self.access = access
        self.sessions = access.sessions
        self.outcomes: dict[str, str] = {}
        """What the next page of a session says of its last form, by session."""
        self.keys = Keys(access)
        self.proposals = ProposalPages(service, _of_session, _in_session)

    def handle(self, call: HttpCall) -> Answered:
        """A page. Never raises: whatever goes wrong is a page that says so."""
        try:
            return self._page(call)
        except StoreUnavailableError as error:
            return _refused("PLR237", "Not now", f"approvals cannot be kept: {error}")
        except RequestError as error:
            if PAGES[error.code].recorded:
                self.service.recorder.record_event(
                    "refused", path="console", code=error.code, why=error.message, uid=call.caller.seen
                )
            return _refused(error.code, "Refused", f"{error.message} ({error.code})")
        except Exception as error:  # noqa: BLE001 (fail closed)
            self.service.recorder.log("internal-error", kind=type(error).__name__)
            return _refused("PLI001", "Our fault", f"internal error (PLI001): {type(error).__name__}")

    def _page(self, call: HttpCall) -> Answered:
        if self.service.principals.barred(call.caller):
            raise RequestError("PLR230", "this browser runs as a user that agents run as, or whose it is is not known")
        if call.path == "/webauthn.js" and call.method == "GET":
            return HttpReply(200, pages.SCRIPT, "text/javascript; charset=utf-8", _HEADERS)
        if call.path == "/style.css" and call.method == "GET":
            return HttpReply(200, pages.STYLE, "text/css; charset=utf-8", _HEADERS)
        named = named_by_proxy(self.access, self.service.principals.people, call)
        arrived = _TICKET.match(call.path)
        if call.method == "GET" and (call.path == "/" or arrived is not None):
            ticket = "" if arrived is None else arrived[1]
            if named is not None:
                return _offered(named, self.sessions.link(named, call.caller.uid, time.time()), ticket)
            if ticket:
                return _arrived(ticket)
            return _notice(200, "Not signed in", "`policy approvals console` gives you a link that signs you in.")
        if call.path == "/sign-in":
            return self._sign_in(call, named)
        rules = _RULES.match(call.path)
        if rules is not None:
            return self.proposals.handle(self._session(rules[1], call, named), rules[2], rules[3], _form_of(call), call)
        found = _PLACE.match(call.path)
        if found is None:
            return _refused("PLR211", "No such page", "there is nothing at this address")
        name, out, key, ticket, what = found.groups()
        session = self._session(name, call, named)
        if key is not None:
            return self._key(session, call)
        if (what is not None or out is not None) != (call.method == "POST"):
            return _refused("PLR212", "Not so", "this address is not used in that way")
        if out is not None:
            return self._sign_out(session, call) if out == "sign-out" else _several(self, session, call)
        if ticket is None:
            found_by = listing(call.query)
            return self._list(session) if found_by is None else _search(self, session, found_by)
        if what is None:
            return self._ticket(session, ticket, whole=call.query == _WHOLE)
        return self._changed(session, ticket, what, call)

    def _session(self, name: str, call: HttpCall, named: Person | None) -> BrowserSession:
        """The session that an address and a cookie are of. Raises RequestError."""
        session = self.sessions.find(name, _cookie(call), time.time())
        if session is None:
            raise RequestError("PLR241", "you are not signed in here, or not any more")
        if session.peer != call.caller.seen or (named is not None and named != session.person):
            raise RequestError("PLR241", "this is somebody else's session")
        return session

    # signing in

    def _sign_in(self, call: HttpCall, named: Person | None) -> HttpReply:
        now = time.time()
        if call.method == "GET":  # whatever looks at links beforehand uses none up
            code, ticket = _linked(call.query)
            link = self.sessions.waiting(code, now)
            if link is None:
                raise RequestError("PLR241", "the link is not good, or not any more")
            return _offered(link.person, code, ticket)
        form = _form(call)
        code, ticket = form.get("code", ""), form.get("ticket", "")
        link = self.sessions.waiting(code, now)
        if link is not None:
            check_link(link, call.caller, named, self.access, self.service.principals)
        session, cookie = self.sessions.enter(code, now, call.caller.seen)
        self.service.recorder.record_event("console-signed-in", person=session.person.name)
        base = _base(session)
        value = f"{COOKIE}={cookie}; Path={base}; HttpOnly; SameSite=Strict; Max-Age={limit('console_session_seconds')}"
        place = base + (f"t/{ticket}" if _TICKET.match(f"/t/{ticket}") else "")
        return _to(place, ("set-cookie", value + ("; Secure" if named is not None else "")))

    def _sign_out(self, session: BrowserSession, call: HttpCall) -> HttpReply:
        if not session.sealed(_form(call).get("seal", ""), "sign-out"):
            raise RequestError("PLR242", "the form is not of this session")
        self.sessions.leave(session)
        self.service.recorder.record_event("console-signed-out", person=session.person.name)
        return _to("/", ("set-cookie", f"{COOKIE}=; Path={_base(session)}; HttpOnly; SameSite=Strict; Max-Age=0"))

    # pages

    def _list(self, session: BrowserSession) -> HttpReply:
        approvals, force = tickets_of(self.service)
        rows: Json = {name: list(map(redacted, found)) for name, found in overview(self.service, _LATEST).items()}
        rows["open"] = rows["open"][:_MOST_ROWS]
        counted = approvals.count(waiting(force), force)
        frozen = list(self.service.state.frozen.values())
        return _reply("list", **_common(session), **rows, frozen=frozen, counted=counted)

    def _key(self, session: BrowserSession, call: HttpCall) -> HttpReply:
        """Where a person makes a key. Nothing is kept: what it gets is a line that an operator puts in force."""
        line = ""
        if call.method == "POST":
            form = _form(call)
            if not session.sealed(form.get("seal", ""), KEY):
                raise RequestError("PLR242", "the form is not of this session")
            line = self.keys.made(session, call, form.get("proof", ""))
            self.service.recorder.record_event("key-made", person=session.person.name)
        proof = self.keys.offered(session, (KEY,))
        return _reply("key", **_common(session), seal=session.seal(KEY), line=line, proof=proof)

    def _ticket(
        self,
        session: BrowserSession,
        name: str,
        said: str = "",
        status: int = 200,
        form: dict[str, str] | None = None,
        whole: bool = False,
    ) -> HttpReply:
        approvals, force = tickets_of(self.service)
        found = approvals.get(name, force)
        if found is None:
            raise RequestError("PLR205", "there is no such ticket")
        state = self.service.state
        same = [t for t in approvals.found(TicketQuery(question_id=found.question_id), force) if t.id != found.id]
        midnight = approvals.now() // 86_400 * 86_400
        today = approvals.found(TicketQuery(agent=found.agent, since=midnight), force)
        yes = sum(t.redeem_by > 0 for t in same)
        no = sum(t.state == REJECTED for t in same)
        view, current = shown_to_people(found, force), self.service.active.current
        rule = "" if no else suggested(found)
        nearest, hidden = near(found, current.policy) if current else [], 0
        if whole:
            self.service.recorder.record_event("secrets-shown", ticket=name, person=session.person.name)
        else:  # what is approved is the ticket as it is: what is masked is not signed, sealed or kept
            hidden = sum(cleaned(view).kinds.values())
            shown: Json = redacted({"ticket": view, "rule": rule, "near": nearest})
            view, rule, nearest = shown["ticket"], shown["rule"], shown["near"]
        proof = self.keys.offered(session, (*_ANSWERS, *_OTHERS), _state(found))
        asked = report.questions(view)
        others = [t for t in approvals.found(waiting(force), force) if t.id != found.id]
        upcoming = min(others, key=lambda t: t.answer_by, default=None)
        typed = form or {}
        return _reply(
            "ticket", status, **_common(session), t=view, proof=proof, asked=asked,
            contents=content.contents(view), bound=content.bound(view), said=redacted(said),
            hidden=hidden, whole=whole, does=report.more_than_asked(view),
            next=None if upcoming is None else redacted(shown_to_people(upcoming, force)), waiting=len(others),
            owner=report.owner(view), behind=report.behind(view), stated=report.stated(view), steps=report.steps(view),
            why=report.why(view), covers=report.covers(view),
            typed=typed.get("reason", ""), typed_comment=typed.get("text", ""),
            facts=[*(f for f in report.facts(view) if f[0] not in {"action", "rule"}), *report.rules(view)],
            tiers=report.tiers(view),
            answers=report.answers(view), seal=session.seal(*_state(found)),
            may=_may(self, session.person, found, force),
            strange=any(pages.strange(report.whole_resource(r)) for r in asked), same=_rows(same[:5], force),
            before=_before(yes, no), rule=rule,
            near=nearest,
            today=_rows([t for t in today if t.id != found.id][:10], force), counts=state.agents.get(found.agent),
            frozen=state.why_frozen(found.agent, found.session),
        )  # fmt: skip

    # forms

    def _changed(self, session: BrowserSession, name: str, what: str, call: HttpCall) -> HttpReply:
        form = _form(call)
        approvals, force = tickets_of(self.service)
        found = approvals.get(name, force)
        if found is None:
            raise RequestError("PLR205", "there is no such ticket")
        try:
            _done(self, session, found, what, form, call)
        except RequestError as error:
            self.service.recorder.record_event(
                "refused", path="console", code=error.code, why=error.message, person=session.person.name
            )
            return self._ticket(session, name, f"{error.message} ({error.code})", PAGES[error.code].status, form)
        return _to(f"{_base(session)}t/{name}")


def _done(
    console: Console, session: BrowserSession, ticket: Ticket, what: str, form: dict[str, str], call: HttpCall
) -> None:
    """Do what a form says of a ticket. Raises RequestError."""
    if not session.sealed(form.get("seal", ""), *_state(ticket)):
        raise RequestError("PLR242", "since the page was shown the ticket has changed; look again")
    service, person = console.service, session.person
    if person.signer:
        raise RequestError("PLR239", f"`{person.name}` signs whatever it says; here it only reads")
    reason = form.get("reason", "").replace("\r\n", "\n").strip()
    button = form.get("verdict", "") if what == "answer" else what
    if button != "freeze":  # that only stops
        if button not in _ANSWERS and button not in _OTHERS:
            raise RequestError("PLR106", f"`{button[:20]}` is not a valid answer")
        console.keys.check(session, call, form.get("proof", ""), button, _state(ticket))
    if what == _REVIEW:
        found = form.get("found", "").replace("\r\n", "\n")
        looked_at(service, person, validated(ReviewModel, {"ticket": ticket.id, "found": found}))
    elif what == "freeze":
        why = (reason or "no reason was given")[: limit("escalation_bytes")]
        service.state.freeze(AGENT, ticket.agent, why, person.name, time.time())
        service.recorder.record_event("frozen", by=person.name, why=why, agent=ticket.agent)
    elif what == "comment":
        text = form.get("text", "").replace("\r\n", "\n").strip()
        commented(service, person, validated(CommentModel, {"ticket": ticket.id, "text": text}))
    elif what == "assign":
        assigned(service, person, validated(AssignModel, {"ticket": ticket.id, "to": form.get("to", "")}))
    else:
        verdict, scope = _ANSWERS[button]
        given = {"ticket": ticket.id, "verdict": verdict, "reason": reason, "scope": scope}
        answered(service, call, person, validated(VoteModel, given), session.user)


def _search(console: Console, session: BrowserSession, find: Listing) -> HttpReply:
    """A page of what a person looks for; of what waits, with a choice of those to reject."""
    approvals, force = tickets_of(console.service)
    query = find.query(force)
    counted = approvals.count(query, force)
    found = approvals.found(query, force, _MOST_ROWS, (find.page - 1) * _MOST_ROWS)
    proves = bool(session.person.keys)  # each answer, on the ticket's own page
    seals = {} if find.state != WAITING or proves else {
        t.id: session.seal("reject", *_state(t)) for t in found if _may(console, session.person, t, force)["answer"]
    }  # fmt: skip
    most = limit("tickets_counted")
    shown = f"{counted:,} found" if counted < most else f"more than {most:,} found"
    agents = dict.fromkeys([*console.service.state.agents, *(t.agent for t in found)])
    choices = (
        ("tier", "Tier", ["", *force.tiers], find.tier), ("action", "Action", ["", *ACTIONS], find.action),
        ("state", "State", STATES, find.state),
    )  # fmt: skip
    return _reply(
        "search", **_common(session), find=find, counted=counted, found=shown, tickets=_rows(found, force),
        seals=seals, seal=session.seal("reject"), proves=proves and find.state == WAITING, here=find.address(find.page),
        said=console.outcomes.pop(session.id, ""),
        pages=max(1, -(-counted // _MOST_ROWS)), agents=[a for a in agents if a], choices=choices,
    )  # fmt: skip


def _several(console: Console, session: BrowserSession, call: HttpCall) -> HttpReply:
    """Reject the chosen tickets, each as it was shown; what has changed since is left and said."""
    form, person = _form(call), session.person
    if person.signer:
        raise RequestError("PLR239", f"`{person.name}` signs every answer; here they only read")
    if person.keys:
        raise RequestError("PLR243", f"`{person.name}` proves each answer by a key; open the ticket")
    if not session.sealed(form.get("seal", ""), "reject"):
        raise RequestError("PLR242", "the form is not of this session")
    approvals, force = tickets_of(console.service)
    chosen = {name.removeprefix("reject-"): seal for name, seal in form.items() if name.startswith("reject-")}
    reason, done, left = form.get("reason", "").replace("\r\n", "\n").strip(), 0, []
    for name, seal in chosen.items():
        found = approvals.get(name, force)
        if found is None or not session.sealed(seal, "reject", *_state(found)):
            left.append(f"`{name[:16]}`: it has changed since the page was shown")
            continue
        try:
            given = {"ticket": name, "verdict": REJECT, "reason": reason}
            answered(console.service, call, person, validated(VoteModel, given), session.user)
            done += 1
        except RequestError as error:
            left.append(f"`{name}`: {error.message}")
    said = f"{counted(done, 'ticket')} rejected" if chosen else "Choose at least one ticket."
    console.outcomes[session.id] = "; ".join([said, *left])
    while len(console.outcomes) > limit("console_sessions"):
        del console.outcomes[next(iter(console.outcomes))]
    back = listing(form.get("back", "").removeprefix("?")) or Listing()
    return _to(_base(session) + back.address(back.page))


def _may(console: Console, person: Person, ticket: Ticket, force: PolicyInForce) -> Json:
    """What the person may do about a ticket, and why not."""
    may = console.service.principals.people.may
    out: Json = {"answer": False, "reason": False, "emergency": [], "review": False, "why": ""}
    out |= {"comment": not person.signer, "assign": []}
    mine = [t for t in ticket.tiers if machine.speaks_for(person.name, t, may, force.tiers)]
    with suppress(RequestError):
        machine.check_reviewer(ticket, person.name, may, force.tiers)
        out["review"] = True
    if not ticket.is_open:
        return out
    if ticket.policy != force.policy:
        return out | {"why": "The policy has changed since; the agent has to ask again."}
    if not person.signer:
        names = [p.name for p in console.service.principals.people.persons]
        out["assign"] = [n for n in names if any(machine.speaks_for(n, t, may, force.tiers) for t in ticket.tiers)]
    if person.signer:
        command = f"policy approvals approve {ticket.id} --sign-with KEY --as {person.name}"
        return out | {"why": f"You sign your answers: `{command}`"}
    out["emergency"] = [t.name for t in machine.opening(ticket, force.tiers) if may(person.name, t)]
    if not mine:
        return out | {"why": "You are not asked for this."}
    said = {n for v in ticket.votes if v.person == person.name and v.verdict == APPROVE for n in v.tiers}
    why = "You have said yes; others are still asked." if said >= {t.name for t in mine} else ""
    return out | {"answer": True, "reason": any(t.reason_required for t in mine), "why": why}


def _state(ticket: Ticket) -> tuple[str, ...]:
    """What of a ticket a person has seen: when it is another by now, what was meant for it does not count."""
    votes = ",".join(f"{v.person}:{v.verdict}" for v in ticket.votes)
    talk = f"{len(ticket.comments)} {ticket.assigned}"
    tiers = ",".join(t.name for t in ticket.tiers)
    return (ticket.id, ticket.digest, ticket.state, tiers, votes, ticket.reviewed, talk)


def _before(yes: int, no: int) -> str:
    if not yes and not no:
        return "This was never answered before."
    return f"This was approved {counted(yes, 'time')} and rejected {counted(no, 'time')} before."


def _rows(tickets: list[Ticket], force: PolicyInForce) -> list[Json]:
    return [redacted(shown_to_people(t, force)) for t in tickets]


def _base(session: BrowserSession) -> str:
    return f"/s/{session.id}/"


def _common(session: BrowserSession) -> Json:
    return {"base": _base(session), "person": session.person.name, "out": session.seal("sign-out")}


def _cookie(call: HttpCall) -> str:
    try:
        jar = SimpleCookie(call.headers.get(b"cookie", b"").decode("ascii", "replace"))
    except CookieError:
        return ""
    found = jar.get(COOKIE)
    return found.value if found is not None else ""


def _linked(query: str) -> tuple[str, str]:
    """The code of a link that signs in, and the ticket to begin with; empty when it has none, or is not such a link."""
    try:
        fields = dict(parse_qsl(query, max_num_fields=limit("console_link_fields")))
    except ValueError:
        return "", ""
    ticket = fields.get("ticket", "")
    return fields.get("code", ""), ticket if _TICKET.match(f"/t/{ticket}") else ""


def _arrived(ticket: str) -> HttpReply:
    """Where the links of notifications lead: how to see the ticket. Nothing is said of it, nor whether there is one."""
    text = "Sign in to see it: this, where the service runs, gives you a link that leads there."
    command = f"policy approvals console {ticket}"
    return _reply("notice", title=f"Ticket {ticket}", text=text, code="", back="", command=command, ticket="")


def _form(call: HttpCall) -> dict[str, str]:
    """The fields of a form. Raises RequestError for anything else."""
    kind = call.headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if call.method != "POST" or kind != b"application/x-www-form-urlencoded":
        raise RequestError("PLR242", "this is not a form of the console")
    if len(call.body) > limit("console_body_bytes"):
        raise RequestError("PLR101", f"the form is longer than {limit('console_body_bytes')} bytes")
    try:
        pairs = parse_qsl(
            call.body.decode("ascii"), keep_blank_values=True, max_num_fields=limit("console_fields"), errors="strict"
        )
    except ValueError:
        raise RequestError("PLR242", "this is not a form of the console") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise RequestError("PLR242", "a field of the form is given twice")
    return fields


def _form_of(call: HttpCall) -> dict[str, str] | None:
    """The fields of a form; None where a page is asked for."""
    return _form(call) if call.method == "POST" else None


def _of_session(session: BrowserSession, name: str, status: int = 200, **values: Any) -> HttpReply:
    return _reply(name, status, **_common(session), **values)


def _in_session(session: BrowserSession, place: str) -> HttpReply:
    return _to(f"{_base(session)}{place}")


def _reply(name: str, status: int = 200, **values: Any) -> HttpReply:
    headers = _WITH_SCRIPT if values.get("proof") else _HEADERS
    return HttpReply(status, pages.page(name, **values), "text/html; charset=utf-8", headers)


def _refused(code: str, title: str, text: str) -> HttpReply:
    return _notice(PAGES[code].status, title, redacted(text))


def _offered(person: Person, code: str, ticket: str = "") -> HttpReply:
    """The page on which a person signs in by one press."""
    title, text = f"Sign in as {person.name}?", "The link is good once."
    return _reply("notice", title=title, text=text, code=code, back="", command="", ticket=ticket)


def _notice(status: int, title: str, text: str) -> HttpReply:
    return _reply("notice", status, title=title, text=text, code="", back="", command="", ticket="")


def _to(place: str, *headers: tuple[str, str]) -> HttpReply:
    return HttpReply(303, b"", "text/plain", (("location", place), *headers, *_HEADERS))
