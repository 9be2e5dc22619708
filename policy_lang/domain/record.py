"""Plain data classes for the decision path.

They read like `dataclasses`, and type checkers take them for such. At run time a class costs 10 us to make instead of
700 us (measured: 60 of them were half of a hook's time). What they save there they would lose where millions are made,
so a class whose instances have become many gets the initializer that `dataclasses` generates. Slots always; `frozen`
ones refuse assignment and are hashable.
"""

from __future__ import annotations

__all__ = ["field", "record"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field
else:
    from _operator import attrgetter

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

    def _made(cls, frozen, eq):
        names = tuple(cls.__annotations__)
        space = {k: v for k, v in cls.__dict__.items() if k not in {"__dict__", "__weakref__", *names}}
        given = {n: cls.__dict__.get(n, _MISSING) for n in names}
        fields = {n: f if isinstance(f, _Field) else _Field(f, None, True, True, True) for n, f in given.items()}
        space["__slots__"] = names
        space.setdefault("__match_args__", tuple(n for n in names if fields[n].init))
        made = type(cls)(cls.__name__, cls.__bases__, space)
        made.__qualname__ = cls.__qualname__
        if "__init__" not in space:
            made.__init__ = _initializer(made, fields, frozen)
        if "__repr__" not in space:
            made.__repr__ = _shown(tuple(n for n in names if fields[n].repr))
        if eq:
            _compared(made, tuple(n for n in names if fields[n].compare), frozen)
        if frozen:
            made.__setattr__ = made.__delattr__ = _refuse
        return made

    _MANY = 2_000
    """Far more than one decision makes; then `dataclasses` is worth importing (11 ms)."""

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
        space = {} if after is None else {"__post_init__": after}
        twin = dataclasses.make_dataclass(
            made.__name__, [(n, "object", like(f)) for n, f in fields.items()], namespace=space, frozen=frozen
        )
        return twin.__init__

    def _initializer(made, fields, frozen):
        names = tuple(n for n, f in fields.items() if f.init)
        setters = tuple(made.__dict__[n].__set__ for n in names)
        places = {n: place for place, n in enumerate(names)}
        rest = tuple((setters[places[n]], n, fields[n]) for n in names)
        inner = tuple((made.__dict__[n].__set__, n, f) for n, f in fields.items() if not f.init and f is not _MISSING)
        count = len(names)
        after = getattr(made, "__post_init__", None)
        left = _MANY

        def __init__(self, *args, **kwargs):  # noqa: N807
            nonlocal left
            left -= 1
            if left == 0:
                made.__init__ = _generated(made, fields, frozen)
            given = len(args)
            if given > count:
                raise TypeError(f"{type(self).__name__} takes {count} fields, {given} were given")
            for setter, value in zip(setters, args, strict=False):
                setter(self, value)
            if given < count:
                for setter, name, one in rest[given:]:
                    if name in kwargs:
                        setter(self, kwargs.pop(name))
                    else:
                        setter(self, _default(self, name, one))
            if kwargs:
                raise TypeError(f"{type(self).__name__} has no further field `{next(iter(kwargs))}`")
            for setter, name, one in inner:
                if one.factory is not None or one.default is not _MISSING:
                    setter(self, _default(self, name, one))
            if after is not None:
                after(self)

        return __init__

    def _default(self, name, one):
        if one.factory is not None:
            return one.factory()
        if one.default is _MISSING:
            raise TypeError(f"{type(self).__name__} needs the field `{name}`")
        return one.default

    def _shown(names):
        def __repr__(self):  # noqa: N807
            inner = ", ".join(f"{n}={getattr(self, n)!r}" for n in names)
            return f"{type(self).__qualname__}({inner})"

        return __repr__

    def _compared(made, names, frozen):
        if len(names) > 1:
            values = attrgetter(*names)
        elif names:
            one = attrgetter(names[0])

            def values(self):
                return (one(self),)
        else:

            def values(_self):
                return ()

        def __eq__(self, other):  # noqa: N807
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):  # noqa: N807
            return hash(values(self))

        made.__eq__ = __eq__
        made.__hash__ = __hash__ if frozen else None

    def _refuse(self, *_):
        raise AttributeError(f"{type(self).__name__} is frozen")
