"""Where a credential may go: `use NAME for HOST`."""

from __future__ import annotations

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.domain.errors import RequestError
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
