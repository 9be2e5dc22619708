"""Plain data classes for the decision path.

They read like `dataclasses`, and type checkers take them for such; at run time nothing is generated as source text,
so a class costs 10 us to make instead of 700 us (measured: 60 of them were half of a hook's time). Slots always;
`frozen` ones refuse assignment and are hashable.
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
            made.__init__ = _initializer(made, fields)
        if "__repr__" not in space:
            made.__repr__ = _shown(tuple(n for n in names if fields[n].repr))
        if eq:
            _compared(made, tuple(n for n in names if fields[n].compare), frozen)
        if frozen:
            made.__setattr__ = made.__delattr__ = _refuse
        return made

    def _initializer(made, fields):
        taken = tuple(n for n, f in fields.items() if f.init)
        setters = {n: made.__dict__[n].__set__ for n in fields}
        quick = tuple(setters[n] for n in taken) if len(taken) == len(fields) else None
        count = len(taken)
        after = getattr(made, "__post_init__", None)

        def __init__(self, *args, **kwargs):  # noqa: N807
            if quick is not None and len(args) == count and not kwargs:
                for setter, value in zip(quick, args, strict=True):
                    setter(self, value)
            else:
                _fill(self, taken, fields, setters, args, kwargs)
            if after is not None:
                after(self)

        return __init__

    def _fill(self, taken, fields, setters, args, kwargs):
        """Arguments by place, by name, and defaults for the others."""
        if len(args) > len(taken):
            raise TypeError(f"{type(self).__name__} takes {len(taken)} fields, {len(args)} were given")
        left = dict(kwargs)
        for place, name in enumerate(taken):
            if place < len(args):
                if name in left:
                    raise TypeError(f"{type(self).__name__}: `{name}` is given twice")
                setters[name](self, args[place])
            elif name in left:
                setters[name](self, left.pop(name))
            else:
                _default(self, name, fields[name], setters)
        if left:
            raise TypeError(f"{type(self).__name__} has no field `{next(iter(left))}`")
        for name, one in fields.items():
            if not one.init and (one.factory is not None or one.default is not _MISSING):
                _default(self, name, one, setters)

    def _default(self, name, one, setters):
        if one.factory is not None:
            setters[name](self, one.factory())
        elif one.default is not _MISSING:
            setters[name](self, one.default)
        else:
            raise TypeError(f"{type(self).__name__} needs the field `{name}`")

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
