"""Interception for one start: which credentials stay outside, which remotes rules know, what programs inside trust."""

from __future__ import annotations

from ..domain.actions import ALLOW
from ..domain.record import replace
from ..domain.request import Request
from ..egress.credentials import Credentials, credential, goes_somewhere, read_credential
from ..egress.interception import Interception, InterceptionError, find_program, system_bundle
from .box import WallsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .port import DecisionPort

_TRUST = (
    "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE", "DENO_CERT",
)  # fmt: skip
"""Variables by which programs that bring authorities of their own are told of a file with others."""


def trusting(bundle: str) -> dict[str, str]:
    """The variables that have programs trust what is in the file."""
    return dict.fromkeys(_TRUST, bundle)


def credentials_of(sources: Iterable[str], variables: Mapping[str, str], port: DecisionPort) -> Credentials:
    """The credentials that rules let go somewhere and hand out to nobody: of `NAME=SOURCE`, or of a variable.

    Raises CredentialError, and WallsError for a name that goes nowhere.
    """
    found = dict(read_credential(text, variables) for text in sources)
    for name in found:
        if not goes_somewhere(port.policy.engine, port.like, name):
            raise WallsError(f'`--credential {name}=...`: no rule says where it goes (`use "{name}" for "HOST"`)')
    for name, value in variables.items():
        if name not in found and not _handed_out(port, name) and goes_somewhere(port.policy.engine, port.like, name):
            found[name] = value

    def decide(name: str, destination: str) -> str:
        ruling = port.asked(Request("use", name, destination=destination))
        return "" if ruling.allowed else ruling.reason or "the policy does not allow it"

    return Credentials([credential(name, secret) for name, secret in found.items()], decide)


def _handed_out(port: DecisionPort, name: str) -> bool:
    request = port.policy.timed(replace(port.like, action="use", resource=name))
    return port.policy.engine.decide(request).effect == ALLOW


def interception(
    port: DecisionPort,
    credentials: Credentials,
    remotes: Callable[[str], Sequence[str]],
    pinned: Sequence[str],
    tell: Callable[[str], None],
) -> tuple[Interception, str]:
    """Mitmproxy for this start, and the file that programs inside find their authorities in. Raises WallsError."""
    program, bundle = find_program(), system_bundle()
    if program is None:
        raise WallsError("`--intercept` needs mitmproxy, as `/usr/bin/mitmdump` or `/usr/local/bin/mitmdump`")
    if bundle is None:
        raise WallsError("the system has no file of authorities that programs trust, and `--intercept` needs it")
    made = Interception(
        program, port.connection, port.asked, at_once=port.at_once, foresee=port.may_connect, credentials=credentials,
        remotes=remotes, pinned=pinned, trusted=bundle, tell=tell,
    )  # fmt: skip
    try:
        made.start()
    except InterceptionError as error:
        raise WallsError(str(error)) from None
    return made, bundle
