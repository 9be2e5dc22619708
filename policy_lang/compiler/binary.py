"""From a policy file to a compiled one."""

from __future__ import annotations

from hashlib import sha256

from ..compiled.writer import Origin, write
from ..domain.edition import LANGUAGE_VERSION
from ..engine.prepare import prepare
from ..resolve.files import Reader
from .load import compile_resolved
from .own_profiles import own_profiles
from .profiles import builtin_names, with_own


def compile_binary(
    path: str, program: str, named: bool = True, read: Reader | None = None, kept: tuple[str, ...] = ()
) -> bytes:
    """The compiled form of a policy file. `program` is the version of this program; `read` gives the bytes of files.

    Its sources are `named` in it: who opens it is told when they have changed or are gone. Raises PolicyError with
    every mistake found. What a service has `kept` elsewhere is protected.
    """
    resolved, policy = compile_resolved(path, False, read)
    files = {m.path: m.file.source.text.encode("utf-8") for m in resolved.modules if m.path}
    files.update(own_profiles(resolved)[1])
    own = resolved.root.path
    sources = sorted(((name, sha256(data).hexdigest()) for name, data in files.items()), key=lambda s: (s[0] != own, s))
    find = with_own(policy.profiles)
    profiles = {name: profile for name in {*builtin_names(), *policy.profiles} if (profile := find(name)) is not None}
    return write(
        prepare(policy, find, kept),
        Origin(program, LANGUAGE_VERSION, policy.name, tuple(sources) if named else ()),
        profiles,
    )
