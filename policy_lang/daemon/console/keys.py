"""Keys by which people prove what they say in the console: what pages tell the script of them, and what comes back."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from ...domain.errors import RequestError
from ...domain.strict_json import Json
from ..api.http import HttpCall
from ..identity.browser_sessions import BrowserSession, ConsoleAccess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..identity.webauthn import SecondProofs

KEY = "key"
"""What is signed by a key that is being made."""


class Keys:
    """The second proof of answers, where people have one."""

    def __init__(self, access: ConsoleAccess) -> None:
        self._access = access
        self._proofs: SecondProofs | None = None

    def offered(self, session: BrowserSession, verdicts: tuple[str, ...], about: tuple[str, ...] = ()) -> Json | None:
        """What a page tells the script: the person's keys, and what each of its buttons has them sign."""
        person = session.person
        if not person.keys and verdicts != (KEY,):
            return None
        challenges = {v: urlsafe_b64encode(session.challenge(v, *about)).decode().rstrip("=") for v in verdicts}
        verification = "required" if person.verified else "preferred"
        return {"names": ",".join(person.key_names), "verification": verification, "challenges": challenges}

    def check(self, session: BrowserSession, call: HttpCall, text: str, verdict: str, about: tuple[str, ...]) -> None:
        """Raises RequestError unless a key of the person, where it has one, has signed what it was shown."""
        person = session.person
        if person.keys:
            challenge = session.challenge(verdict, *about)
            self._second().check(self._origin(call), challenge, person.keys, person.verified, text)

    def made(self, session: BrowserSession, call: HttpCall, text: str) -> str:
        """The line for the configuration of a key that was just made. Raises RequestError."""
        return self._second().made(self._origin(call), session.challenge(KEY), session.person.verified, text)

    def _origin(self, call: HttpCall) -> str:
        return self._access.origin(call.headers.get(b"host", b""), call.caller)

    def _second(self) -> SecondProofs:
        if self._proofs is None:
            try:
                from ..identity.webauthn import SecondProofs
            except ImportError:
                raise RequestError(
                    "PLR243", 'keys need a package more: `pip install "policy-lang[webauthn]"`'
                ) from None
            self._proofs = SecondProofs()
        return self._proofs
