"""NET009 doh-provider."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="NET009",
    name="doh-provider",
    severity="warning",
    evidence="fact",
    finds="A rule reaches a public resolver that answers over HTTPS.",
    why=(
        "Data goes out in the names that are asked for, past the log of hosts, and names resolve differently "
        "than the machine believes."
    ),
    remediation="Deny it. The machine's own resolver answers.",
    bad="""\
import std.baseline
allow connect "dns.google"
""",
    good="""\
import std.baseline
allow connect "docs.acme.example"
""",
    near=(
        """\
import std.baseline
allow connect "dns.acme.example"
""",
    ),
    shows="dns.google",
    function=into("resolvers", ("connect",), named=True),
)
