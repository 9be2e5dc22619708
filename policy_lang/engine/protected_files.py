"""The part of the protected floor that no text can say: the policy's own files, and where this program lies."""

from __future__ import annotations

import os
import sys

from ..automata.pattern import MANY, Pattern, Sequence, segment_label
from ..domain.actions import DENY, PATH
from ..domain.conditions import TRUE
from ..domain.errors import Source, Span
from ..facts.paths import ROOT, WORKSPACE
from ..ir.model import Rule

_PACKAGE = "policy_lang"
_BESIDE = (f"{_PACKAGE}-*", "*.pth", "sitecustomize*", "usercustomize*")
"""What else in a folder of packages decides which code runs (site(3))."""


def computed_rules(sources: tuple[str, ...], kept: tuple[str, ...] = ()) -> tuple[Rule, ...]:
    """The rules about the files of a policy set, about this program, and about what a service has `kept`."""
    return (*policy_file_rules(sources), *installation_rules(), *_rule("kept", "the service's files", _kept(kept)))


def policy_file_rules(sources: tuple[str, ...]) -> tuple[Rule, ...]:
    """One rule that denies writing and deleting the files of the set, and the folders that hold them.

    A file is named by its absolute path and by every suffix of it below the workspace, since the same policy
    usually lies in the agent's own checkout as well.
    """
    sequences: set[Sequence] = set()
    for path in sources:
        for name in {os.path.abspath(path), os.path.realpath(path)}:
            parts = _parts(name)
            sequences.update((ROOT, *parts[:i]) for i in range(len(parts) + 1))
            sequences.update((WORKSPACE, *parts[i:]) for i in range(1, len(parts)))
    return _rule("policy-files", "the policy's files", sequences, "an agent does not edit its own policy")


def installation_rules() -> tuple[Rule, ...]:
    """One rule that denies writing and deleting this program, its interpreter, and the environment that holds both.

    A virtual environment is taken as a whole. Of another folder of packages, what this program is and what runs
    whenever the interpreter starts.
    """
    where = (sys.executable, sys.prefix, sys.base_prefix)
    if where not in _INSTALLATIONS:
        _INSTALLATIONS[where] = _installation(*where)
    return _INSTALLATIONS[where]


_INSTALLATIONS: dict[tuple[str, str, str], tuple[Rule, ...]] = {}
"""A process has one; finding out where its links lead takes as long as compiling many rules."""


def _installation(executable: str, prefix: str, base: str) -> tuple[Rule, ...]:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = [package, os.path.dirname(os.__file__)]
    if executable:
        places.append(os.path.realpath(executable))
    if prefix != base:
        places.append(prefix)
    sequences = _below(places)
    site = _parts(os.path.dirname(package))
    sequences |= {(ROOT, *site, segment_label(name), MANY) for name in _BESIDE}
    return _rule("installation", "this program", sequences)


def _below(places: tuple[str, ...] | list[str]) -> set[Sequence]:
    names = {name for place in places for name in (os.path.abspath(place), os.path.realpath(place))}
    return {(ROOT, *_parts(name), MANY) for name in names}


def _kept(places: tuple[str, ...]) -> set[Sequence]:
    """Files, and folders with the files that lie in them: no deeper, so that a workspace below stays one."""
    whole = {(ROOT, *_parts(name)) for place in places for name in (os.path.abspath(place), os.path.realpath(place))}
    return whole | {(*name, segment_label("*")) for name in whole}


def _parts(name: str) -> tuple[str, ...]:
    return tuple(p for p in name.split("/") if p)


def _rule(
    name: str, text: str, sequences: set[Sequence], because: str = "it decides what the agent may do"
) -> tuple[Rule, ...]:
    if not sequences:
        return ()
    pattern = Pattern(PATH, text, tuple(sorted(sequences, key=repr)))
    span = Span(Source("floor.policy", ""), 0, 0)
    return (
        Rule(
            f"floor#{name}", name, DENY, "", ("write", "delete"), PATH, (pattern,), (), (), (), TRUE, False, False,
            False, because, "floor.policy", 0, "floor", name, span,
        ),
    )  # fmt: skip
