"""Words to values: parameters, substitutions, braces, tildes, globs, splitting (bash(1), EXPANSION).

A value is exact, or it covers everything the word could be. What would run code in a way that is easy to
overlook (a subscript, a variable inside arithmetic) is opaque.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from ..domain.limits import limit
from ..domain.regex import regex
from .braces import brace_expand
from .reading import Opaque
from .tree import (
    AndOrList,
    ArithmeticExpansion,
    CommandSubstitution,
    EitherText,
    ParameterExpansion,
    Part,
    ProcessSubstitution,
    ShellWord,
    Text,
)
from .values import (
    ASSOCIATIVE,
    DIGITS,
    NAMES,
    NUMBER,
    UNKNOWN,
    UNKNOWN_MANY,
    Hole,
    Lines,
    Piece,
    Value,
    either,
    inside,
    joined,
    literal,
    numeric,
)
from .walk import Walk

MOST_FIELDS = limit("script_fields")

_SIMPLE = regex(r"[A-Za-z0-9_@%+:,./^!-]+", re.ASCII)
_GLOB = regex(r"\*+|\?|\[(?:\[:[a-z]+:\]|[^\]/])[^\]/]*\]")
_SPLITS = regex(r"[ \t\n*?\[]")
_HIDDEN_GLOB = regex(r"(?:^|/)\.\.?(?:[*?]|\[)")
_IDENTIFIER = regex(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ASSIGNED_TILDE = regex(r"([A-Za-z_][A-Za-z0-9_]*=)~(?=/|$)", re.ASCII)
_ARITHMETIC = regex(r"[A-Za-z0-9_ \t\n+*/%<>=!&|^~?:,;()#-]*", re.ASCII)
_SEPARATOR = regex(r"[,;]")
_FIRST_SET = regex(r"[ \t\n]*([A-Za-z_][A-Za-z0-9_]*)[ \t\n]*=(?!=)", re.ASCII)
_LITERAL_NUMBER = regex(r"[0-9]+#[0-9A-Za-z@_]+|0[xX][0-9a-fA-F]+", re.ASCII)
_CREDENTIAL = regex(
    r"(?:.*_)?(?:TOKEN|SECRET|PASSWORD|PASSWD|PASS|PASSPHRASE|PGPASSWORD|CREDENTIALS?|APIKEY|API_KEY|ACCESS_KEY|PRIVATE_KEY"
    r"|SECRET_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|AUTH|AUTH_TOKEN|DATABASE_URL|DSN|PAT|COOKIE|KEY)(?:_.*)?",
    re.ASCII,
)
"""Names under which environments carry credentials, by the conventions of providers' command-line tools."""
_MAYBE_NOTHING = frozenset({Hole.WORD, Hole.NAME, Hole.ANY})
_PLACES = {"HOME": Hole.HOME, "PWD": Hole.CWD, "TMPDIR": Hole.TMP}


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Subshells(Protocol):
        """Runner of the commands inside a word."""

        def substitute(self, body: tuple[AndOrList, ...]) -> Value:
            """Run a command substitution; what it prints."""

        def apart(self, body: tuple[AndOrList, ...]) -> Lines | None:
            """Run a process substitution; the names that it prints."""


