"""Requests beyond what was stopped that a proposal lets pass, by the exact query, each confirmed by both policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from ...analysis.members import matching
from ...analysis.query import QueryGrant, query
from ...analysis.witness import Witness, verdict_on
from ...automata.pattern import MANY, Sequence
from ...domain.actions import ALLOW, COMMAND, PATH
from ...domain.limits import limit
from ...engine.pdp import Engine
from ...engine.readings import profile_of
from ...ir.model import Rule
from ...policy import Policy
from ...shell.profile import Profile

_MOST = limit("suggest_beyond")
_TELLING = (".env", "id_ed25519", "credentials.json", "server.key", ".npmrc", "Makefile", "package.json", "conftest.py")
"""Names that say most about what is granted in a folder: what is secret, and what is run."""


@dataclass(slots=True)
class Beyond:
    """What passes beyond what was stopped: nothing when both are empty, which is a proof then."""

    grants: list[QueryGrant] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


def beyond(old: Policy, exact: Policy, proposed: Policy, both: Policy) -> Beyond:
    """What `proposed` allows by rules that `exact`, which grants what was stopped, has not; `both` has all of them."""
    out = Beyond()
    known = _ids(exact)
    less = known - _ids(old)  # not what was granted before: `accept` knows that, and barring it may take minutes

    def accept(witness: Witness) -> bool:
        return verdict_on(exact.engine, witness).effect != ALLOW

    for rule in proposed.policy_set.layers[0].rules:
        if rule.id in known:
            continue
        answer = query(both.engine, rule.actions, rule.include, accept=accept, only=frozenset({rule.id}), less=less)
        for grant in answer.grants:
            if grant.rule.id == rule.id:
                out.grants += [*islice(_telling(proposed.engine, rule, grant, accept), _MOST)] or [grant]
        about = f"`{rule.id}`"
        out.undecided += [text for text in answer.undecided if about in text or "`" not in text]
    return out


def _telling(engine: Engine, rule: Rule, grant: QueryGrant, accept: Callable[[Witness], bool]) -> Iterator[QueryGrant]:
    """The same grant with what people keep secret, or with what a program is known to have."""
    if rule.sort == PATH:
        for pattern in rule.include:
            folder = pattern.text[: min((pattern.text + "*").index(c) for c in "*?[{" if c in pattern.text + "*")]
            for name in _TELLING:
                witness = replace(grant.witness, resource=f"{folder.rpartition('/')[0]}/{name}".lstrip("/"))
                if _holds(engine, rule, witness, accept):
                    yield replace(grant, witness=witness)
    for sequence in (s for p in rule.include for s in p.sequences) if rule.sort == COMMAND else ():
        words = tuple(_words(sequence))
        open_end = words and sequence[len(words) :] == (MANY,)
        profile = profile_of(words[0], engine.profiles) if open_end else None
        for more in _known(profile, words):
            witness = replace(grant.witness, resource=(*words, *more))
            if _holds(engine, rule, witness, accept):
                yield replace(grant, witness=witness)


def _ids(policy: Policy) -> frozenset[str]:
    return frozenset(r.id for layer in policy.policy_set.layers for r in layer.rules)


def _holds(engine: Engine, rule: Rule, witness: Witness, accept: Callable[[Witness], bool]) -> bool:
    allowed = verdict_on(engine, witness, supposed=True).effect == ALLOW
    return allowed and matching(rule.include, witness) is not None and accept(witness)


def _words(sequence: Sequence) -> Iterator[str]:
    """The words with which a pattern begins."""
    for label in sequence:
        if not isinstance(label, str):
            return
        yield label


def _known(profile: Profile | None, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for word in words[1:]:
        following = profile.commands.get(word) if profile is not None else None
        if following is None:
            break
        profile = following
    if profile is not None:
        yield from ((name,) for name in profile.commands)
        telling = sorted(profile.options, key=lambda name: name not in profile.changes)  # what changes the rest first
        options = {id(profile.options[name]): profile.options[name] for name in telling}
        yield from ((option.names[-1],) for option in options.values())
