"""Keys of people's own (W3C Web Authentication), as a second proof of what they answer in the console.

A key is made in the browser; what is kept of it stands in the configuration, where an operator puts it. The ceremonies
are those of Yubico's `fido2`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    UserVerificationRequirement,
)

from ...domain.errors import RequestError

_REQUIRED, _PREFERRED = UserVerificationRequirement.REQUIRED, UserVerificationRequirement.PREFERRED


def key_of(text: str) -> bytes:
    """What the configuration keeps of a key, as bytes. Raises ValueError for anything else."""
    data: bytes = websafe_decode(text)
    _, rest = AttestedCredentialData.unpack_from(data)
    if rest or websafe_encode(data) != text:
        raise ValueError("it is not exactly one key")
    return data


@dataclass(slots=True)
class SecondProofs:
    """Looks at what browsers send of keys. A key whose counter does not go on was copied: it proves nothing more."""

    _counters: dict[bytes, int] = field(default_factory=dict)

    def made(self, origin: str, challenge: bytes, verified: bool, text: str) -> str:
        """The line for the configuration of a key that was just made. Raises RequestError."""
        server = _server(origin)
        state = {"challenge": websafe_encode(challenge), "user_verification": _REQUIRED if verified else _PREFERRED}
        try:
            data = server.register_complete(state, json.loads(text))
            found = data.credential_data
        except Exception as error:  # noqa: BLE001 (a library's reading of foreign bytes: it proves nothing, whatever it says)
            raise RequestError("PLR243", f"no key was made: {_why(error)}") from None
        if found is None:
            raise RequestError("PLR243", "no key was made")
        line: str = websafe_encode(bytes(found))
        return line

    def check(self, origin: str, challenge: bytes, keys: tuple[bytes, ...], verified: bool, text: str) -> None:
        """Raises RequestError unless it is an assertion by one of the keys, of this challenge, made here and now."""
        server = _server(origin)
        state = {"challenge": websafe_encode(challenge), "user_verification": _REQUIRED if verified else _PREFERRED}
        try:
            given: Any = AuthenticationResponse.from_dict(json.loads(text))
            known = [AttestedCredentialData(k) for k in keys]
            found = server.authenticate_complete(state, known, given)
            counter = int(given.response.authenticator_data.counter)
        except Exception as error:  # noqa: BLE001 (as above)
            raise RequestError("PLR243", f"the key did not prove it: {_why(error)}") from None
        name = bytes(found.credential_id)
        before = self._counters.get(name, 0)
        if (counter or before) and counter <= before:
            raise RequestError("PLR243", "the key's counter does not go on: it may have been copied")
        self._counters[name] = counter


def _server(origin: str) -> Fido2Server:
    host = urlsplit(origin).hostname or ""
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name="policy_lang"), verify_origin=lambda o: o == origin)


def _why(error: Exception) -> str:
    text = str(error) if isinstance(error, ValueError) else type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text[:80])
