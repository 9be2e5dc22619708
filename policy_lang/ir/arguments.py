"""Arguments of a call: which values they take in a condition, and how those compare.

Whoever calls chooses the arguments, so a comparison is true or false only where nobody could take the value for
another one. A text that only differs from a constant in the case of letters, or that a server may normalise to
something else, makes it unknown, and so does a value of another type.
"""

from __future__ import annotations

from string import ascii_letters, digits

from ..automata.glob import Glob, is_literal
from ..automata.pattern import quoted
from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain.conditions import ARGUMENT, KIND, MISSING, OBJECT, Atom, Join
from ..domain.limits import limit
from .scopes import many_inside, scope_sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..automata.pattern import Label, Sequence
    from ..domain.conditions import Formula, Value

    Names = list[tuple[str, list[str]]]

_MOST_TEXT = limit("argument_text")
_MOST_NUMBER = limit("argument_number")
_MOST_CHOICES = limit("argument_choices")
_LOOK_ALIKE = {"s": "\u017f", "i": "\u0131\u0130"}
"""Letters that upper or lower case turns into an ASCII one."""
_NEEDLESS = frozenset(f"{ord(c):02x}" for c in f"{ascii_letters}{digits}-._~/\\%")
"""Characters, in hexadecimal, that URLs have as they are (RFC 3986 2.3), separators, and what encodes them again."""
_EXACT, _ALIKE = 0, 1
_MOST_WALKERS = limit("condition_walkers")
_walkers: dict[tuple[str, tuple[object, ...]], Walker] = {}


def compare(atom: Atom, value: Value) -> bool | None:
    """What a comparison of an argument with constants comes to; None when nobody can be sure."""
    if atom.op == "given":
        return value != MISSING
    if atom.op == KIND:
        return atom.values[0] == ("missing" if value == MISSING else "object" if value == OBJECT else "value")
    if atom.op == "truth":
        return value if isinstance(value, bool) else None
    if isinstance(atom.values[0], str):
        return _text(atom, value) if isinstance(value, str) and is_clear(value) else None
    if isinstance(value, (str, bool)) or not -_MOST_NUMBER <= value <= _MOST_NUMBER:
        return None
    return _number(atom.op, value, atom.values)


def same(one: Value, other: Value) -> bool | None:
    """Whether an argument is the text that an attribute has."""
    if not (isinstance(one, str) and isinstance(other, str) and is_clear(one) and is_clear(other)):
        return None
    return True if one == other else None if one.casefold() == other.casefold() else False


def _number(op: str, value: float, constants: tuple[object, ...]) -> bool:
    first = constants[0]
    assert isinstance(first, int)
    if op in {"==", "in"}:
        return value in constants
    if op == "<":
        return value < first
    if op == "<=":
        return value <= first
    return value > first if op == ">" else value >= first


def _text(atom: Atom, value: str) -> bool | None:
    key = (atom.op, atom.values)
    walker = _walkers.get(key)
    if walker is None:
        if len(_walkers) >= _MOST_WALKERS:
            _walkers.clear()
        walker = _walkers[key] = Walker(Trie(marked(atom, _EXACT, _ALIKE)))
    marks = walker.walk(value.split("/")).marks
    return True if _EXACT in marks else None if _ALIKE in marks else False


def marked(atom: Atom, exact: int, alike: int) -> Iterator[tuple[Sequence, int]]:
    """The sequences of a comparison with texts, and those of what is like them, each with its mark."""
    for text in atom.values:
        whole = str(text)
        for sequence in sequences_of(whole) if atom.op == "glob" else (tuple(whole.split("/")),):
            yield sequence, exact
            yield tuple(_any_case(label) for label in sequence), alike


def sequences_of(pattern: str) -> list[Sequence]:
    """The sequences of a pattern of texts; `**` at its end is everything inside, as in paths. Raises PatternError."""
    return [many_inside(list(sequence)) for sequence in scope_sequence(pattern)]


def is_clear(text: str) -> bool:
    """True for a text that every program reads as the same: nothing in it is there to be normalised away."""
    if len(text) > _MOST_TEXT or text != text.strip() or "\\" in text:
        return False
    if not text.isprintable() and not text.replace("\n", "").replace("\t", "").isprintable():
        return False
    if not text.isascii():
        from unicodedata import is_normalized

        if not is_normalized("NFKC", text):
            return False
    if any(part[:2].lower() in _NEEDLESS for part in text.split("%")[1:]):
        return False
    segments = text.split("/")
    if "." in segments or ".." in segments:
        return False
    begin = 2 if len(segments) > 2 and segments[0][-1:] == ":" else 1  # `https://`, `/etc`
    return "" not in segments[begin:]


def _any_case(label: Label) -> Label:
    """The label of segments that differ from those of a label in the case of letters at most."""
    text = label if isinstance(label, str) else label.text if isinstance(label, Glob) else ""
    if not text:
        return label
    made = _cased(quoted(text) if isinstance(label, str) else text)
    return label if made == text or (isinstance(label, str) and is_literal(made)) else Glob(made)


