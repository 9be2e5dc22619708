"""The kinds of stores. A new one is a module with `open_store`, and a row here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from .store import Store


@dataclass(frozen=True, slots=True)
class StoreKind:
    """One kind of store.

    `schemes` are those of the places that are of this kind; the one without is for who names no place. `extra` is the
    package's extra that it needs. `module` has `open_store(place, folder)`: the store, which may raise
    StoreUnavailableError; `folder` is the service's own, for what has to lie beside the data.
    """

    name: str
    module: str
    schemes: tuple[str, ...] = ()
    extra: str = ""

    def opened(self, place: str, folder: str) -> Store:
        """The store. Raises ImportError when the extra is missing, StoreUnavailableError when it cannot be used."""
        found: Store = import_module(f".{self.module}", __package__).open_store(place, folder)
        return found


KINDS = (
    StoreKind("a file of SQLite", "sqlite"),
    StoreKind("PostgreSQL", "postgres", ("postgres", "postgresql"), "postgres"),
)


def kind_of(place: str) -> StoreKind | None:
    """The kind of store that a place is of, by its scheme; None for a scheme that no kind has."""
    scheme, separator, _ = place.partition("://")
    if not place:
        return next(k for k in KINDS if not k.schemes)
    return next((k for k in KINDS if separator and scheme in k.schemes), None)
