"""Proposals in the console: shown as the engine sees them, answered by people, and nothing of an agent's text runs."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest

from .support import Running, service
from .test_approvals import ARGUMENTS
from .test_console import free_port, page, seal_of, signed_in
from .test_proposals import POLICY, decide, refused_then_proposed, with_approvers


@pytest.fixture(scope="module")
def console() -> Iterator[tuple[Running, int]]:
    port = free_port()
    with service(POLICY, *ARGUMENTS, "--console", f"127.0.0.1:{port}", prepare=with_approvers) as running:
        yield running, port


def test_a_proposal_is_shown_weighed_and_accepted(console: tuple[Running, int]) -> None:
    running, port = console
    base, cookie = signed_in(running, port)
    assert "Nothing is proposed" in page(port, "GET", f"{base}rules", Cookie=cookie)[2]
    made = refused_then_proposed(running, 'allow write "docs/**"', "write", "docs/a.md")
    listed = page(port, "GET", f"{base}rules", Cookie=cookie)[2]
    assert "1 proposed" in listed and made["proposal"] in listed
    assert f'href="{base}rules"' in page(port, "GET", base, Cookie=cookie)[2]  # the list of tickets leads there
    status, headers, shown = page(port, "GET", f"{base}rules/{made['proposal']}", Cookie=cookie)
    assert status == 200 and "script-src" not in headers["content-security-policy"].replace("script-src 'none'", "")
    text = html.unescape(shown)
    newly = text.partition("What it would newly permit")[2].partition("What the agent says")[0]
    assert "write docs/" in newly and "deny until now" in newly and "AGT001" not in newly
    assert "Its own words, which nobody has checked" in text
    form = {"seal": seal_of(shown, "accept"), "shown": shown.partition('name="shown" value="')[2].partition('"')[0],
            "scope": "session", "reason": "fine"}  # fmt: skip
    assert (
        page(port, "POST", f"{base}rules/{made['proposal']}/accept", {**form, "seal": "0" * 64}, Cookie=cookie)[0]
        == 409
    )
    status, headers, said = page(port, "POST", f"{base}rules/{made['proposal']}/accept", form, Cookie=cookie)
    assert status == 303, said
    assert decide(running, "write", "docs/b.md")["effect"] == "allow"
    assert decide(running, "write", "docs/secret")["effect"] == "deny"
    shown = page(port, "GET", f"{base}rules/{made['proposal']}", Cookie=cookie)[2]
    form = {"seal": seal_of(shown, "withdraw"), "shown": form["shown"], "reason": "enough"}
    assert page(port, "POST", f"{base}rules/{made['proposal']}/withdraw", form, Cookie=cookie)[0] == 303
    assert decide(running, "write", "docs/b.md")["effect"] == "deny"


def test_what_an_agent_writes_is_text(console: tuple[Running, int]) -> None:
    running, port = console
    base, cookie = signed_in(running, port)
    bad = '<script>alert(1)</script>" onfocus="x'
    made = refused_then_proposed(running, f"allow write \"notes/{bad.replace(chr(34), '')}\"", "write", f"notes/{bad.replace(chr(34), '')}")  # fmt: skip
    for place in ("rules", f"rules/{made['proposal']}"):
        shown = page(port, "GET", f"{base}{place}", Cookie=cookie)[2]
        assert "<script>" not in shown and "&lt;script&gt;" in shown
