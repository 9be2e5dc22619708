"""Hosts, addresses, ports and URLs in one spelling each."""

from __future__ import annotations

import pytest

from policy_lang import Policy, PolicyError, RequestError
from policy_lang.facts.hosts import host_facts


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.com", "example.com", 443),
        ("EXAMPLE.Com.", "example.com", 443),
        ("example.com:8080", "example.com", 8080),
        ("https://example.com/x?y#z", "example.com", 443),
        ("http://example.com", "example.com", 80),
        ("HTTPS://user:pa%40ss@Example.com:444/x", "example.com", 444),
        ("https://allowed.example@evil.example/", "evil.example", 443),
        ("https://evil.example#@allowed.example/", "evil.example", 443),
        ("https://evil.example?@allowed.example/", "evil.example", 443),
        ("user@example.com", "example.com", 443),
        ("ssh://git@github.com/x", "github.com", 22),
        ("b\u00fccher.example", "xn--bcher-kva.example", 443),
        ("B\u00dcCHER.example", "xn--bcher-kva.example", 443),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", 443),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example", 443),
        ("xn--fiqs8s", "xn--fiqs8s", 443),
        ("xn--i-7iq.example", "xn--i-7iq.example", 443),
        ("example\u3002com", "example.com", 443),
        ("\uff45xample.com", "example.com", 443),
        ("ex%61mple.com", "example.com", 443),
        ("127.0.0.1", "127.0.0.1", 443),
        ("2130706433", "127.0.0.1", 443),
        ("0x7f000001", "127.0.0.1", 443),
        ("0177.0.0.1", "127.0.0.1", 443),
        ("127.1", "127.0.0.1", 443),
        ("0x7f.1", "127.0.0.1", 443),
        ("127.0.0.1.", "127.0.0.1", 443),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1", 443),
        ("%31%32%37.0.0.1", "127.0.0.1", 443),
        ("[::1]", "::1", 443),
        ("::1", "::1", 443),
        ("[::1]:8080", "::1", 8080),
        ("[fe80::1%25eth0]:80", "fe80::1", 80),
        ("fe80::1%eth0", "fe80::1", 443),
        ("[::ffff:127.0.0.1]", "127.0.0.1", 443),
        ("[::ffff:7f00:1]", "127.0.0.1", 443),
        ("[0:0:0:0:0:0:0:1]", "::1", 443),
        ("http://0/", "0.0.0.0", 80),
        ("evil.example/x?u=https://allowed.example", "evil.example", 443),
        ("evil.example/https://allowed.example:80", "evil.example", 443),
    ],
)
def test_spellings_of_one_host(text: str, host: str, port: int) -> None:
    facts = host_facts(text)
    assert (str(facts.host), facts.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "PLR002"), ("exa mple.com", "PLR021"), ("a..b", "PLR024"), (".example.com", "PLR024"), ("..", "PLR024"),
        ("a.example\n", "PLR005"), ("a\0.example", "PLR005"), ("a\\.example", "PLR021"), ("-a.example", "PLR021"),
        ("a.example:0", "PLR023"), ("a.example:65536", "PLR023"), ("a.example:x", "PLR023"), ("a.example:+80", "PLR023"),
        ("a.example:\u0661", "PLR023"), ("foo://a.example", "PLR027"), ("https:/a.example", "PLR023"), ("a.example:", "PLR023"), ("https:a.example", "PLR023"),
        ("//a.example/x", "PLR024"), ("javascript:x", "PLR023"), ("256.1.1.1", "PLR022"), ("1.2.3.4.5", "PLR022"),
        ("1.2.3.256", "PLR022"), ("08.1.1.1", "PLR022"), ("a.b.1", "PLR022"), ("4294967296", "PLR022"),
        ("[::1", "PLR022"), ("[::g]", "PLR022"), ("[1.2.3.4]", "PLR022"), ("[::1]x", "PLR022"), ("a" * 64 + ".b", "PLR004"),
        (".".join(["a" * 49] * 6), "PLR004"), ("%ff.example", "PLR021"), ("a%2fb.example", "PLR021"),
        ("https://", "PLR024"), ("https:///x", "PLR024"), ("xn--\u00fc.example", "PLR025"), ("\u202eexample.com", "PLR025"),
        ("xn--zzzz9999.example", "PLR025"), ("xn--a.example", "PLR025"), ("a.xn--abc-d", "PLR025"), ("XN--99999999", "PLR025"),
        ("a,b.example", "PLR021"), ("a%00b.example", "PLR005"), ("h" * 9000, "PLR004"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(text: str, code: str) -> None:
    with pytest.raises(RequestError) as error:
        host_facts(text)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://h.example/a/b", ("a", "b")), ("https://h.example/", ()), ("https://h.example/a/", ("a",)),
        ("https://h.example/%61", ("a",)), ("https://h.example/a%20b", ("a%20b",)), ("https://h.example", None),
        ("https://h.example/a/../b", None), ("https://h.example/a/%2e%2e/b", None), ("https://h.example/a%2fb", None), ("https://h.example/a/%2e%2e%3b/b", None),
        ("https://h.example/a//b", None), ("https://h.example/a;x/b", None), ("https://h.example/%zz", None),
        ("https://h.example/a%00", None), ("https://h.example/%252e", None),
    ],
)  # fmt: skip
def test_url_paths_are_exact_or_unknown(url: str, path: tuple[str, ...] | None) -> None:
    assert host_facts(url).path == path


