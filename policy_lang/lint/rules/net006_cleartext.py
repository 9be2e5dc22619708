"""NET006 cleartext."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..check import Check
from ..context import Grant, LintContext, reworded, words
from ..finding import Finding, Fix
from ..places import sentence

_CLEAR = {"80": "http", "21": "ftp", "23": "telnet", "25": "smtp", "110": "pop3", "143": "imap"}
"""Ports by their service (IANA), each without encryption."""


def _find(context: LintContext, check: Check) -> Iterator[Finding]:
    private = [r.pattern for r in context.capabilities.group("private")]
    for rule in context.own_rules("allow", "connect"):
        for pattern in rule.include:
            port = next((s[1] for s in pattern.sequences if s[1] in _CLEAR), None)
            if not isinstance(port, str):
                continue
            for found in context.find_grants("connect", [pattern.text], (), private):
                if found.rule is rule:
                    grant = _in_clear(context, found, port)
                    fixes = tuple(
                        Fix("use https", (reworded(rule, w, f"https://{w.text.removeprefix('http://')}"),))
                        for w in words(context, rule)
                        if w.text == pattern.text and w.text.startswith("http://") and ":" not in w.text[7:]
                    )
                    yield check.finding(
                        context, sentence(grant, f"port {port} is {_CLEAR[port]}, in clear"), rule, content=(pattern.text,),
                        steps=(grant.step,), fixes=fixes,
                    )  # fmt: skip


def _in_clear(context: LintContext, grant: Grant, port: str) -> Grant:
    """The same request as a client without encryption makes it: `http://host/`, not `https://host:80/`."""
    resource = str(grant.step.witness.resource)
    clear = resource.replace(f":{port}/", "/", 1).replace("https://", f"{_CLEAR[port]}://", 1)
    witness = replace(grant.step.witness, resource=clear)
    asked = port == "80" and resource.startswith("https://") and context.allowed(witness)
    return replace(grant, step=context.step(witness)) if asked else grant


CHECK = Check(
    code="NET006",
    name="cleartext",
    severity="warning",
    evidence="proved",
    finds="A rule grants a port on which everything goes in clear: 80, 21, 23, 25, 110, 143.",
    why="Whoever is on the way reads and changes it: downloads, tokens, packages.",
    remediation="Use TLS: port 443 is what a host without a port means.",
    bad="""\
import std.baseline
allow connect "http://packages.acme.example"
""",
    good="""\
import std.baseline
allow connect "packages.acme.example"
""",
    near=(
        'allow connect "http://localhost:3000"',
        """\
import std.baseline
allow connect "packages.acme.example:8443"
""",
    ),
    shows="http",
    function=_find,
)
