"""People who answer by their SSH key: an allowed-signers file (ssh-keygen(1)), and `ssh-keygen` that verifies.

What was read and checked when the service started is what is used: the file may change afterwards, the service's copy
does not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from ...domain.faults import AuthorError
from ...domain.limits import limit

_KEY = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]{1,60}\Z")
_PRINCIPAL = re.compile(r"[A-Za-z0-9@._+-]{1,128}\Z")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_SECONDS = limit("signature_seconds")


class SignersError(AuthorError, ValueError):
    """An allowed-signers file that cannot be used; the text says why."""


def read_signers(text: str) -> dict[str, bytes]:
    """The lines of each identity. Raises SignersError for what could make two people of one key, or one of two.

    Only lines with one plain identity and one plain key are taken: no patterns, no certificate authorities.
    """
    found: dict[str, bytes] = {}
    owners: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        name, *rest = words
        if not _PRINCIPAL.match(name):
            raise SignersError(f"line {number}: `{name[:60]}` is not one plain identity")
        if any("cert-authority" in w.lower() for w in rest):
            raise SignersError(f"line {number}: keys stand there themselves, not an authority that makes them")
        at = next((i for i, w in enumerate(rest) if _KEY.match(w)), -1)
        if not 0 <= at < len(rest) - 1:
            raise SignersError(f"line {number}: there is no key")
        if owners.setdefault(rest[at + 1], name) != name:
            raise SignersError(f"line {number}: `{name}` and `{owners[rest[at + 1]]}` have the same key")
        found[name] = found.get(name, b"") + line.encode() + b"\n"
    return found


def verified(identity: str, signers: bytes, namespace: str, text: bytes, signature: str) -> bool:
    """Whether a signature is that identity's, of this text, for this purpose. Takes some milliseconds."""
    program = shutil.which("ssh-keygen", path=_PATH)
    if program is None or not signature.isascii():
        return False
    files = []
    try:
        for data in (signers, signature.encode("ascii")):
            files.append(os.memfd_create("policy_lang", os.MFD_CLOEXEC))
            os.write(files[-1], data)
        allowed, given = (f"/proc/self/fd/{f}" for f in files)
        done = subprocess.run(  # noqa: S603 (a program of the system's, by its whole path)
            [program, "-Y", "verify", "-f", allowed, "-I", identity, "-n", namespace, "-s", given],
            input=text, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": _PATH}, cwd="/",
            pass_fds=files, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        for file in files:
            os.close(file)
    return done.returncode == 0
