"""Plain data classes for the decision path.

They read like `dataclasses`, and type checkers take them for such. At run time a class costs 10 us to make instead of
700 us (measured: 60 of them were half of a hook's time). What they save there they would lose where millions are made,
so a class whose instances have become many gets the initializer that `dataclasses` generates. Slots always; `frozen`
ones refuse assignment and are hashable.
"""

from __future__ import annotations

__all__ = ["field", "record", "replace"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field, replace
else:
    from _collections import deque
    from _operator import call as _call
    from itertools import repeat as _repeat

    _run = deque((), 0).extend
    """Works an iterator off."""

    class _Field:
        __slots__ = ("compare", "default", "factory", "init", "repr")

        def __init__(self, default, factory, init, shown, compare):
            self.default = default
            self.factory = factory
            self.init = init
            self.repr = shown
            self.compare = compare

    _MISSING = _Field(None, None, True, True, True)
    _MISSING.default = _MISSING

    def field(*, default=_MISSING, default_factory=None, init=True, repr=True, compare=True):  # noqa: A002
        """How one field differs from the others, as in `dataclasses`."""
        return _Field(default, default_factory, init, repr, compare)

    def record(cls=None, /, *, frozen=False, slots=True, eq=True):
        """Make a class a record of its annotated fields."""
        assert slots
        return (lambda c: _made(c, frozen, eq)) if cls is None else _made(cls, frozen, eq)

    def replace(one, /, **changes):
        """A record like `one` but for the fields in `changes`. Raises TypeError for a field that it does not have."""
        cls = one.__class__
        if cls not in _VALUES:
            _VALUES[cls] = _values_of(cls)
        get, places = _VALUES[cls]
        values = list(get(one))
        try:
            for name, value in changes.items():
                values[places[name]] = value
        except KeyError:
            raise TypeError(f"{cls.__name__} has no further field `{name}`") from None
        return cls(*values)

    _VALUES = {}
    """For each class, what reads the fields that its initializer takes, and where each of them stands."""

    def _values_of(cls):
        names = [n for n, f in cls.__fields__[0].items() if f.init]
        return _reader(names), {name: place for place, name in enumerate(names)}

    def _reader(names):
        """What reads these attributes of an object, as one tuple."""
        from _operator import attrgetter

        return attrgetter(*names) if len(names) > 1 else lambda one: tuple([getattr(one, n) for n in names])

    def _made(cls, frozen, eq):
        fields = {}
        space = dict(cls.__dict__)
        for name in cls.__annotations__:
            given = space.pop(name, _MISSING)
            fields[name] = given if given.__class__ is _Field else _Field(given, None, True, True, True)
        del space["__dict__"], space["__weakref__"]
        space["__slots__"] = tuple(fields)
        space["__fields__"] = (fields, frozen)
        space["__match_args__"] = tuple(fields)
        space.setdefault("__init__", _first)
        space.setdefault("__repr__", _shown)
        if eq:
            space.setdefault("__eq__", _equal)
            space["__hash__"] = _hashed if frozen else None
        if frozen:
            space["__setattr__"] = space["__delattr__"] = _refuse
            space.setdefault("__getstate__", _state)
            space.setdefault("__setstate__", _restored)
        made = type(cls)(cls.__name__, cls.__bases__, space)
        made.__qualname__ = cls.__qualname__
        return made

    def _first(self, *args, **kwargs):
        """The initializer of a class that has no instances yet: it makes the real one."""
        cls = self.__class__
        fields, frozen = cls.__fields__
        cls.__init__ = _initializer(cls, fields, frozen)
        self.__init__(*args, **kwargs)

    def _shown(self):
        inner = ", ".join(f"{n}={getattr(self, n)!r}" for n, f in self.__fields__[0].items() if f.repr)
        return f"{self.__class__.__qualname__}({inner})"

    def _comparing(cls):
        """Give a class whose instances are first compared or hashed what does it quickly."""
        fields, frozen = cls.__fields__
        get = _reader([n for n, f in fields.items() if f.compare])

        def __eq__(self, other):  # noqa: N807
            return get(self) == get(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):  # noqa: N807
            return hash(get(self))

        cls.__eq__ = __eq__
        cls.__hash__ = __hash__ if frozen else None

    def _equal(self, other):
        _comparing(self.__class__)
        return self.__eq__(other)

    def _hashed(self):
        _comparing(self.__class__)
        return hash(self)

    def _refuse(self, *_):
        raise AttributeError(f"{self.__class__.__name__} is frozen")

    def _state(self):
        """The fields that are set: what makes a copy would assign them."""
        return {name: getattr(self, name) for name in self.__fields__[0] if hasattr(self, name)}

    def _restored(self, state):
        for name, value in state.items():
            object.__setattr__(self, name, value)

    _MANY = 2_000
    """Far more than one decision makes; then `dataclasses` is worth importing (11 ms)."""

    _FEW = 4
    """Fields up to which a frozen class is made more quickly by assigning past its refusal."""

    def _generated(made, fields, frozen):
        """The initializer that `dataclasses` would have made."""
        import dataclasses

        def like(one):
            given = {"init": one.init, "repr": False, "compare": False}
            if one.factory is not None:
                return dataclasses.field(default_factory=one.factory, **given)
            return (
                dataclasses.field(**given)
                if one.default is _MISSING
                else dataclasses.field(default=one.default, **given)
            )

        after = getattr(made, "__post_init__", None)
        filled = frozen and len(fields) > _FEW
        space = {} if after is None or filled else {"__post_init__": after}
        twin = dataclasses.make_dataclass(
            made.__name__,
            [(n, "object", like(f)) for n, f in fields.items()],
            namespace=space,
            frozen=frozen and not filled,
        )
        return _frozen_by(made, fields, twin.__init__, after) if filled else twin.__init__

    def _frozen_by(made, fields, fill, after):
        """An initializer of a frozen class: while `fill` assigns, the object is of a class that can be assigned to.

        Assigning past the refusal costs more for each field (measured for `Request`: 1.7 us instead of 0.8 us).
        """
        assign = object.__setattr__
        unfrozen = type(made.__name__, made.__bases__, {"__slots__": tuple(fields)})

        def __init__(self, *args, **kwargs):  # noqa: N807
            assign(self, "__class__", unfrozen)
            fill(self, *args, **kwargs)
            self.__class__ = made
            if after is not None:
                after(self)

        return __init__

    def _initializer(made, fields, frozen):
        names = tuple(n for n, f in fields.items() if f.init)
        setters = tuple(made.__dict__[n].__set__ for n in names)
        places = {n: place for place, n in enumerate(names)}
        rest = tuple((setters[places[n]], n, fields[n]) for n in names)
        inner = tuple((made.__dict__[n].__set__, n, f) for n, f in fields.items() if not f.init and f is not _MISSING)
        count = len(names)
        after = getattr(made, "__post_init__", None)
        left = _MANY
        # from how many arguments on all others have a value that is the same for every object, and these values
        plain = [f.factory is None and f.default is not _MISSING for _, _, f in rest]
        needed = max((place + 1 for place, one in enumerate(plain) if not one), default=0)
        defaults = [tuple(f.default for _, _, f in rest[given:]) for given in range(count + 1)]

        def __init__(self, *args, **kwargs):  # noqa: N807
            nonlocal left
            left -= 1
            if left == 0:
                made.__init__ = _generated(made, fields, frozen)
            given = len(args)
            if needed <= given <= count and not inner:
                values = args + defaults[given] if given < count else args
                if kwargs:
                    values = list(values)
                    for name, value in kwargs.items():
                        place = places.get(name, -1)
                        if place < given:
                            raise TypeError(f"{type(self).__name__} has no further field `{name}`")
                        values[place] = value
                _run(map(_call, setters, _repeat(self), values))
            else:
                _slowly(self, args, kwargs)
            if after is not None:
                after(self)

        def _slowly(self, args, kwargs):
            given = len(args)
            if given > count:
                raise TypeError(f"{type(self).__name__} takes {count} fields, {given} were given")
            for setter, value in zip(setters, args, strict=False):
                setter(self, value)
            for setter, name, one in rest[given:]:
                if name in kwargs:
                    setter(self, kwargs.pop(name))
                elif one.factory is None and one.default is not _MISSING:
                    setter(self, one.default)
                else:
                    setter(self, _default(self, name, one))
            if kwargs:
                raise TypeError(f"{type(self).__name__} has no further field `{next(iter(kwargs))}`")
            for setter, name, one in inner:
                if one.factory is not None or one.default is not _MISSING:
                    setter(self, _default(self, name, one))

        return __init__

    def _default(self, name, one):
        if one.factory is not None:
            return one.factory()
        if one.default is _MISSING:
            raise TypeError(f"{type(self).__name__} needs the field `{name}`")
        return one.default
