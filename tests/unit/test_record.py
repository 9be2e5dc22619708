"""Records behave as data classes do, before and after they have become many."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from functools import partial

import pytest

from policy_lang import Request
from policy_lang.domain import record as module
from policy_lang.domain.decision import Verdict
from policy_lang.domain.record import field, record


def test_a_frozen_record_of_many_fields_stays_frozen() -> None:
    names = tuple("abcdefgh")

    class Wide:
        """Eight fields, and one that is made of them."""

        __annotations__ = dict.fromkeys((*names, "total"), "int")

        def __post_init__(self) -> None:
            object.__setattr__(self, "total", sum(getattr(self, n) for n in names))

    Wide.total = field(init=False, compare=False)  # type: ignore[attr-defined]
    made = record(frozen=True)(Wide)
    ones = [made(*range(8)) for _ in range(module._MANY + 2)]  # type: ignore[call-arg]
    for one in (ones[0], ones[-1]):
        assert type(one) is made
        assert one == ones[0]
        assert hash(one) == hash(ones[0])
        assert one.total == 28  # type: ignore[attr-defined]
        with pytest.raises(AttributeError, match="frozen"):
            one.a = 9  # type: ignore[attr-defined]
    other = module.replace(ones[-1], b=10)  # type: ignore[type-var]
    assert (other.b, other.total) == (10, 37)
    with pytest.raises(TypeError):
        module.replace(ones[-1], nothing=1)  # type: ignore[type-var]
    with pytest.raises(TypeError):
        made(1)  # type: ignore[call-arg]


def pair(decorate, make_field):  # type: ignore[no-untyped-def]
    @decorate(frozen=True, slots=True)
    class Frozen:
        a: int
        b: str = "x"
        c: tuple[int, ...] = ()

    @decorate(slots=True)
    class Open:
        a: int
        b: list[int] = make_field(default_factory=list)
        c: int = make_field(default=7, compare=False, repr=False)

    @decorate(frozen=True, slots=True)
    class Derived:
        a: int
        b: int = make_field(init=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "b", self.a * 2)

    return Frozen, Open, Derived


OURS = pair(record, field)
THEIRS = pair(dataclasses.dataclass, dataclasses.field)


def attempt(make):  # type: ignore[no-untyped-def]
    try:
        return repr(make()).replace("pair.<locals>.", "")
    except (TypeError, AttributeError) as error:
        return "AttributeError" if isinstance(error, AttributeError) else "TypeError"


CALLS = [
    ((1,), {}), ((1, "y"), {}), ((1, "y", (2,)), {}), ((), {"a": 1}), ((), {"b": "y", "a": 1}), ((1,), {"c": (3,)}), ((), {}), ((1, 2, 3, 4), {}),
    ((1,), {"a": 2}), ((1,), {"d": 2}), ((1, "y"), {"b": "z"}),
]  # fmt: skip


@pytest.mark.parametrize("many", [False, True])
def test_they_are_made_alike(many: bool) -> None:
    if many:
        for cls in OURS:
            for _ in range(module._MANY + 1):
                cls(1)
            assert cls.__init__.__module__ != module.__name__ or "_initializer" not in cls.__init__.__qualname__
    for ours, theirs in zip(OURS, THEIRS, strict=True):
        for args, kwargs in CALLS:
            made = attempt(partial(ours, *args, **kwargs))
            assert made == attempt(partial(theirs, *args, **kwargs)), (ours, args, kwargs)
    assert OURS[2](4).b == THEIRS[2](4).b == 8


def test_they_compare_and_hash_alike() -> None:
    for ours, theirs in zip(OURS, THEIRS, strict=True):
        for cls in (ours, theirs):
            assert cls(1) == cls(1)
            assert cls(1) != cls(2)
            assert cls(1) != 1
    assert hash(OURS[0](1)) == hash(OURS[0](1))
    with pytest.raises(TypeError):
        hash(OURS[1](1))
    assert OURS[1](1, [], 1) == OURS[1](1, [], 2)
    for cls in (OURS[0], OURS[2]):
        with pytest.raises(AttributeError, match="frozen"):
            cls(1).a = 2
    OURS[1](1).a = 2
    assert not hasattr(OURS[1](1), "__dict__")


def test_without_eq_each_is_itself() -> None:
    for decorate in (record, dataclasses.dataclass):

        @decorate(frozen=True, slots=True, eq=False)
        class Alone:
            a: object

        one, two = Alone([]), Alone([])
        assert one != two
        assert len({one, two, one}) == 2


@record(frozen=True, slots=True)
class Kept:
    a: object
    b: object = field(init=False, default=1)
    c: object = field(init=False)
    d: list[object] = field(default_factory=list, compare=False)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_they_are_copied_and_pickled(copied: Callable[[object], object]) -> None:
    given = {"remotes": {"origin": "u"}}
    for one in (Request("push", "o:m", git=given, resolved=("a",)), Kept([1], [2]), Verdict("deny", ("t",))):
        other = copied(one)
        assert other is not one
        assert other.__class__ is one.__class__
        assert repr(other) == repr(one) if not isinstance(one, Kept) else (other.a, other.b, other.d) == ([1], 1, [2])  # type: ignore[attr-defined]
        with pytest.raises(AttributeError, match="frozen"):
            other.d = 3  # type: ignore[attr-defined]
    filled = Kept(1)
    object.__setattr__(filled, "c", 5)
    other = copied(filled)
    assert (filled, filled.c) == (other, other.c)  # type: ignore[attr-defined]
    request = Request("push", "o:m", git=given)
    assert (copy.copy(request).git is given, copy.deepcopy(request).git is given) == (True, False)
