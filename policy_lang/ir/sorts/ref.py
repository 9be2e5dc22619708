"""Git refs: a remote, then the full ref name, split at `/`."""

from __future__ import annotations

import re

from ...automata.alphabet import CONTROLS, Alphabet
from ...automata.glob import Glob
from ...automata.pattern import ANY, MANY, Label, Sequence, Word, collapse, expand_braces
from ...automata.space import Phase, Space
from ...domain.limits import limit
from ...facts.refs import DEFAULT_REMOTE, malformed_ref, ref_facts
from ...facts.words import Names
from ..scopes import PatternError, many_inside, part_label
from .sort import Circumstances, Sort, only_text

REFS = Alphabet(
    "ref", (*CONTROLS, (32, 32), (42, 42), (47, 47), (58, 58), (63, 63), (91, 94), (126, 126)), frozenset({".."})
)
"""`.` is the remote that git calls the repository itself; no part of a ref begins with a dot."""
_TELLING = ("main", "master", "release/1.0", "refs/tags/v1.0", "production", "fork:main", "agent/x")


def _words(resource: str | tuple[str, ...], seen: Circumstances) -> tuple[Names, ...]:
    facts = ref_facts(only_text(resource), seen.branch)
    if facts.segments is None:  # the current branch, and nobody said which that is
        return (Names(((facts.remote, "refs", "heads"),), (), (ANY, MANY)),)
    return (Names((facts.word,)),)


def _sequences(text: str, _methods: tuple[str, ...]) -> list[Sequence]:
    return [_ref(t) for t in expand_braces(text, limit("pattern_alternatives"))]


def _resource(word: Word) -> str:
    remote, *parts = word
    text = "/".join(parts)
    short = text.removeprefix("refs/heads/")
    if (
        short != text
        and not short.startswith(("heads/", "tags/", "remotes/", "refs/", "+"))
        and short not in {"HEAD", "@"}
    ):
        text = short
    return text if remote == DEFAULT_REMOTE else f"{remote}:{text}"


def _ref(text: str) -> Sequence:
    remote, colon, ref = text.rpartition(":")
    if not colon:
        remote = DEFAULT_REMOTE
    elif not remote:
        raise PatternError("the remote before `:` is missing", "write `origin:main`, or `*:main` for any remote")
    if ref in {"HEAD", "@"}:
        raise PatternError(f"`{ref}` is not one ref", "name the branch")
    if ref.startswith("+"):
        raise PatternError("`+` forces a push", "write a rule for `force-push`")
    if ref.startswith(("heads/", "tags/", "remotes/")):
        raise PatternError(f"`{ref}` is ambiguous in git", f"write `refs/{ref}`")
    full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    plain = re.sub(r"\[[^\]]*\]|[*?]", "x", full)
    why = malformed_ref(plain if plain.count("/") > 1 else plain + "/x")
    if why and not full.endswith("/"):
        raise PatternError(f"no ref matches this: {why}")
    folder = full.endswith("/")
    labels: list[Label] = [part_label(p) for p in full.rstrip("/").split("/")]
    if folder:
        return (part_label(remote), *collapse([*labels, MANY]))
    return (part_label(remote), *many_inside(labels))


_BAD_REF = tuple(Glob(g) for g in (".*", "-*", "*.lock", "*..*", "*@[{]*", "*."))


class Refs(Space):
    """A remote, `refs`, then two parts or more (git-check-ref-format(1))."""

    start = (0,)

    def __init__(self) -> None:
        super().__init__(REFS)

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        place = phase[0]
        assert isinstance(place, int)
        if not REFS.admits(segment) or (place == 0 and segment[0] == "-") or (place == 1 and segment != "refs"):
            return None
        if place > 1 and any(g.matches(segment) for g in _BAD_REF[:-1]):
            return None
        return (min(place + 1, 4), segment.endswith(".")) if place > 1 else (place + 1,)

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase == (4, False)

    def pool(self, phase: Phase) -> tuple[str, ...] | None:
        """See `Space`."""
        return ("refs",) if phase == (1,) else None

    def alphabet(self, phase: Phase) -> tuple[Alphabet, tuple[Glob, ...]]:
        """See `Space`."""
        return REFS, (_BAD_REF[1],) if phase == (0,) else _BAD_REF[:-1]

    def cost(self, at: int, segment: str) -> int:  # noqa: ARG002
        """`origin` and branches are the plain case."""
        return 1 if segment in {"origin", "refs", "heads"} else len(segment) + 1


SORT = Sort(
    "ref", REFS, words=_words, sequences=_sequences, resource=_resource, space=Refs, telling=_TELLING, ordinary=1
)
"""Branches, tags and other refs of a remote."""
