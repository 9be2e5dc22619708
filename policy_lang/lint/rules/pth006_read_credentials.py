"""PTH006 read-credentials."""

from __future__ import annotations

from ..check import Check
from ..finding import Step
from ..places import AUTHORITIES, into


def _supposed(step: Step) -> bool:
    """True below a folder of the workspace: few have a secret there, and home and root are full of them."""
    resource = str(step.witness.resource)
    return "/" in resource and not resource.startswith(("/", "~"))


CHECK = Check(
    code="PTH006",
    name="read-credentials",
    severity="error",
    evidence="fact",
    finds=(
        "A rule lets an agent read credentials: private keys, cloud and registry tokens, `.env` files, other "
        "processes' environments."
    ),
    why=(
        "What an agent can read, a prompt injection can have it send away, in a request, a commit or a log. A "
        "key in a context window is no longer a secret."
    ),
    remediation=(
        "`import std.baseline`, which denies them, or read narrower: `src/**` rather than `**`. Give single "
        "secrets by name with `use`."
    ),
    bad='allow read "**"',
    good="""\
import std.baseline
allow read "**"
""",
    near=('allow read "src/*.ts", ".env.example"', 'allow read "**/cacert.pem", "/etc/ssl/certs/**"'),
    shows=".env",
    function=into("credentials", ("read",), but=AUTHORITIES, milder=_supposed),
)
