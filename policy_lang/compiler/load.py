"""The whole way from a file to a policy set, with every mistake on it reported together."""

from __future__ import annotations

import os

from ..domain.errors import Diagnostic, PolicyError, Source
from ..domain.limits import limit
from ..ir.model import PolicySet
from ..resolve.files import Reader
from ..resolve.program import Program, resolve_file
from .examples import check_examples
from .lower import lower


def compile_file(path: str, library: bool = False, read: Reader | None = None) -> PolicySet:
    """Compile a policy file. `library` lets it declare tiers that others define. Raises PolicyError.

    `read` gives the bytes of its files, from the disk unless something else is given.
    """
    return compile_program(path, library, read)[1]


def compile_program(path: str, library: bool = False, read: Reader | None = None) -> tuple[Program, PolicySet]:
    """The same, with what its files say beside the policy set. Raises PolicyError."""
    program = resolve_file(os.fspath(path), library=library, read=read)
    return program, _finish(program)


def compile_text(text: str, path: str) -> PolicySet:
    """Compile a text as if it stood at `path`. Raises PolicyError."""
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise PolicyError([Diagnostic("PLE002", "the text is not valid Unicode (a lone surrogate)")]) from None
    if size > limit("source_bytes"):
        raise PolicyError([Diagnostic("PLE004", f"the text is longer than {limit('source_bytes')} bytes")])
    return _finish(resolve_file(path, Source(path, text)))


def _finish(program: Program) -> PolicySet:
    policy = lower(program)
    if not program.diagnostics:
        check_examples(program, policy)
    if program.diagnostics:
        raise PolicyError(ordered(program.diagnostics))
    return policy


def ordered(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """By file and place, each once, at most as many as the limit says."""
    unique = {
        (d.code, d.message, d.span.source.path if d.span else "", d.span.start if d.span else -1): d
        for d in diagnostics
    }
    found = sorted(unique.values(), key=lambda d: (d.span.source.path if d.span else "", d.span.start if d.span else 0))
    most = limit("diagnostics")
    if len(found) > most:
        found = [*found[:most], Diagnostic("PLE004", f"more than {most} mistakes; the others are not shown")]
    return found
