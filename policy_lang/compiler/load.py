"""The whole way from a file to a policy set, with every mistake on it reported together."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..domain.errors import Diagnostic, PolicyError, Source, Span
from ..domain.limits import limit
from ..ir.model import PolicySet
from ..resolve.files import Reader
from ..resolve.modules import Module
from ..resolve.resolver import ResolvedPolicy, resolve_file
from ..syntax import tree
from .examples import check_examples
from .lower import lower
from .server_tools import SUFFIX


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy file as far as it is understood, and every mistake in it, by file and place.

    With mistakes, `policy_set` lacks the rules, tests and proofs that have one: it is there to be looked at, in an
    editor for example. `checked` gives the one that decides.
    """

    resolved: ResolvedPolicy | None
    """The files with what their names mean; None when the file itself cannot be read."""
    policy_set: PolicySet | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def tree(self) -> tree.File | None:
        """The policy's own file as it is written."""
        return None if self.resolved is None else self.resolved.root.file

    @property
    def modules(self) -> tuple[Module, ...]:
        """The files that could be read: the policy's own, then imports and ceilings as they are met."""
        return () if self.resolved is None else tuple(self.resolved.modules)

    def checked(self) -> tuple[ResolvedPolicy, PolicySet]:
        """The files and the policy set, of a policy without mistakes. Raises PolicyError with all of them."""
        if self.diagnostics or self.resolved is None or self.policy_set is None:
            raise PolicyError(self.diagnostics)
        return self.resolved, self.policy_set


def compile_collecting(
    path: str, text: str | None = None, *, library: bool = False, read: Reader | None = None
) -> Compiled:
    """Compile a policy file, or a text as if it stood at `path`. An author's mistakes are returned, not raised.

    `library` lets it declare tiers that others define. `read` gives the bytes of files, from the disk unless
    something else is given, such as the texts that are open in an editor.
    """
    path = os.fspath(path)
    if text is None:
        return _collect(path, None, library, read)
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        at = Span(Source(path, text.encode("utf-8", "replace").decode()), error.start, error.start + 1)
        return _unread(Diagnostic("PLE002", "the text is not valid Unicode (a lone surrogate)", at, "save it as UTF-8"))
    if size > limit("source_bytes"):
        message = f"the text is longer than {limit('source_bytes')} bytes"
        return _unread(Diagnostic("PLE004", message, Span(Source(path, ""), 0, 0), "split it and import the parts"))
    return _collect(path, Source(path, text), library, read)


def compile_file(path: str, library: bool = False, read: Reader | None = None) -> PolicySet:
    """Compile a policy file. `library` and `read` are those of `compile_collecting`. Raises PolicyError."""
    return compile_resolved(path, library, read)[1]


def compile_resolved(path: str, library: bool = False, read: Reader | None = None) -> tuple[ResolvedPolicy, PolicySet]:
    """The same, with what its files say beside the policy set. Raises PolicyError."""
    return compile_collecting(path, library=library, read=read).checked()


def compile_text(text: str, path: str) -> PolicySet:
    """Compile a text as if it stood at `path`. Raises PolicyError."""
    return compile_collecting(path, text).checked()[1]


def compile_source(source: Source) -> tuple[ResolvedPolicy, PolicySet]:
    """Compile a text of our own making, of any size. Raises PolicyError."""
    return _collect(source.path, source, False, None).checked()


def _unread(*diagnostics: Diagnostic) -> Compiled:
    return Compiled(None, None, diagnostics)


def _collect(path: str, overlay: Source | None, library: bool, read: Reader | None) -> Compiled:
    try:
        resolved = resolve_file(path, overlay, library, read)
    except PolicyError as error:
        return _unread(*error.diagnostics)
    policy = lower(resolved)
    if _profiles_read(resolved, policy):
        check_examples(resolved, policy)
    return Compiled(resolved, policy, tuple(ordered(resolved.diagnostics)))


def _profiles_read(resolved: ResolvedPolicy, policy: PolicySet) -> bool:
    """False when a profile of the policy's has a mistake: examples of commands would be read in another way."""
    profiles = (i for module in resolved.modules for i in module.file.items if isinstance(i, tree.ProfileFile))
    named = sum(not item.target.text.endswith(SUFFIX) for item in profiles)
    return len(policy.profiles) == named and "PROFILE" not in resolved.broken


def ordered(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """By file and place, each once, at most as many as the limit says: the last one then tells of the others."""
    unique = {
        (d.code, d.message, d.span.source.path if d.span else "", d.span.start if d.span else -1): d
        for d in diagnostics
    }
    found = sorted(unique.values(), key=lambda d: (d.span.source.path if d.span else "", d.span.start if d.span else 0))
    most = limit("diagnostics")
    if len(found) > most:
        found = [*found[: most - 1], Diagnostic("PLE004", f"more than {most} mistakes; the others are not shown")]
    return found