POLICY = Policy.loads("""
policy "net"
allow connect "example.com", "*.example.org", "**.example.net", "api.example:8080", "any.example:*"
allow connect "192.0.2.1", "198.51.100.0/24:*", "[2001:db8::/32]:443"
allow connect GET, HEAD "https://files.example/public/**"
allow connect "db.example"
deny connect "**.bad.example.net", "10.0.0.0/8:*"
""")


@pytest.mark.parametrize(
    ("resource", "method", "effect"),
    [
        ("example.com", None, "allow"), ("www.example.com", None, "deny"), ("example.com:80", None, "deny"),
        ("example.org", None, "deny"), ("a.example.org", None, "allow"), ("a.b.example.org", None, "allow"),
        ("xexample.org", None, "deny"), ("example.net", None, "allow"), ("a.b.example.net", None, "allow"),
        ("bad.example.net", None, "deny"), ("x.bad.example.net", None, "deny"), ("api.example", None, "deny"),
        ("api.example:8080", None, "allow"), ("any.example:1", None, "allow"), ("any.example", None, "allow"),
        ("192.0.2.1", None, "allow"), ("0xc0000201", None, "allow"), ("192.0.2.2", None, "deny"),
        ("198.51.100.77:22", None, "allow"), ("198.51.101.1:22", None, "deny"), ("[2001:db8::7]", None, "allow"),
        ("[2001:db9::7]", None, "deny"), ("https://files.example/public/a", "GET", "allow"),
        ("https://files.example/public/a", "POST", "deny"), ("https://files.example/public/a", None, "deny"),
        ("https://files.example/private/a", "GET", "deny"), ("https://files.example/public", "GET", "deny"),
        ("https://files.example/public/../private", "GET", "deny"), ("files.example", "GET", "deny"),
        ("example.com.evil.example", None, "deny"),
    ],
)  # fmt: skip
def test_rules_about_hosts(resource: str, method: str | None, effect: str) -> None:
    assert POLICY.decide(action="connect", resource=resource, method=method).effect == effect


@pytest.mark.parametrize(
    ("resolved", "effect"),
    [(["93.184.216.34"], "allow"), (["127.0.0.1"], "deny"), (["169.254.169.254"], "deny"), (["10.0.0.1"], "deny"),
     (["93.184.216.34", "fe80::1%eth0"], "deny"), (["::ffff:10.0.0.1"], "deny"), (["not an address"], "deny"),
     (["2606:2800:220:1::1"], "allow"), (["100.64.0.1"], "deny"), (["0.0.0.0"], "deny")],
)  # fmt: skip
def test_a_name_is_decided_on_its_special_addresses_as_well(resolved: list[str], effect: str) -> None:
    assert POLICY.decide(action="connect", resource="db.example", resolved=resolved).effect == effect


def test_names_and_addresses_never_match_each_other() -> None:
    only_names = Policy.loads('policy "x"\nallow connect "**.example"')
    assert only_names.decide(action="connect", resource="127.0.0.1").effect == "deny"
    every = Policy.loads('policy "x"\nallow connect "**"')
    for host in ("a.example", "127.0.0.1", "[::1]"):
        assert every.decide(action="connect", resource=host).effect == "allow"


@pytest.mark.parametrize("pattern", ["*.", "**.", "example..", ".example", "a..b", "*..example.com", "https://*./x"])
def test_a_pattern_has_no_empty_label(pattern: str) -> None:
    with pytest.raises(PolicyError) as error:
        Policy.loads(f'policy "p"\nallow connect "{pattern}"\n')
    assert [d.code for d in error.value.diagnostics] == ["PLE401"]
    assert "empty label" in error.value.diagnostics[0].message


def test_a_pattern_may_end_in_the_root() -> None:
    policy = Policy.loads('policy "p"\nallow connect "*.example.com."\n')
    assert policy.decide(action="connect", resource="a.example.com").effect == "allow"


@pytest.mark.parametrize("pattern", ["xn--zzzz9999.example", "*.xn--a"])
def test_a_pattern_is_no_broken_punycode(pattern: str) -> None:
    with pytest.raises(PolicyError) as error:
        Policy.loads(f'policy "p"\nallow connect "{pattern}"\n')
    assert "Punycode" in error.value.diagnostics[0].message
