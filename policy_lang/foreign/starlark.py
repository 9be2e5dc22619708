"""Calls in a Starlark file whose arguments are written out, with their places. Nothing of the file is run.

Values are literals, names that were bound to such before, and `+` of them. Everything else that makes use of one of the
wanted functions is kept as unread.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right

from ..domain.faults import AuthorError
from ..domain.record import record
from .located import Located, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..domain.errors import PolicyError, Source

Value = object
"""What a literal holds: list, `Located`, int, bool, None."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_ONE_STRING = re.compile(
    r'[rR]?(?:"""(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\'))*\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\')',
    re.DOTALL,
)
_ELSEWHERE = (
    ast.While, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Try, ast.With, ast.Raise, ast.Assert, ast.Delete,
    ast.Global, ast.Nonlocal, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith,
    ast.Await, ast.Yield, ast.YieldFrom, ast.Set,
    ast.SetComp, ast.GeneratorExp, ast.NamedExpr, ast.Is, ast.IsNot, ast.Pow, ast.MatMult, ast.Match, ast.TryStar,
)  # fmt: skip
"""What Python has and Starlark has not (github.com/bazelbuild/starlark, spec.md, "Grammar reference")."""


_BUILT_IN = frozenset(
    {
        "True", "False", "None", "abs", "all", "any", "bool", "chr", "dict", "dir", "enumerate", "fail",
        "float", "getattr", "hasattr", "hash", "int", "len", "list", "max", "min", "ord", "range", "repr",
        "reversed", "sorted", "str", "tuple", "type", "zip",
    }
)  # fmt: skip
"""Names that Starlark binds by itself, without extensions (starlark-rust's `Globals::standard`)."""


@record(frozen=True, slots=True)
class Call:
    """One call: its arguments by name, those without a name as they stand, and where it is."""

    name: str
    given: tuple[Value, ...]
    named: dict[str, Value]
    start: int
    end: int


@record(frozen=True, slots=True)
class Unread:
    """A statement that calls one of the functions in a way that only running it would show."""

    text: str
    start: int
    end: int


class _UnknownError(AuthorError):
    """A value that is not written out."""


def statements_of(source: Source, functions: Collection[str]) -> tuple[Call | Unread, ...]:
    """The calls of some functions in a file, in order. Raises PolicyError for what is no Starlark."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(source.text)
        return tuple(_StarlarkReader(source, frozenset(functions), module).statements())
    except SyntaxError as error:
        places = _Places(source.text)
        raise unreadable(source, places.at_character(error), f"this is not valid Starlark: {error.msg}") from None
    except (RecursionError, MemoryError, ValueError):
        raise unreadable(source, 0, "this is not valid Starlark: it is nested too deep, or holds NUL") from None


class _Places:
    """Offsets of a text by line and column, as `ast` counts them: columns in bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        self._bytes: dict[int, list[int]] = {}

    def at(self, line: int, column: int) -> int:
        start = self._starts[min(line, len(self._starts)) - 1]
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        if line not in self._bytes:
            shown = self._text[start:end]
            sizes, at = [], 0
            if not shown.isascii():
                for char in shown:
                    sizes.append(at)
                    at += len(char.encode("utf-8", "surrogatepass"))
            self._bytes[line] = sizes
        sizes = self._bytes[line]
        return start + (bisect_right(sizes, column) - 1 if sizes and column <= sizes[-1] else min(column, end - start))

    def at_character(self, error: SyntaxError) -> int:
        line = max(1, error.lineno or 1)
        start = self._starts[min(line, len(self._starts)) - 1]
        return min(start + max(0, (error.offset or 1) - 1), max(0, len(self._text) - 1))