class Expander:
    """Expands words in the state of a walk; `subshells` runs what they substitute."""

    __slots__ = ("_braces", "subshells", "walk")

    def __init__(self, walk: Walk, subshells: Subshells) -> None:
        self.walk = walk
        self.subshells = subshells
        self._braces: bool | None = None

    # words

    def lists(self, words: tuple[ShellWord, ...]) -> list[list[Value]]:
        """The words that several become: one list, or one for each way in which shells of this name take braces."""
        if self.walk.dialect.braces is not None or not any(_may_be_expanded(w.parts) for w in words):
            return [[v for w in words for v in self.fields(w)]]
        outer = self._braces
        found = []
        for way in (True, False):
            self._braces = way
            found.append([v for w in words for v in self.fields(w)])
        self._braces = outer
        return found

    def fields(self, word: ShellWord) -> list[Value]:
        """The words that a word becomes."""
        parts = word.parts
        if len(parts) == 1:
            first = parts[0]
            if isinstance(first, Text) and (first.quoted or _SIMPLE.fullmatch(first.text)):
                return [Value((first.text,) if first.text else ())]
        braces = self.walk.dialect.braces
        if (braces or (braces is None and self._braces is not False)) and _may_be_expanded(parts):
            if not braces and self._braces is None:
                raise Opaque("braces mean something else to some shells called `sh`", at=word.start)
            out: list[Value] = []
            for alternative in brace_expand(parts, MOST_FIELDS, word.start):
                out += self._fields(alternative)
        else:
            out = self._fields(parts)
        if len(out) > MOST_FIELDS:
            raise Opaque(f"a word that becomes more than {MOST_FIELDS} words", at=word.start)
        return out

    def _bare_subscripts(self, parts: tuple[Part, ...]) -> None:
        """Refuse what zsh reads in another way: subscripts and flags without braces (zshexpn(1))."""
        for part, following in pairwise(parts):
            text = following.text if isinstance(following, Text) else ""
            plain = isinstance(part, ParameterExpansion) and not part.op and not part.subscript
            length = isinstance(part, ParameterExpansion) and part.name in "#?" and text[:1].isidentifier()
            if plain and (length or text[:1] == "[" or (text[:1] == ":" and (text[1:2].isalpha() or text[1:2] == "&"))):
                raise Opaque("a subscript, length or modifier, which zsh reads in another way", "write `${name}`")
            if isinstance(part, Text) and part.text.endswith("$") and text[:1] in {"+", "=", "~", "^"}:
                raise Opaque("an expansion with a flag, which only zsh has")

    def _fields(self, parts: tuple[Part, ...]) -> list[Value]:
        if self.walk.dialect.bare_subscripts:
            self._bare_subscripts(parts)
        done: list[Value] = []
        pieces: list[Piece] = []
        solid = many = lost = False
        why = ""
        for index, part in enumerate(parts):
            if isinstance(part, Text):
                if part.quoted:
                    pieces.append(part.text)
                    solid = True
                    continue
                text = part.text
                if index == 0:
                    text = self._tilde(text, len(parts) > 1, pieces)
                globbed, unknown = self._globs(text, len(parts) > 1, pieces)
                many, lost = many or globbed, lost or unknown
                continue
            if isinstance(part, ProcessSubstitution):
                self.subshells.apart(part.body)
                pieces.append(Hole.PIPE)
                continue
            value = self._part(part)
            if isinstance(value, tuple):
                elements = self._spliced(value, part.quoted)
                if elements is None:
                    lost, why = True, "its words"
                    continue
                solid = solid or (part.quoted and bool(elements))
                for number, element in enumerate(elements):
                    if number:
                        done.append(joined(pieces, many))
                        pieces, many = [], False
                    many = many or element.many
                    pieces += self._inserted(element, pieces, parts, index)
                continue
            why = why or value.why
            if part.quoted:
                if value.many and len(parts) == 1:
                    return [Value(value.parts, False, value.why)]
                pieces += [Hole.ANY] if value.many else self._inserted(value, pieces, parts, index)
                solid = True
            elif not self._unquoted(
                value, pieces, self.walk.dialect.splits_values or not isinstance(part, ParameterExpansion)
            ):
                split = self._words(part, value) if len(parts) == 1 else None
                if split is not None:
                    return split
                lost = True
        if lost:
            return [Value((Hole.ANY,), True, why or "an unquoted value")]
        if not solid and (not pieces or (pieces[0] in _MAYBE_NOTHING and all(p in _MAYBE_NOTHING for p in pieces))):
            # nothing, or one word
            return [*done, Value(tuple(pieces), True, why)] if pieces else done
        done.append(self._listed(joined(pieces, many, why)) if many else joined(pieces, many, why))
        return done

    def value(self, word: ShellWord) -> Value:
        """A word where nothing is split: an assignment's value, a redirection's target, a `case` subject."""
        if self.walk.dialect.bare_subscripts:
            self._bare_subscripts(word.parts)
        pieces: list[Piece] = []
        why = ""
        for index, part in enumerate(word.parts):
            if isinstance(part, Text):
                text = part.text
                if not part.quoted:
                    if index == 0:
                        text = self._tilde(text, len(word.parts) > 1, pieces)
                    if ":~" in text:
                        pieces.append(Hole.ANY)
                        continue
                pieces.append(text)
            elif isinstance(part, ProcessSubstitution):
                self.subshells.apart(part.body)
                pieces.append(Hole.PIPE)
            else:
                value = self._part(part)
                if isinstance(value, tuple):
                    texts = [v.text for v in value]
                    pieces.append(" ".join(t for t in texts if t is not None) if None not in texts else Hole.ANY)
                else:
                    pieces += [Hole.ANY] if value.many else self._inserted(value, pieces, word.parts, index)
                    why = why or value.why
        return joined(pieces, False, why)

    def assigned(self, word: ShellWord) -> Value:
        """The value of an assignment: names that are found stay what they are."""
        first = word.parts[0] if len(word.parts) == 1 else None
        if isinstance(first, ParameterExpansion | CommandSubstitution):
            value = self._part(first)
            if isinstance(value, Value) and value.many:
                return value
        return self.value(word)

    def _tilde(self, text: str, followed: bool, pieces: list[Piece]) -> str:
        """Expand a tilde at the beginning; returns what follows it."""
        if not text.startswith("~"):
            assigned = _ASSIGNED_TILDE.match(text)
            if assigned is None:
                if self.walk.dialect.equals_expansion and text.startswith("=") and text[1:2] not in {"", "="}:
                    raise Opaque("a word begins with `=`, which zsh expands")
                return text
            pieces += [assigned[1], self._home() if self.walk.dialect.assigned_tildes else Hole.ANY]
            return text[assigned.end() :]
        name, slash, _ = text.partition("/")
        if name != "~" or (not slash and followed):
            pieces.append(Hole.ANY)
            return text[len(name) :]
        home = self.walk.state.variables.get("HOME")
        pieces += [Hole.HOME] if home is None else home.parts if isinstance(home, Value) else [Hole.ANY]
        return text[1:]

    def _home(self) -> Hole:
        return Hole.ANY if "HOME" in self.walk.state.variables else Hole.HOME

    def _globs(self, text: str, several: bool, pieces: list[Piece]) -> tuple[bool, bool]:
        """Append an unquoted text with its globs as holes; (has globs, cannot be told)."""
        if "*" not in text and "?" not in text and "[" not in text:
            pieces.append(text)
            return False, False
        if "**" in text and (self.walk.dialect.recursive_globs or "**" in self.walk.state.variables):  # any depth
            head = text.partition("**")[0]
            placed = (head.endswith("/") and (bool(pieces) or head[0] != "/")) or not (head or pieces)
            if not placed or _GLOB.search(head) or _HIDDEN_GLOB.search(text) or several:
                return True, True
            pieces += [head[:-1], Hole.BELOW]
            return True, False
        at = 0
        for match in _GLOB.finditer(text):
            pieces += [text[at : match.start()], Hole.FILE]
            at = match.end()
        rest = text[at:]
        pieces.append(rest)
        return at > 0, _HIDDEN_GLOB.search(text) is not None or (several and "[" in rest)

    def _inserted(self, value: Value, pieces: list[Piece], parts: tuple[Part, ...], index: int) -> list[Piece]:
        """The parts of a value that stands within a word: what it names need not exist with more around it."""
        if len(parts) == 1 or NAMES.isdisjoint(value.parts):
            return list(value.parts)
        following = parts[index + 1] if index + 1 < len(parts) else None
        after = following.text if isinstance(following, Text) else "" if following is None else "?"
        return inside(value.parts, bool(pieces), after)

    def _listed(self, value: Value) -> Value:
        """The value; a glob in it shows the names in a folder."""
        from .names import listed_folder

        folder = listed_folder(value) if value.many else None
        if folder is not None:
            self.walk.act("read", folder, tree="names" if folder.text else "")
        return value

    def _unquoted(self, value: Value, pieces: list[Piece], splits: bool) -> bool:
        """Append an unquoted value that cannot be split. False when it could be."""
        if value.many or (splits and "IFS" in self.walk.state.variables):
            return False
        if not splits and NAMES.isdisjoint(value.parts):
            pieces += value.parts
            return True
        for part in value.parts:
            if isinstance(part, str):
                if _SPLITS.search(part):
                    return False
            elif part not in {Hole.DIGITS, Hole.NUMBER, Hole.WORD, Hole.HOME, Hole.CWD, Hole.TMP}:
                return False
        pieces += [p for p in value.parts if p]
        return True

    def _words(self, part: Part, value: Value) -> list[Value] | None:
        """The words that a value becomes without quotes, or None when they cannot be told."""
        lines = self.walk.output if isinstance(part, CommandSubstitution) else None
        if lines is None and value.many and not NAMES.isdisjoint(value.parts):
            lines = Lines((value,), folders=self.walk.state.folders)
        if lines is not None:
            from .names import words_of

            found = words_of(self.walk, lines, splits=True)
            if found is not None:
                return found
        return self._split(value)

    def _split(self, value: Value) -> list[Value] | None:
        """The fields of a known value, split at white space, or None."""
        text = value.text
        if text is None or "IFS" in self.walk.state.variables or not self.walk.dialect.splits_values or "\\" in text:
            return None
        out: list[Value] = []
        for field in text.split(" ") if not re.search(r"[\t\n]", text) else re.split(r"[ \t\n]+", text):
            if field:
                pieces: list[Piece] = []
                many, lost = self._globs(field, False, pieces)
                out.append(UNKNOWN_MANY if lost else self._listed(joined(pieces, many)))
        self.walk.differs = True
        return out

    def _spliced(self, values: tuple[Value, ...], quoted: bool) -> tuple[Value, ...] | None:
        """`"$@"` or an array, as separate words; None when they cannot be told."""
        if quoted:
            return values
        if "IFS" in self.walk.state.variables:
            return None
        fine = all(not v.many and v.text and not _SPLITS.search(v.text) for v in values)
        return values if fine else None

    # parts

    def _part(
        self, part: EitherText | ParameterExpansion | CommandSubstitution | ArithmeticExpansion
    ) -> Value | tuple[Value, ...]:
        if isinstance(part, EitherText):
            return either(literal(part.first), literal(part.second))
        if isinstance(part, ParameterExpansion):
            return self.parameter(part)
        if isinstance(part, CommandSubstitution):
            return self.subshells.substitute(part.body)
        self.arithmetic(part.parts)
        return NUMBER

    def parameter(self, param: ParameterExpansion) -> Value | tuple[Value, ...]:
        """The value of `$name` or `${...}`; a tuple for a list of words."""
        name, op = param.name, param.op
        binding = self._binding(param)
        if op == "#len":
            return DIGITS
        if not op:
            return binding
        argument = self.value(ShellWord(param.arg, 0, 0)) if op != ":" else UNKNOWN
        if isinstance(binding, tuple):
            return (UNKNOWN_MANY,)
        if binding.many:
            binding = Value((Hole.ANY,), False, binding.why)
        known = binding.text
        if op in {":-", "-", ":=", "=", ":?", "?", ":+", "+"}:
            return self._default(name, op, binding, argument)
        if op == ":":
            self.arithmetic(param.arg)
            return _shortened(binding)
        if op in {"#", "##", "%", "%%"}:
            return _trimmed(binding, op, argument.text)
        if op in {"^^", ",,"} and known is not None and argument.text == "":
            return literal(known.upper() if op == "^^" else known.lower())
        return _shortened(binding) if op[0] in "^," else UNKNOWN

    def _default(self, name: str, op: str, binding: Value, argument: Value) -> Value:
        known = binding.text
        surely_set = bool(known)
        if op in {":-", "-", ":=", "="}:
            if surely_set:
                return binding
            if known == "":  # it may be unset as well
                result = argument if op[0] == ":" else either(binding, argument)
            elif name in _PLACES and name not in self.walk.state.variables:
                result = binding  # these are set in every session
            else:
                result = either(binding, argument)
            if op.endswith("="):
                self.walk.assign(name, result)
            return result
        if op.endswith("+"):
            return argument if surely_set else either(argument, literal("")) if argument.text is not None else UNKNOWN
        return binding

    def _binding(self, param: ParameterExpansion) -> Value | tuple[Value, ...]:
        name = param.name
        if param.subscript:
            return self._element(name, param.subscript)
        if name in {"@", "*"}:
            args = self.walk.state.args
            listed = args if args is not None else (UNKNOWN_MANY,)
            return listed if name == "@" or not param.quoted else self._in_one(listed)
        if name.isdigit():
            args = self.walk.state.args
            if args is None or name == "0" or any(a.many for a in args[: int(name)]):
                return UNKNOWN
            return args[int(name) - 1] if int(name) <= len(args) else literal("")
        if name == "-":
            return Value((Hole.NAME,), False, "$-")
        if name == "!":
            return Value((Hole.WORD,), False, "$!")
        if name in {"#", "?", "$"}:
            return DIGITS
        if name in self.walk.dialect.numbers and name not in self.walk.state.variables:
            return DIGITS
        if name in self.walk.dialect.maybe_numbers and name not in self.walk.state.variables:
            return Value((Hole.WORD,), False, f"${name}")
        found = self.walk.state.variables.get(name)
        if found is not None:
            if isinstance(found, Value):
                return found
            self.walk.differs = True
            if not self.walk.dialect.ksh_arrays:
                return (UNKNOWN_MANY,)  # the whole array
            return found[0] if found and not found[0].many else UNKNOWN
        if name in _PLACES:
            return Value((_PLACES[name],), False, f"${name}")
        if _CREDENTIAL.fullmatch(name):
            self.walk.act("use", literal(name))
        return Value((Hole.ANY,), False, f"${name}")

    def _in_one(self, values: tuple[Value, ...]) -> Value:
        texts = [v.text for v in values]
        if None in texts or "IFS" in self.walk.state.variables:
            return UNKNOWN
        return literal(" ".join(t for t in texts if t is not None))

    def _element(self, name: str, subscript: str) -> Value | tuple[Value, ...]:
        found = self.walk.state.variables.get(name)
        if subscript in {"@", "*"}:
            if isinstance(found, tuple):
                return found
            return (found,) if found is not None and found.text else (UNKNOWN_MANY,)  # it may be unset
        self.walk.differs = True
        if subscript.isdigit() and not self.walk.dialect.ksh_arrays:
            return UNKNOWN  # counted from 1, unless an option says otherwise
        if subscript.isdigit():
            index = int(subscript)
            if found == ASSOCIATIVE:
                return UNKNOWN
            if isinstance(found, tuple) and index < len(found) and not any(v.many for v in found[: index + 1]):
                return found[index]
            return UNKNOWN
        if found == ASSOCIATIVE:
            return UNKNOWN
        for inner in _IDENTIFIER.findall(subscript):
            self.must_be_number(inner)
        if not re.fullmatch(r"\$?[A-Za-z_][A-Za-z0-9_]*|-[0-9]+", subscript, re.ASCII):
            raise Opaque("an unusual subscript")
        return UNKNOWN

    # arithmetic

    def arithmetic(self, parts: Iterable[Part]) -> None:
        """Check that expressions can run nothing. A shell evaluates the values of its variables as well."""
        text = ""
        for part in parts:
            if isinstance(part, Text):
                text += part.text
            elif isinstance(part, ProcessSubstitution):
                raise Opaque("a process substitution in arithmetic")
            else:
                value = self._part(part)
                if isinstance(value, tuple) or not numeric(value):
                    raise Opaque("arithmetic with a value that is not known to be a number")
                text += "0"
        if not _ARITHMETIC.fullmatch(text):
            raise Opaque("arithmetic with subscripts or quotes")
        depth = 0
        for expression in _SEPARATOR.split(text):
            self._expression(expression, depth == 0)
            depth += expression.count("(") - expression.count(")")

    def _expression(self, text: str, sure: bool) -> None:
        """One expression of several; a variable that it surely sets first need not be a number before."""
        bare = _LITERAL_NUMBER.sub("", text)
        first = _FIRST_SET.match(bare) if sure else None
        rest = bare[first.end() :] if first else bare
        names = _IDENTIFIER.findall(rest)
        for name in names:
            self.must_be_number(name)
        changed = names if re.search(r"(?<![<>=!])=(?!=)|\+\+|--|<<=|>>=", rest) else []
        for name in [*([first[1]] if first else []), *changed]:
            self.walk.assign(name, NUMBER)
            if self.walk.dialect.arithmetic_types:
                self.walk.make_odd(name, number=True, keep=True)

    def must_be_number(self, name: str) -> None:
        """Refuse a variable in which arithmetic could see more than a number."""
        found = self.walk.state.variables.get(name)
        dialect = self.walk.dialect
        if found is None and (name in dialect.numbers or name in dialect.maybe_numbers):
            return
        if not isinstance(found, Value) or not numeric(found):
            raise Opaque(f"arithmetic with `{name[:40]}`, which is not known to be a number")


