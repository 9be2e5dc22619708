"""Checkpoints of a log: Ed25519 (RFC 8032) over where the chain stands, so that nobody without the key can remake it.

The mathematics is the package `cryptography`'s, which the extra `sign` installs. Keys are files as ssh-keygen(1) makes
them (`ssh-keygen -t ed25519`), or PEM.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..domain.digest import sha256
from ..domain.faults import AuthorError, reason_of
from ..domain.files import replace
from ..domain.limits import limit
from ..domain.strict_json import Json
from ..facts.owners import unsafe, unsafe_place

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_OWN = "log.key"
EXTRA = 'signing needs a package more: `pip install "policy-lang[sign]"`'
"""What is said when `cryptography` is not there."""


class SignError(AuthorError):
    """A key that cannot be used; the text says why and how to fix it."""


def signer(path: str) -> Callable[[bytes], Json]:
    """What signs with the private key in a file that only this user can read. Raises SignError."""
    key = _private(path)
    name = _name(key.public_key())
    return lambda text: {"key": name, "signature": key.sign(text).hex()}


def _private(path: str) -> Ed25519PrivateKey:
    data = _bytes(path, secret=True)
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
    except ImportError:
        raise SignError(EXTRA) from None
    try:
        load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
        key = load(data, None)
    except (ValueError, TypeError) as error:
        raise SignError(f"`{path}` holds no private key without a passphrase: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignError(f"`{path}` holds no Ed25519 key; make one: `ssh-keygen -t ed25519 -N '' -f {path}`")
    return key


def own_key(folder: str) -> tuple[str, str]:
    """The path of a service's own key in its folder, made at the first start, and its public half when it was made now.

    That half is in a file beside it as well, `.pub`.

    A key that is gone is not made anew: whoever verifies the log would take the new one's signatures for forged ones.
    Raises SignError, and OSError when nothing can be written there.
    """
    path = os.path.join(folder, _OWN)
    public = f"{path}.pub"
    if not os.path.lexists(path) and os.path.lexists(public):
        raise SignError(
            f"`{path}` is gone, and `{public}` is there: put the key back, or remove that as well for a new one"
        )
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
    except ImportError:
        raise SignError(EXTRA) from None
    fresh = not os.path.lexists(path)
    if fresh:
        made = Ed25519PrivateKey.generate()
        replace(path, made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()), mode=0o600, durable=True)
    half = _private(path).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    if not os.path.lexists(public):
        replace(public, half + b"\n", mode=0o644, durable=True)
    elif _bytes(public, secret=False).split()[:2] != half.split()[:2]:
        raise SignError(f"`{public}` is not the public half of `{path}`: one of them was replaced")
    return path, half.decode("ascii") if fresh else ""


def checker(*paths: str) -> Callable[[bytes, Json], bool]:
    """What tests signatures by the public keys in files, each by the one that it names. Raises SignError."""
    checks = [_checker(p) for p in paths]
    return lambda text, checkpoint: any(check(text, checkpoint) for check in checks)


def _checker(path: str) -> Callable[[bytes, Json], bool]:
    data = _bytes(path, secret=False)
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key
    except ImportError:
        raise SignError(EXTRA) from None
    try:
        key = load_ssh_public_key(data) if data.startswith(b"ssh-") else load_pem_public_key(data)
    except (ValueError, TypeError) as error:
        raise SignError(f"`{path}` holds no public key: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SignError(f"`{path}` holds no Ed25519 key")
    public, name = key, _name(key)

    def check(text: bytes, checkpoint: Json) -> bool:
        signature = checkpoint.get("signature")
        if checkpoint.get("key") != name or not isinstance(signature, str):
            return False
        try:
            public.verify(bytes.fromhex(signature), text)
        except (InvalidSignature, ValueError):
            return False
        return True

    return check


def _name(key: Ed25519PublicKey) -> str:
    """A short name of a key: the beginning of the digest of its bytes."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def _bytes(path: str, secret: bool) -> bytes:
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            data = stream.read(limit("config_bytes"))
    except OSError as error:
        raise SignError(f"`{path}` cannot be read: {reason_of(error)}") from None
    if secret:
        fault = unsafe(status) or unsafe_place(path)
        if fault is None and stat.S_IMODE(status.st_mode) & 0o077:
            fault = ("others can read it", "take that away: `chmod 600`")
        if fault is not None:
            raise SignError(f"`{path}` is refused: {fault[0]}; {fault[1]}")
    return data
