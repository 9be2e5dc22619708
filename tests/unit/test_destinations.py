"""Where a credential may go: `use NAME for HOST`."""

from __future__ import annotations

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.approvals.ticket import Ticket, canonical, digest_of
from policy_lang.audit.event import decision_event
from policy_lang.domain import strict_json
from policy_lang.domain.errors import RequestError
from policy_lang.domain.request import Request
from policy_lang.records.learning.observe import observer
from policy_lang.records.suggesting.needs import needs_of
from policy_lang.report.ways import ways_on
from policy_lang.wire.requests import parse_request

TEXT = """policy "p"
allow use "TOKEN" for "api.example", "*.cdn.example:8443", "**.both.example"
allow use "PLAIN"
deny use "PLAIN" for "evil.example"
allow read "./"
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.loads(TEXT)


@pytest.mark.parametrize(
    ("name", "destination", "effect"),
    [
        ("TOKEN", "api.example", "allow"),
        ("TOKEN", "https://API.example./v1?x", "allow"),
        ("TOKEN", "wss://api.example", "deny"),
        ("TOKEN", "http://api.example:443", "deny"),
        ("TOKEN", "api.example:80", "deny"),
        ("TOKEN", "a.b.cdn.example:8443", "allow"),
        ("TOKEN", "cdn.example:8443", "deny"),
        ("TOKEN", "both.example", "allow"),
        ("TOKEN", "x.both.example", "allow"),
        ("TOKEN", "xboth.example", "deny"),
        ("TOKEN", "api.example.evil.example", "deny"),
        ("TOKEN", "192.0.2.1", "deny"),
        ("TOKEN", "a b", "deny"),
        ("TOKEN", None, "deny"),
        ("PLAIN", None, "deny"),
        ("PLAIN", "other.example", "allow"),
        ("PLAIN", "evil.example", "deny"),
    ],
)
def test_where_a_credential_goes(policy: Policy, name: str, destination: str | None, effect: str) -> None:
    for _ in range(2):  # remembered answers too
        assert policy.decide(action="use", resource=name, destination=destination).effect == effect


def test_only_a_credential_goes_anywhere() -> None:
    with pytest.raises(RequestError, match="`destination`"):
        parse_request(b'{"action": "read", "resource": "a", "destination": "api.example"}')
    assert parse_request(b'{"action": "use", "resource": "T", "destination": "a.example"}').destination == "a.example"


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "http://a.example", "a*.example", "**", "*", "a.example/x", ""])
def test_a_destination_is_a_host_by_name(host: str) -> None:
    with pytest.raises(PolicyError, match="PLE407"):
        Policy.loads(f'policy "p"\nallow use "T" for "{host}"\n')


def test_what_would_grant_it_says_where(policy: Policy) -> None:
    for destination, rule in (("https://c.example/x", "c.example"), ("c.example:8443", "c.example:8443")):
        request = Request("use", "TOKEN", destination=destination)
        lines = ways_on(policy, request, policy.decide_request(request))
        assert f'to allow exactly this: `allow use "TOKEN" for "{rule}"`' in lines
    request = Request("use", "PLAIN", destination="evil.example")
    assert not [line for line in ways_on(policy, request, policy.decide_request(request)) if "exactly" in line]


def test_nothing_that_hands_it_out_is_suggested_or_learned(policy: Policy) -> None:
    request = Request("use", "T", destination="a.example")
    (needs,) = needs_of(policy, [request])
    assert not needs.grants
    assert needs.unsayable is not None
    record = decision_event(
        Request("use", "PLAIN", destination="b.example"),
        policy.decide(action="use", resource="PLAIN", destination="b.example"),
        1,
        {},
    )
    observed = observer(None)([(strict_json.dump({**record, "time": "2026-11-30T00:00:00Z"}), 1)])
    assert not observed.needs
    assert observed.lost


def test_another_destination_is_another_question() -> None:
    def question(destination: str | None) -> str:
        asked = canonical(Request("use", "T", destination=destination))
        return Ticket("t", digest_of(asked), asked, "p", "a", "s", (), (), 0.0, 60.0).question_id

    assert len({question(d) for d in (None, "a.example", "b.example")}) == 3
