"""find: which files its expression lets through, and what it does with them. From find(1), GNU findutils 4.9."""

from __future__ import annotations

import re

from ...automata.glob import Glob, GlobError
from ...domain.limits import limit
from ...domain.record import record
from ...domain.regex import regex
from ..access import path
from ..call import ProgramCall
from ..profile import Parsed
from ..reading import Opaque
from ..roles import role
from ..values import UNKNOWN_MANY, Hole, Lines, Value, found_below, joined, placed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_SETTINGS = frozenset({"-H", "-L", "-P", "-O0", "-O1", "-O2", "-O3"})
_FLAGS = frozenset({
    "-daystart", "-depth", "-d", "-follow", "-ignore_readdir_race", "-mount", "-noignore_readdir_race", "-noleaf", "-nowarn", "-warn",
    "-xdev", "-empty", "-executable", "-false", "-nogroup", "-nouser", "-readable", "-true", "-writable", "-prune", "-quit",
})  # fmt: skip
_VALUES = frozenset({
    "-maxdepth", "-mindepth", "-regextype", "-amin", "-anewer", "-atime", "-cmin", "-cnewer", "-ctime", "-fstype", "-gid", "-group", "-ilname",
    "-iname", "-inum", "-ipath", "-iregex", "-iwholename", "-links", "-lname", "-mmin", "-mtime", "-name", "-newer", "-path", "-perm", "-regex",
    "-samefile", "-size", "-type", "-uid", "-used", "-user", "-wholename", "-xtype", "-context",
})  # fmt: skip
_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_PRINTS = {"-print": "\n", "-print0": "\0", "-ls": "", "-printf": ""}
_SAVES = {"-fprint": 1, "-fprint0": 1, "-fls": 1, "-fprintf": 2}
_NAME = regex(r"[^/\\\n\[\]]+")
_MOST_NAMES = limit("find_names")
_MOST_DEPTH = limit("script_nesting")


@record(frozen=True, slots=True)
class Filter:
    """What an expression lets through: files whose names match one of `names` (None for any), and perhaps a `start`."""

    names: tuple[str, ...] | None = None
    start: bool = True

    def or_(self, other: Filter) -> Filter:
        """What one of two expressions lets through."""
        names = None if self.names is None or other.names is None else tuple(dict.fromkeys(self.names + other.names))
        return Filter(names if names is None or len(names) <= _MOST_NAMES else None, self.start or other.start)