class _StarlarkReader:
    """One reading of a module: its top-level statements in order, with what names hold."""

    def __init__(self, source: Source, functions: frozenset[str], module: ast.Module) -> None:
        self._source = source
        self._places = _Places(source.text)
        self._module = module
        self._names: dict[str, Value] = {}
        self._functions = functions
        self._check()

    def _check(self) -> None:
        """Refuse what Python takes and Starlark does not; see which functions are given another meaning."""
        bound: set[str] = set()
        used: dict[str, ast.Name] = {}
        for node in ast.walk(self._module):
            foreign = isinstance(node, _ELSEWHERE)
            foreign |= isinstance(node, ast.Compare) and len(node.ops) > 1
            foreign |= isinstance(node, ast.Assign) and len(node.targets) > 1
            foreign |= isinstance(node, (ast.List, ast.Tuple)) and any(isinstance(e, ast.Starred) for e in node.elts)
            if foreign:
                raise unreadable(self._source, self._start(node), "this is Python, which Starlark has not")
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and not self._is_one(node):
                raise unreadable(
                    self._source, self._start(node), "Starlark joins strings by `+` only, and knows no `u`"
                )
            if isinstance(node, ast.FunctionDef):
                bound.add(node.name)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            elif isinstance(node, ast.Name):
                used.setdefault(node.id, node)
        self._known = self._functions - bound
        for name, node in used.items():
            if name not in bound | _BUILT_IN | self._functions:
                raise self._unbound(node)
        tab = re.search(r"^[ ]*\t", self._source.text, re.MULTILINE)
        if tab is not None and not self._in_string(tab.end() - 1):
            raise unreadable(self._source, tab.end() - 1, "Starlark takes no tabs at the beginning of a line")

    def _in_string(self, at: int) -> bool:
        constants = (n for n in ast.walk(self._module) if isinstance(n, (ast.Constant, ast.JoinedStr)))
        return any(self._start(n) <= at < self._end(n) for n in constants)

    def _is_one(self, node: ast.Constant) -> bool:
        """Whether a string is one literal; parts of an f-string are not looked at."""
        text = self._source.text[self._start(node) : self._end(node)]
        return (
            text[:1] not in "rRuUbB\"'" or text[:1] == "" or text[:1] in "fF" or _ONE_STRING.fullmatch(text) is not None
        )

    def _start(self, node: ast.AST) -> int:
        return self._places.at(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))

    def _end(self, node: ast.AST) -> int:
        return self._places.at(getattr(node, "end_lineno", 1) or 1, getattr(node, "end_col_offset", 0) or 0)

    def _unbound(self, node: ast.Name) -> PolicyError:
        message = f"`{node.id[:40]}` is not bound here: no rule of the file is loaded"
        return unreadable(self._source, self._start(node), message, "", self._end(node))

    def statements(self) -> list[Call | Unread]:
        """What calls the functions, in order. Raises PolicyError for a name that is used before it is bound."""
        out: list[Call | Unread] = []
        bound = _BUILT_IN | self._functions
        for node in self._module.body:
            names = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
            own = {one.id for one in names if not isinstance(one.ctx, ast.Load)}
            later = any(isinstance(one, (ast.FunctionDef, ast.Lambda)) for one in ast.walk(node))
            early = next((one for one in names if one.id not in bound | own), None)
            if early is not None and not later:
                raise self._unbound(early)
            bound |= own | ({node.name} if isinstance(node, ast.FunctionDef) else set())
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self._is_wanted(node.value.func):
                out.append(self._call(node.value))
                continue
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and node.value is not None and self._bind(target.id, node.value):
                    continue
            out += self._unread(node)
        return out

    def _is_wanted(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._functions

    def _bind(self, name: str, node: ast.expr) -> bool:
        try:
            self._names[name] = self._value(node)
        except _UnknownError:
            self._names.pop(name, None)
            return False
        return True

    def _unread(self, node: ast.stmt) -> list[Unread]:
        """What a statement that is not understood leaves unread: it may change every list, and bind names again."""
        inside = list(ast.walk(node))
        if not isinstance(node, (ast.Pass, ast.Expr)) or any(isinstance(one, ast.Call) for one in inside):
            stored = {one.id for one in inside if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}
            self._names = {k: v for k, v in self._names.items() if isinstance(v, str) and k not in stored}
        if any(self._is_wanted(one) for one in inside):
            start, end = self._start(node), self._end(node)
            return [Unread(" ".join(self._source.text[start:end].split())[:60], start, end)]
        return []

    def _call(self, node: ast.Call) -> Call | Unread:
        name = str(node.func.id)  # type: ignore[attr-defined]
        start, end = self._start(node), self._end(node)
        unread = Unread(" ".join(self._source.text[start:end].split())[:60], start, end)
        if name not in self._known or any(word.arg is None for word in node.keywords):
            return unread
        try:
            given = tuple(self._value(one) for one in node.args)
            named = {str(word.arg): self._value(word.value) for word in node.keywords}
        except _UnknownError:
            return unread
        return Call(name, given, named, start, end)

    def _value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                return Located.at(node.value, self._start(node), self._end(node))
            if node.value is None or isinstance(node.value, (bool, int)):
                return node.value
        elif isinstance(node, ast.List):
            return [self._value(one) for one in node.elts]
        elif isinstance(node, ast.Tuple):
            return tuple(self._value(one) for one in node.elts)
        elif isinstance(node, ast.Name) and node.id in self._names:
            return self._names[node.id]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._value(node.left), self._value(node.right)
            if isinstance(left, str) and isinstance(right, str):
                return Located.at(left + right, self._start(node), self._end(node))
            if isinstance(left, list) and isinstance(right, list):
                return left + right
        raise _UnknownError