def _cased(text: str) -> str:
    """A glob with each of its letters in every case."""
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char != "[":
            cases = _cases(char)
            out.append(char if len(cases) == 1 else f"[{cases}]")
            continue
        end = text.index("]", at)
        body, at = text[at:end], end + 1
        if body[:1] == "!" and len(body) > 1:
            out.append("?" if any(c.isalpha() for c in body) else f"[{body}]")  # another case of it may be meant
            continue
        swapped = "".join(body.swapcase()) if any(c.isalpha() for c in body) else ""
        more = "".join(_cases(c)[1:] for c in body) if "-" not in body else swapped if _runs(swapped) else ""
        out.append(f"[{body}{more}]" if more or not swapped else "?")
    return "".join(out)


def _runs(body: str) -> bool:
    """True for a set of characters whose ranges run forwards."""
    return all(body[i - 1] <= body[i + 1] for i in range(1, len(body) - 1) if body[i] == "-")


def _cases(char: str) -> str:
    """A character, and the same letter in another case."""
    if not char.isalpha():
        return char
    other = (char.lower(), char.upper(), char.title(), *_LOOK_ALIKE.get(char.lower(), ""))
    return "".join(dict.fromkeys((char, *(c for c in other if len(c) == 1))))


# from the arguments of a request


def nested(given: Mapping[str, object]) -> dict[str, object]:
    """The arguments of which these names, `arg.issue.title`, have these values; one below another is left out."""
    out: dict[str, object] = {}
    for name in sorted(given):
        *above, last = name.split(".")[1:]
        at: object = out
        for step in above:
            at = at.setdefault(step, {}) if isinstance(at, dict) else None
        if isinstance(at, dict):
            at[last] = {} if given[name] == OBJECT else given[name]
    return out


def joined(names: Iterable[str]) -> list[Formula]:
    """What always holds of arguments of which one lies in another: what is no object has nothing known in it."""
    known = [n for n in names if n.startswith(ARGUMENT)]
    out: list[Formula] = []
    for outer, inner in ((a, b) for a in known for b in known if b.startswith(f"{a}.")):
        missing, object_ = (Atom(outer, KIND, (kind,)) for kind in ("missing", "object"))
        nothing, unknown = (Atom(inner, KIND, (kind,)) for kind in ("missing", "unknown"))
        other = Join("and", (Join("not", (missing,)), unknown))
        out.append(Join("or", (object_, Join("and", (missing, nothing)), other)))
    return out


def choices(arguments: Mapping[str, object], names: tuple[str, ...]) -> list[dict[str, Value | None]]:
    """The values of the named arguments, once for each member of their lists.

    An argument that is not there is `MISSING`; one that cannot be compared is None. More choices than the limit are one
    in which nothing is known.
    """
    found: list[dict[str, Value | None]] = [{}]
    for group in _groups(names):
        each = _values(arguments, group, 0)
        if len(found) * len(each) > _MOST_CHOICES:
            return [dict.fromkeys(names)]
        found = [{**one, **other} for one in found for other in each]
    return found


def _groups(names: tuple[str, ...]) -> list[Names]:
    """The names with their steps, those together that begin with the same step."""
    groups: dict[str, Names] = {}
    for name in names:
        steps = name.split(".")[1:]
        groups.setdefault(steps[0], []).append((name, steps))
    return list(groups.values())


def _values(value: object, names: Names, depth: int, member: bool = False) -> list[dict[str, Value | None]]:
    """The values of these names below a value, once for each member of lists on the way."""
    if isinstance(value, (list, tuple)):
        if member or not value or len(value) > _MOST_CHOICES:
            return [{name: None for name, _ in names}]
        members: dict[tuple[tuple[str, Value | None, type], ...], dict[str, Value | None]] = {}
        for item in value:
            for one in _values(item, names, depth, member=True):
                members[tuple((n, v, type(v)) for n, v in one.items())] = one
            if len(members) > _MOST_CHOICES:
                return [{name: None for name, _ in names}]
        return list(members.values())
    here = {name: scalar(value) for name, steps in names if len(steps) == depth}
    deeper = [(name, steps) for name, steps in names if len(steps) > depth]
    found = [here]
    for key in dict.fromkeys(steps[depth] for _, steps in deeper):
        group = [(name, steps) for name, steps in deeper if steps[depth] == key]
        if not hasattr(value, "keys"):
            each: list[dict[str, Value | None]] = [{name: None for name, _ in group}]
        else:
            each = _member(value, key, group, depth + 1)  # type: ignore[arg-type]
        if len(found) * len(each) > _MOST_CHOICES:
            return [{name: None for name, _ in names}]
        found = [{**one, **other} for one in found for other in each]
    return found


def _member(value: Mapping[str, object], key: str, names: Names, depth: int) -> list[dict[str, Value | None]]:
    """The values below one member of an object; nothing is known where another's name differs in case alone."""
    folded = key.casefold()
    if any(name != key and str(name).casefold() == folded for name in value):
        return [{name: None for name, _ in names}]
    return _values(value[key], names, depth) if key in value else [{name: MISSING for name, _ in names}]


def scalar(value: object) -> Value | None:
    """The value of an argument as it is compared; None for what is none, an object as a text that is not clear."""
    if isinstance(value, str):
        return value if len(value) <= _MOST_TEXT and "\0" not in value else None
    if isinstance(value, (bool, int, float)):
        return value
    return OBJECT if hasattr(value, "keys") else None
