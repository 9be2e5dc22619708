"""Sorts of resources: one record for each, which everything that depends on the sort asks."""

from __future__ import annotations

from ...domain.errors import RequestError
from ...domain.record import record
from ...facts.paths import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...automata.alphabet import Alphabet
    from ...automata.pattern import Sequence, Word
    from ...automata.space import Space
    from ...domain.request import Resource
    from ...facts.paths import Roots
    from ...facts.words import Names

_FILES = {"path": "path", "command": "command", "host": "host", "ref": "ref", "name": "name"}
"""The file of this folder that each sort stands in."""
_FOUND: dict[str, Sort] = {}


@record(frozen=True, slots=True)
class Circumstances:
    """What a resource is read by: where things are, the current branch, and the methods that a connection may have."""

    roots: Roots = NOWHERE
    branch: str | None = None
    methods: tuple[str, ...] = ()


@record(frozen=True, slots=True, eq=False)
class Sort:
    """One sort of resource.

    `alphabet` says which segments its words may have, and `space` makes the space of all its words, for searches.
    `words` gives those that a resource comes to: in each form that it has, and all of them must be granted. Only a
    command may be a tuple; a script of commands is opaque here, since it is read to what it does. `sequences` gives the
    label sequences of a pattern, whose methods, if it is a connection's, are named. `show` writes a word for people,
    `resource` as a request says it. `telling` are resources that a reviewer understands at once, the most sensitive
    first; the last `ordinary` of them are ordinary ones.

    `words` raises RequestError for what is malformed, `sequences` PatternError and GlobError.
    """

    name: str
    alphabet: Alphabet
    words: Callable[[Resource, Circumstances], tuple[Names, ...]]
    sequences: Callable[[str, tuple[str, ...]], list[Sequence]]
    resource: Callable[[Word], str]
    space: Callable[[], Space]
    show: Callable[[Word], str] = " ".join
    telling: tuple[str, ...] = ()
    ordinary: int = 0


def only_text(resource: Resource) -> str:
    """The resource, of a sort that has no lists of words. Raises RequestError."""
    if not isinstance(resource, str):
        raise RequestError("PLR001", "the resource is not a string")
    return resource


def sort_named(name: str) -> Sort:
    """The sort of a name of `domain/actions.py`. It is loaded when it is first asked for: decisions need few."""
    found = _FOUND.get(name)
    if found is None:
        module = __import__(f"{__package__}.{_FILES[name]}", fromlist=("SORT",))
        found = _FOUND[name] = module.SORT
    return found
