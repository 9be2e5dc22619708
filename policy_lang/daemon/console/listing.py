"""The tickets that a page of the console lists: what waits, or what a person looks for, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from ...approvals.store import TicketQuery
from ...approvals.ticket import APPROVED, EXPIRED, REDEEMED, REJECTED, REVOKED, SUPERSEDED
from ...domain.errors import RequestError
from ...domain.limits import limit
from ..ticket_book import PolicyInForce, superseded, waiting

WAITING, ALL = "waiting", "all"
STATES = (WAITING, ALL, APPROVED, REDEEMED, REJECTED, EXPIRED, SUPERSEDED, REVOKED)
_FIELDS = ("q", "agent", "tier", "action", "state", "page")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a person looks for. `words` must all occur; what is empty says nothing."""

    words: str = ""
    agent: str = ""
    tier: str = ""
    action: str = ""
    state: str = WAITING
    page: int = 1

    def query(self, force: PolicyInForce) -> TicketQuery:
        """The same for the store."""
        base = {WAITING: waiting(force), SUPERSEDED: superseded(force), ALL: TicketQuery()}
        if self.state == APPROVED:  # of another policy it is superseded
            known = TicketQuery((APPROVED,), policy=force.policy)
        else:
            known = base.get(self.state) or TicketQuery((self.state,))
        return TicketQuery(
            known.states, self.agent, policy=known.policy, not_policy=known.not_policy, tier=self.tier,
            action=self.action, words=tuple(self.words.split()),
        )  # fmt: skip

    def address(self, page: int) -> str:
        """The query of another page of the same."""
        given = zip(_FIELDS, (self.words, self.agent, self.tier, self.action, self.state, page), strict=True)
        return "?" + urlencode([(name, value) for name, value in given if value])


def listing(query: str) -> Listing | None:
    """What an address asks for; None for the page that shows what waits, live. Raises RequestError."""
    if not query:
        return None
    if len(query) > limit("console_query_bytes"):
        raise RequestError("PLR004", f"a search has at most {limit('console_query_bytes')} bytes")
    try:
        fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=len(_FIELDS), errors="strict"))
    except ValueError:
        raise RequestError("PLR106", "this is not a search of the console") from None
    state = fields.get("state") or WAITING
    words, page = fields.get("q", ""), fields.get("page") or "1"
    if not fields.keys() <= set(_FIELDS) or state not in STATES:
        raise RequestError("PLR106", "this is not a search of the console")
    if len(words.split()) > limit("console_search_words"):
        raise RequestError("PLR004", f"a search has at most {limit('console_search_words')} words")
    if not (page.isascii() and page.isdigit() and len(page) <= 6 and 1 <= int(page) <= limit("console_pages")):
        raise RequestError("PLR106", f"a page is a number from 1 to {limit('console_pages')}")
    return Listing(words, fields.get("agent", ""), fields.get("tier", ""), fields.get("action", ""), state, int(page))