def find(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`find [options] [starting points] [expression]`. What it finds exists at or below the starting points."""
    words = list(call.argv[1:])
    follows = False
    while words and words[0].text in _SETTINGS:
        follows = words.pop(0).text == "-L"
    starts: list[Value] = []
    while words and not _is_expression(words[0]):
        starts.append(words.pop(0))
    starts = starts or [Value((".",))]
    follows = follows or any(w.text == "-follow" for w in words)
    for start in starts:
        role(shell, parsed, "list", start, 0)
    FoundFiles(shell, parsed, [UNKNOWN_MANY] if follows else starts, words).run()
    return True


def _is_expression(value: Value) -> bool:
    if value.may_be_option and value.text is None:
        raise Opaque("a word that may begin with `-` stands where an expression can stand", "put `./` before it")
    return value.starts().startswith("-") or value.text in {"(", ")", "!", ","}


class FoundFiles:
    """One run of find: reads the expression once for all starting points, and records what each action does."""

    __slots__ = ("_acted", "_depth", "_inside", "output", "parsed", "shell", "starts", "words")

    def __init__(self, shell: ProgramHost, parsed: Parsed, starts: list[Value], words: list[Value]) -> None:
        self.shell = shell
        self.parsed = parsed
        self.starts = starts
        self.words = words
        texts = [w.text for w in words]
        least = next((texts[i + 1] for i, t in enumerate(texts[:-1]) if t == "-mindepth"), None)
        self._inside = least is not None and least.isdigit() and int(least) > 0
        self._acted = False
        self.output: Lines | None = None
        self._depth = 0

    def run(self) -> None:
        """Read the expression, and do what it does; without an action it prints."""
        given = Filter(start=not self._inside)
        found = self._list(given) if self.words else given
        if self.words:
            raise Opaque(f"the profile of `find` does not know the expression `{(self.words[0].text or '')[:40]}`")
        if not self._acted:
            self._print(found, "\n")
        self.shell.walk.output = self.output

    # expressions: each takes what comes to it, and gives what it lets through

    def _list(self, given: Filter) -> Filter:
        found = self._any(given)
        while self._next(","):
            found = self._any(given)
        return found

    def _any(self, given: Filter) -> Filter:
        found = self._all(given)
        while self._next("-o", "-or"):
            found = found.or_(self._all(given))
        return found

    def _all(self, given: Filter) -> Filter:
        found = self._one(given)
        while self.words and self.words[0].text not in {")", ",", "-o", "-or"}:
            self._next("-a", "-and")
            found = self._one(found)
        return found

    def _one(self, given: Filter) -> Filter:
        if not self.words:
            raise Opaque("an expression of `find` that ends too early")
        if self._next("!", "-not"):
            return self._negated(given)
        if self._next("("):
            self._depth += 1
            if self._depth > _MOST_DEPTH:
                raise Opaque(f"it is nested deeper than {_MOST_DEPTH} levels")
            found = self._list(given)
            self._depth -= 1
            if not self._next(")"):
                raise Opaque("an expression of `find` that ends too early")
            return found
        test, value = self._primary(given)
        start = given.start and self._of_start(test, value) is not False
        name = value.text if test == "-name" and value is not None else None
        if name is not None and given.names is None and _NAME.fullmatch(name):
            return Filter((name,), start)
        return Filter(given.names, start)

    def _negated(self, given: Filter) -> Filter:
        if self.words and self.words[0].text in {"!", "-not", "("}:
            self._one(given)
            return given
        test, value = self._primary(given)
        return Filter(given.names, given.start and self._of_start(test, value) is not True)

    def _next(self, *texts: str) -> bool:
        if self.words and self.words[0].text in texts:
            self.words.pop(0)
            return True
        return False

    def _primary(self, given: Filter) -> tuple[str, Value | None]:
        """A test with its value; an action is done."""
        if not self.words:
            raise Opaque("an expression of `find` that ends too early")
        text = self.words.pop(0).text
        if text is None:
            raise Opaque("an expression of `find` that is not known", "quote it")
        if text in _VALUES or text.startswith("-newer"):
            return text, self._value()
        if text in _RUNS:
            self._run(text, given)
        elif text == "-delete":
            for value in self._values(given):
                path(self.shell.walk, "delete", value)
        elif text in _PRINTS:
            if text == "-printf":
                self._value()
            self._print(given, _PRINTS[text])
        elif text in _SAVES:
            role(self.shell, self.parsed, "write", self._value(), 0)
            if _SAVES[text] == 2:
                self._value()
        elif text not in _FLAGS:
            raise Opaque(f"the profile of `find` does not know the expression `{text[:40]}`")
        self._acted = self._acted or text not in _FLAGS
        return text, None

    def _value(self) -> Value:
        if not self.words or self.words[0].many:
            raise Opaque("an expression of `find` that is not known", "quote it")
        return self.words.pop(0)

    def _of_start(self, test: str, value: Value | None) -> bool | None:
        """Whether a test holds for every starting point, which is a folder; None when it may."""
        wanted = value.text if value is not None else None
        if wanted is None:
            return None
        if test == "-type":
            return "d" in wanted.split(",")
        texts = [s.text for s in self.starts]
        if test not in {"-name", "-path", "-wholename"} or not _NAME.fullmatch(wanted.replace("/", "")):
            return None
        held = {_matches(wanted, t if test != "-name" else _base(t)) if t else None for t in texts}
        return held.pop() if len(held) == 1 else None

    # actions

    def _values(self, found: Filter) -> list[Value]:
        return [v for start in self.starts for v in _found(start, found)]

    def _print(self, found: Filter, end: str) -> None:
        before = self.output
        forms = tuple(self._values(found)) + (before.forms if before else ())
        mixed = not end or (self._acted and before is None) or (before is not None and before.end != end)
        self.output = None if mixed else Lines(forms, end, self.shell.walk.state.folders)

    def _run(self, action: str, found: Filter) -> None:
        """`-exec command ;` and its like."""
        inner: list[Value] = []
        while self.words and self.words[0].text not in {";", "+"}:
            inner.append(self.words.pop(0))
        if not self.words or not inner:
            raise Opaque("`find -exec` without an end")
        each = self.words.pop(0).text == ";"
        walk = self.shell.walk
        folders = walk.state.folders
        if action in {"-execdir", "-okdir"}:
            walk.state.folders = None  # each runs in the folder of the file
        run_with(self.shell, inner, "{}", self._values(found), each)
        walk.state.folders = folders
        self.output = None


def run_with(shell: ProgramHost, words: list[Value], mark: str, values: list[Value], each: bool) -> None:
    """Run a command with values where the mark stands: `each` by itself, or as many words as there are."""
    rounds = [[Value(v.parts, False, v.why)] for v in values] if each else [values]
    for some in rounds:
        made = [v for word in words for v in placed(word, mark, some)]
        if made[0].text is None:
            raise Opaque("which program it runs is not known")
        shell.run(made)


def _found(start: Value, found: Filter) -> list[Value]:
    """The files that are found from a starting point: the point itself where the filter may let it through."""
    if found.names is None:
        if found.start:
            return [joined([*start.parts, Hole.BELOW], True, start.why or "a file that is found")]
        return [found_below(start, "*")]
    named = [found_below(start, name) for name in found.names]
    return [start, *named] if found.start else named


def _base(text: str | None) -> str:
    return re.sub(r"/+$", "", text or "").rpartition("/")[2] or "/"


def _matches(glob: str, text: str) -> bool | None:
    try:
        return Glob(glob).matches(text)
    except GlobError:
        return None
