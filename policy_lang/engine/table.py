"""All rules about one action, ready for deciding: an automaton, and the rules behind its marks."""

from __future__ import annotations

from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain.decision import RuleRef
from ..domain.limits import limit
from ..domain.record import record
from .memo import Memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol, TypeVar

    from ..domain.conditions import Formula
    from ..domain.policy import AttributeType, FreezeRule, Tier
    from .options import Group

    Item_co = TypeVar("Item_co", covariant=True)

    class Listed(Protocol[Item_co]):
        """Things by number: a list, or a stretch of a compiled file."""

        def __len__(self) -> int: ...
        def __getitem__(self, place: int, /) -> Item_co: ...
        def __iter__(self) -> Iterator[Item_co]: ...

    class Tables(Protocol):
        """The tables by action."""

        def get(self, action: str, /) -> Table | None:
            """The table of an action, if some rule speaks of it."""


FLOOR = -1
"""The layer number of the protected floor's rules."""

_MOST_MEMO = limit("memo_entries")


class Entry:
    """One rule of one layer, as far as decisions need it.

    `condition` indexes the conditions, `required_options` and `forbidden_options` (`with` and `without`) the table's
    groups of options; -1 when there is none. `excepts` says that the rule has exceptions.
    """

    __slots__ = (
        "condition", "excepts", "forbidden_options", "grants", "layer", "log", "override", "ref", "required_options",
        "sort",
    )  # fmt: skip

    def __init__(
        self, ref: RuleRef, layer: int, sort: str, condition: int = -1, *, grants: bool, log: bool, override: bool,
        excepts: bool, required_options: int = -1, forbidden_options: int = -1,
    ) -> None:  # fmt: skip
        self.ref = ref
        self.layer = layer
        self.sort = sort
        self.condition = condition
        self.grants = grants
        self.log = log
        self.override = override
        self.excepts = excepts
        self.required_options = required_options
        self.forbidden_options = forbidden_options


class Table:
    """The rules about one action.

    `owners` gives for each mark the rule, and whether the mark includes (or excepts); `bare_owners` for each mark
    on bare words the rule, whether it includes, the options it needs, and whether more words may follow.
    """

    __slots__ = (
        "bare", "bare_owners", "bare_trie", "entries", "has_methods", "has_paths", "memo", "options", "owners",
        "trie", "walker",
    )  # fmt: skip

    def __init__(
        self,
        trie: Trie,
        entries: Listed[Entry],
        owners: Listed[tuple[Entry, bool]],
        bare_trie: Trie,
        bare_owners: Listed[tuple[Entry, bool, tuple[int, ...], bool]],
        options: list[Group],
        has_methods: bool,
        has_paths: bool,
    ) -> None:
        self.trie = trie
        self.entries = entries
        self.owners = owners
        self.bare_trie = bare_trie
        self.bare_owners = bare_owners
        self.options = options
        self.has_methods = has_methods
        self.has_paths = has_paths
        self.memo = Memo(_MOST_MEMO)
        self.walker = Walker(trie)
        self.bare = Walker(bare_trie)

    @property
    def all_marks(self) -> tuple[int, ...]:
        """Every mark: what something that may be anything may meet."""
        return tuple(range(len(self.owners)))

    @property
    def open_options(self) -> tuple[bool | None, ...]:
        """The outcomes of all groups of options when the command is not known."""
        return (None,) * len(self.options)

    def fresh(self) -> Table:
        """The same rules, of which nothing is remembered."""
        return Table(
            self.trie, self.entries, self.owners, self.bare_trie, self.bare_owners, self.options, self.has_methods,
            self.has_paths,
        )  # fmt: skip


@record(frozen=True, slots=True)
class LayerDefault:
    """What a layer asks for that nothing in it grants: of some actions, while a condition holds (-1: always)."""

    ref: RuleRef
    layer: int
    actions: tuple[str, ...]
    condition: int = -1


EMPTY = Table(Trie(), (), (), Trie(), (), [], False, False)
"""The table of an action that no rule speaks of."""


class Prepared:
    """A policy set made ready for deciding, whether from its sources or from a compiled file.

    `layers` holds (name, is a guardrail) for each layer, `conditions` each different condition once; `defaults` is what
    layers ask for that nothing grants.
    """

    __slots__ = ("attributes", "conditions", "defaults", "digest", "freezes", "layers", "tables", "tiers", "trusts")

    def __init__(
        self,
        digest: str,
        layers: tuple[tuple[str, bool], ...],
        tiers: dict[str, Tier],
        attributes: dict[str, AttributeType],
        conditions: tuple[Formula, ...],
        tables: Tables,
        freezes: tuple[FreezeRule, ...],
        trusts: tuple[str, ...] = (),
        defaults: tuple[LayerDefault, ...] = (),
    ) -> None:
        self.digest = digest
        self.layers = layers
        self.tiers = tiers
        self.attributes = attributes
        self.conditions = conditions
        self.tables = tables
        self.freezes = freezes
        self.trusts = trusts
        self.defaults = defaults