def _may_be_expanded(parts: tuple[Part, ...]) -> bool:
    """True for a word whose braces may make several of it."""
    texts = [p.text for p in parts if isinstance(p, Text) and not p.quoted]
    return any("{" in t for t in texts) and any("," in t or ".." in t for t in texts)


def _shortened(value: Value) -> Value:
    """Something made of a value's characters."""
    kinds = [p for p in value.parts if isinstance(p, Hole)]
    texts = [p for p in value.parts if isinstance(p, str)]
    if all(h in {Hole.DIGITS, Hole.NUMBER, Hole.WORD, Hole.NAME, Hole.FILE} for h in kinds) and not any(
        "/" in t for t in texts
    ):
        return Value((Hole.NAME,), value.many, value.why)
    return Value((Hole.ANY,), value.many, value.why)


def _trimmed(value: Value, op: str, pattern: str | None) -> Value:
    """`${x#pattern}` and its like, where it can be told exactly; else what is sure of the result."""
    if pattern is None or value.many:
        return _shortened(value)
    if op == "##" and pattern == "*/":
        last = value.parts[-1] if value.parts else ""
        if isinstance(last, str) and "/" in last:
            return literal(last.rpartition("/")[2])
        return Value((Hole.NAME,), False, value.why) if not isinstance(value.text, str) else value
    plain = not re.search(r"[*?\[\\]", pattern)
    if plain and op[0] == "%" and value.parts and isinstance(value.parts[-1], str):
        return joined([*value.parts[:-1], value.parts[-1].removesuffix(pattern)], False, value.why)
    if plain and op[0] == "#" and value.parts and isinstance(value.parts[0], str):
        return joined([value.parts[0].removeprefix(pattern), *value.parts[1:]], False, value.why)
    text = value.text
    if text is not None and pattern in {"*/", "/*", ".*", "*.", "*=", "=*", "-*", "*-", "*:", ":*"}:
        char = pattern.strip("*")
        if char not in text:
            return value
        if op[0] == "#" and pattern[0] == "*":
            return literal(text.partition(char)[2] if op == "#" else text.rpartition(char)[2])
        if op[0] == "%" and pattern[-1] == "*":
            return literal(text.rpartition(char)[0] if op == "%" else text.partition(char)[0])
    return _shortened(value)
