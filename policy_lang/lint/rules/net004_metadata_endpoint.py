"""NET004 metadata-endpoint."""

from __future__ import annotations

from ..check import Check
from ..places import into

CHECK = Check(
    code="NET004",
    name="metadata-endpoint",
    severity="error",
    evidence="proved",
    finds="A rule reaches a cloud's metadata service, by address, by name, or through a range.",
    why=(
        "It hands the machine's credentials to whoever asks. `http://2852039166/` is the same address; the "
        "engine knows that, text matchers do not."
    ),
    remediation="Deny it; `import std.baseline` does.",
    bad='allow connect "169.254.0.0/16:*"',
    good="""\
import std.baseline
allow connect "**.acme.example"
""",
    near=('allow connect "metadata.acme.example"',),
    shows="169.254.169.254",
    function=into("metadata", ("connect",)),
)
