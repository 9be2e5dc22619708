"""Code of a project that commands run: in which file it stands, and what a shell is told to do there.

Package scripts, recipes of a Makefile or a justfile, and shell files. Only what is plain in them is read: what is
computed stands as a variable that nobody knows.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable
from itertools import islice

from ..domain.limits import limit
from ..domain.record import record, replace
from ..domain.regex import regex
from ..domain.strict_json import MalformedError, load
from .acts import Act
from .dialect import BASH, DIALECTS, SH, Dialect
from .profile import Parsed
from .values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN_TEXT = '"$POLICY_UNKNOWN"'
"""Stands in a recipe for what is computed elsewhere: a variable that is never set."""
_MOST_INCLUDED = limit("followed_files")
_MOST_SCRIPTS = limit("followed_scripts")


@record(frozen=True, slots=True)
class Recipe:
    """Where a command's code stands: the first of `files` that is there, from `folder`, and what it runs of it.

    `names` are package scripts, targets or recipes, none for the default one; `words` are handed on to it, and
    `settings` set variables of a Makefile or a justfile. With `above`, the folders above are looked into as well, and
    it runs where the file lies. What comes before and after a package's script is run `around` it.
    `dialect` is the shell's, where the command names one.
    """

    kind: str
    files: tuple[str, ...]
    folder: str = ""
    names: tuple[str, ...] = ()
    words: tuple[Value, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    dialect: Dialect | None = None
    above: bool = False
    around: bool = True


@record(frozen=True, slots=True)
class Script:
    """One script that is run: its text, its shell, and its arguments."""

    text: str
    dialect: Dialect
    words: tuple[Value, ...] = ()


def recipe_of(act: Act) -> Recipe | None:
    """Where the code stands that a command runs of the project; None when it runs none, or it is not plain which."""
    program, file = (act.argv[i].text if i < len(act.argv) else None for i in (0, 1))
    parsed = act.parsed
    if program is None:
        return None
    if parsed is None:
        if program in {"source", "."}:
            return None if file is None else Recipe("shell", (file,), words=act.argv[2:], dialect=BASH)
        if "/" in program:
            return Recipe("program", (program,), words=act.argv[1:])
        return _several(program, list(act.argv[1:]), "")
    find = _RECIPES.get(parsed.root.name)
    if find is None:
        return None
    folder = _folder(parsed)
    return None if folder is None else find(parsed, folder, program)


def _folder(parsed: Parsed) -> str | None:
    """Where a program is told to go first (`make -C`)."""
    folder = ""
    for given in parsed.options:
        if given.option.role.rstrip("!") == "cwd":
            if given.value is None or given.value.text is None:
                return None
            folder = posixpath.join(folder, given.value.text)
    return folder


def _written(value: Value) -> str:
    """A word as a script has it: what is not known of it stands as an unknown variable."""
    return "".join(shlex.quote(p) if isinstance(p, str) else UNKNOWN_TEXT for p in value.parts) or "''"


def _plain(value: Value) -> str:
    """A word as its text is put into a script."""
    return "".join(p if isinstance(p, str) else UNKNOWN_TEXT for p in value.parts)


def _settings(words: list[Value]) -> tuple[tuple[str, str], ...]:
    """The words `NAME=VALUE`; only the value may be unknown."""
    parts = [_plain(v).partition("=") for v in words if "=" in v.starts()]
    return tuple((name, value) for name, _, value in parts)


_NPM_OWN = frozenset({"test", "start", "stop", "restart"})
_ELSEWHERE = ("-w", "--workspace", "-ws", "--workspaces", "-r", "--recursive", "-F", "--filter")
"""Options that choose other packages than the one around."""


def _package(parsed: Parsed, folder: str, _program: str) -> Recipe | None:
    if any(parsed.has(name) for name in _ELSEWHERE):
        return None
    words = parsed.operands
    name = parsed.path[1] if len(parsed.path) > 1 else ""
    if name in {"", "default"}:  # yarn, bun and pnpm run a script by its name as well
        first = _first_operand(words)
        name = (words[first].text or "") if words[first:] else "install" if parsed.root.name == "yarn" else ""
        words = [*words[:first], *words[first + 1 :]]
    ignored = parsed.has("--ignore-scripts") or _ignored(parsed.root.name, words)
    if name in {"run", "run-script"}:
        words = words[_first_operand(words) :]
        if not words:
            return None
        name, words = words[0].text or "", words[1:]
    elif name in _LIFE_NAMES:
        return None if ignored or parsed.has("-g") else _life(_LIFE_NAMES[name], words, folder)
    elif name == "exec" or (name, parsed.root.name) == ("x", "bun"):
        words = words[_first_operand(words) :]
        return _several(words[0].text or "", words[1:], folder) if words else None
    elif name in _RUNNERS and parsed.root.name != "npm":
        return _several(name, words, folder)
    elif parsed.root.name == "npm" and name not in _NPM_OWN:
        return None
    if not name:
        return None
    own = _own(words) if parsed.root.name == "npm" else 0
    handed_on = tuple(w for i, w in enumerate(words) if w.text != "--" and not (i < own and w.starts().startswith("-")))
    return Recipe("package", ("package.json",), folder, (name,), handed_on, above=True, around=not ignored)


def _first_operand(words: list[Value]) -> int:
    return next((i for i, w in enumerate(words) if not w.starts().startswith("-")), len(words))


def _ignored(program: str, words: list[Value]) -> bool:
    """Whether words that a package manager reads itself say `--ignore-scripts`."""
    return program in {"npm", "yarn", "bun"} and any(w.text == "--ignore-scripts" for w in words[: _own(words)])


def _own(words: list[Value]) -> int:
    """How many words stand before `--`, all of them without one."""
    return next((i for i, w in enumerate(words) if w.text == "--"), len(words))


_INSTALL = ("preinstall", "install", "postinstall")
_PREPARE = ("prepublish", "preprepare", "prepare", "postprepare")
_LIFE = {
    "install": (*_INSTALL, *_PREPARE),
    "publish": ("prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"),
    "pack": ("prepack", "prepare", "postpack"),
    "version": ("preversion", "version", "postversion"),
}
"""Scripts that a command runs besides its own work (npm-scripts(7))."""
_LIFE_NAMES = {"i": "install", "add": "install", "ci": "install", **{name: name for name in _LIFE}}


def _life(name: str, words: list[Value], folder: str) -> Recipe:
    adds = name == "install" and any(not w.starts().startswith("-") for w in words)
    names = _INSTALL if adds else _LIFE[name]
    return Recipe("package", ("package.json",), folder, names, above=True, around=False)


_RUNNERS = frozenset({"run-s", "run-p", "npm-run-all", "npm-run-all2", "concurrently", "conc"})
"""Programs that run several scripts of a package."""
_MANAGERS = ("npm:", "pnpm:", "yarn:", "bun:", "node:")


def _several(program: str, words: list[Value], folder: str) -> Recipe | None:
    """The scripts that a program runs which runs several; `*` stands for parts of their names."""
    if program not in _RUNNERS:
        return None
    texts = [w.text.strip() for w in words if w.text is not None and not w.text.startswith("-")]
    if program in {"concurrently", "conc"}:
        texts = [t.partition(":")[2] for t in texts if t.startswith(_MANAGERS)]
    names = tuple(t.partition(" ")[0] for t in texts if t)
    return Recipe("package", ("package.json",), folder, names, above=True) if names else None


def _run_of(parsed: Parsed, folder: str, program: str) -> Recipe | None:
    """`npx run-s NAME`, and `node --run NAME`, which runs nothing around it."""
    words = parsed.operands
    name = words[0].text if words else None
    if name is None:
        return None
    if program in {"node", "nodejs"} or parsed.root.name == "node":
        found = Recipe("package", ("package.json",), folder, (name,), tuple(w for w in words[1:] if w.text != "--"))
        return replace(found, above=True, around=False) if parsed.has("--run") else None
    return _several(name, words[1:], folder)


def _make(parsed: Parsed, folder: str, _program: str) -> Recipe | None:
    named = _file_option(parsed)
    targets = tuple(w.text for w in parsed.operands if w.text is not None and "=" not in w.text)
    settings = _settings(parsed.operands)
    if named is None or (not targets and any(w.text is None and "=" not in w.starts() for w in parsed.operands)):
        return None
    return Recipe("make", named[-1:] or ("GNUmakefile", "makefile", "Makefile"), folder, targets, (), settings)


def _file_option(parsed: Parsed) -> tuple[str, ...] | None:
    """What `-f` names; None when that is not known."""
    found = [g.value.text for g in parsed.options if "-f" in g.option.names and g.value is not None]
    known = tuple(t for t in found if t is not None)
    return known if len(known) == len(found) else None


def _just(parsed: Parsed, folder: str, _program: str) -> Recipe | None:
    if any(parsed.has(n) for n in ("--list", "-l", "--summary", "--dump", "--show", "--evaluate", "--fmt")):
        return None
    named = _file_option(parsed)
    words = parsed.operands
    first = next((i for i, w in enumerate(words) if "=" not in w.starts()), len(words))
    if named is None or any(w.text is None for w in words[first : first + 1]):
        return None
    files = named or ("justfile", "Justfile", ".justfile")
    return Recipe("just", files, folder, (), tuple(words[first:]), _settings(words[:first]), above=not named)


def _shell(parsed: Parsed, folder: str, program: str) -> Recipe | None:
    words = parsed.operands
    file = words[0].text if words else None
    if file is None or not parsed.runs_file:
        return None
    dialect = DIALECTS.get(posixpath.basename(program), SH)
    return Recipe("shell", (file,), folder, words=tuple(words[1:]), dialect=dialect)


_RECIPES: dict[str, Callable[[Parsed, str, str], Recipe | None]] = {
    "npm": _package, "pnpm": _package, "yarn": _package, "bun": _package, "make": _make, "just": _just, "sh": _shell,
    "node": _run_of, "npx": _run_of,
}  # fmt: skip
"""By the canonical name of a program."""


Read = Callable[[str], "str | None"]
"""Gives the text of another file that a file includes; None when it is not there, or cannot be read."""


def no_files(_name: str) -> None:
    """Reads no further file."""


def scripts_of(recipe: Recipe, text: str, read: Read = no_files) -> list[Script]:
    """What shells are told to run by the code in a file; nothing when the part that is asked for is not there."""
    found = _makefile_scripts(recipe, text, read) if recipe.kind == "make" else _SCRIPTS[recipe.kind](recipe, text)
    return list(islice(found, _MOST_SCRIPTS + 1))


def _package_scripts(recipe: Recipe, text: str) -> Iterator[Script]:
    """`scripts` of a package.json, with those that come before and after (npm-scripts(7))."""
    try:
        found = load(text.encode())
    except MalformedError:
        return
    scripts = found.get("scripts") if isinstance(found, dict) else None
    if not isinstance(scripts, dict):
        return
    names = [n for name in recipe.names[:_MOST_SCRIPTS] for n in (_matching(name, scripts) if "*" in name else [name])]
    for name in names:
        for each in (f"pre{name}", name, f"post{name}") if recipe.around else (name,):
            script = scripts.get(each)
            if isinstance(script, str):
                more = recipe.words if each == name else ()
                yield Script(" ".join((script, *map(_written, more))), SH)


def _matching(pattern: str, scripts: dict[str, object]) -> list[str]:
    """The scripts that a pattern names; its last part may be anything behind the first `*`."""
    start = pattern.partition("*")[0]
    return [name for name in scripts if name.startswith(start)]


_SHEBANG = regex(r"#![ \t]*(?:/[^ \t]*/)?(?:env[ \t]+(?:-S[ \t]+)?)?([A-Za-z0-9]+)(?:[ \t][^\n]*)?", re.ASCII)


def _spoken(text: str) -> Dialect | None:
    """The shell that the first line of a file names; None for another interpreter."""
    found = _SHEBANG.match(text)
    return DIALECTS.get(found[1]) if found else None


def _shell_scripts(recipe: Recipe, text: str) -> Iterator[Script]:
    dialect = recipe.dialect
    if dialect is None:  # it is run by its name: the kernel reads its first line
        dialect = _spoken(text)
    if dialect is not None and "\0" not in text:
        yield Script(text, dialect, recipe.words)


_ASSIGNED = regex(r"(?:override +|export +)*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(:{1,3}=|\?=|\+=|!=|=)[ \t]*(.*)", re.ASCII)
_INCLUDE = regex(r"(?:-include|sinclude|include)[ \t]+(.*)", re.ASCII)
_DEFINE = regex(r"(?:override +|export +)*define[ \t]+([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?::{0,3}=)?", re.ASCII)
_OF_TARGET = regex(
    r"[^:=#\t]+:[ \t]*(?:override +|export +)*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?::{1,3}|[?+])?=.*", re.ASCII
)
_RULE = regex(r"([^:=#\t]+)::?(?!=)([^=]*)", re.ASCII)
_REFERENCE = regex(r"\$(?:\(([^()$]*)\)|\{([^{}$]*)\}|(.))", re.ASCII)


class _Makefile:
    """Variables and rules of a Makefile, with those of the files that it includes."""

    __slots__ = ("_current", "_defined", "_included", "_read", "rules", "unknown", "variables")

    def __init__(self, text: str, read: Read) -> None:
        self.variables: dict[str, str] = {}
        self.rules: dict[str, tuple[list[str], list[str]]] = {}
        self.unknown: set[str] = set()
        """Variables that have another value for some targets."""
        self._current: list[list[str]] = []
        self._defined: list[str] | None = None
        self._included: set[str] = set()
        self._read = read
        todo = _make_lines(text)
        while todo:
            whole = todo.pop()
            if self._defined is not None:
                self._define(whole)
            elif whole.startswith("\t"):
                for lines in self._current:
                    lines.append(whole[1:])
            else:
                line = whole.partition("#")[0].strip()
                include = _INCLUDE.fullmatch(line)
                if include:
                    todo += self._include(include[1])
                elif line:
                    self._line(line)

    def _define(self, line: str) -> None:
        assert self._defined is not None
        if line.strip() == "endef":
            self.variables[self._defined[0]] = "\n".join(self._defined[1:])
            self._defined = None
        else:
            self._defined.append(line)

    def _include(self, names: str) -> list[str]:
        """The lines of the files that are named, the first one last."""
        found: list[str] = []
        for name in _expanded(names, self.variables).split():
            if name not in self._included and len(self._included) < _MOST_INCLUDED:
                self._included.add(name)
                text = self._read(name)
                found += [text] if text is not None else []
        return [line for text in reversed(found) for line in _make_lines(text)]

    def _line(self, line: str) -> None:
        self._current = []
        definition, assigned, of_target = (r.fullmatch(line) for r in (_DEFINE, _ASSIGNED, _OF_TARGET))
        rule = _RULE.fullmatch(line.partition(";")[0].strip())
        if definition:
            self._defined = [definition[1]]
        elif assigned:
            _assign(self.variables, assigned[1], assigned[2], assigned[3])
        elif of_target:
            self.unknown.add(of_target[1])
        elif rule:
            for target in _expanded(rule[1], self.variables).split():
                needs, lines = self.rules.setdefault(target, ([], []))
                needs += [n for n in _expanded(rule[2], self.variables).split() if n != "|"]
                self._current.append(lines)
                if ";" in line:
                    lines.append(line.partition(";")[2])


def _makefile_scripts(recipe: Recipe, text: str, read: Read) -> Iterator[Script]:
    """Recipes of the targets and of what they depend on, in the order of make(1), each line a script of its own."""
    file = _Makefile(text, read)
    variables, rules = file.variables, file.rules
    for name in file.unknown:
        variables.pop(name, None)
    for name, value in recipe.settings:
        variables[name.rstrip(":?+")] = value
    dialect = DIALECTS.get(posixpath.basename(variables.get("SHELL", "sh").split(" ")[0]), SH)
    default = next((t for t in rules if not t.startswith(".") and "%" not in t), None)
    wanted = list(recipe.names) or [t for t in (variables.get(".DEFAULT_GOAL", default),) if t]
    for target in _ordered(wanted, rules):
        needs, lines = rules[target]
        special = {"@": target, "<": needs[0] if needs else "", "^": " ".join(needs), "*": target}
        together = ".ONESHELL" in rules
        for whole in ["\n".join(lines)] if together else lines:
            scripts = [line.lstrip("@-+ \t") for line in _expanded(whole, variables, special).split("\n")]
            for script in ["\n".join(scripts)] if together else scripts:
                if script.strip():
                    yield Script(script, dialect)


def _make_lines(text: str) -> list[str]:
    """The lines of a Makefile, the first one last."""
    return text.replace("\\\n\t", "\\\n").replace("\\\n", " ").split("\n")[::-1]


def _assign(variables: dict[str, str], name: str, sign: str, value: str) -> None:
    """Set a variable as make does."""
    if sign == "+=":
        before = variables.get(name, "")
        variables[name] = f"{before} {value}" if len(before) < _MOST_TEXT else before
    elif sign == "!=":
        variables.pop(name, None)
    elif sign != "?=" or name not in variables:
        variables[name] = value


def _ordered(
    wanted: list[str], rules: dict[str, tuple[list[str], list[str]]], begun: set[str] | None = None
) -> list[str]:
    """The targets that are made for others, each behind what it needs; none of those that were `begun` before."""
    out: dict[str, None] = {}
    begun = set() if begun is None else begun
    todo = [(t, False) for t in reversed(wanted)]
    while todo:
        target, ready = todo.pop()
        if ready:
            out[target] = None
        elif target in rules and target not in begun:
            begun.add(target)
            todo.append((target, True))
            todo += [(n, False) for n in reversed(rules[target][0])]
    return list(out)


def _expanded(text: str, variables: dict[str, str], special: dict[str, str] | None = None) -> str:
    """A line of a Makefile with its variables; `$$` is the shell's `$`. What is computed is not known."""
    left, size = _MOST_VALUES, _MOST_TEXT

    def one(found: re.Match[str], depth: int) -> str:
        nonlocal left, size
        left -= 1
        name = found[1] or found[2] or found[3] or ""
        if name == "$":
            return "$"
        if special is not None and name in special:
            return special[name]
        value = variables.get(name)
        size -= len(value or "")
        if value is None or depth == 0 or left < 0 or size < 0:
            return UNKNOWN_TEXT if special is not None else ""
        return _REFERENCE.sub(lambda f: one(f, depth - 1), value)

    return _REFERENCE.sub(lambda f: one(f, _MOST_NESTED), text)


_MOST_NESTED = limit("recipe_nesting")
_MOST_VALUES = limit("recipe_values")
_MOST_TEXT = limit("script_bytes")

_JUST_RECIPE = regex(r"@?([A-Za-z_][A-Za-z0-9_-]*)((?:[ \t](?:\"[^\"]*\"|'[^']*'|[^:\"'])*)?):(?!=)(.*)", re.ASCII)
_JUST_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_JUST_VALUE = regex(r"\{\{([^{}]*)\}\}", re.ASCII)
_JUST_ASSIGNED = regex(rf"(?:export[ \t]+)?({_JUST_NAME})[ \t]*:=[ \t]*(.*)", re.ASCII)
_JUST_SHELL = regex(r"set[ \t]+shell[ \t]*:=[ \t]*\[[ \t]*[\"']([^\"']*)[\"'].*", re.ASCII)
_JUST_TEXT = r"\"[^\"\\]*\"|'[^']*'"
_JUST_EXPRESSION = regex(rf"(?:({_JUST_TEXT})|({_JUST_NAME}))[ \t]*(?:#.*)?", re.ASCII)
_JUST_ALIAS = regex(rf"alias[ \t]+({_JUST_NAME})[ \t]*:=[ \t]*({_JUST_NAME})[ \t]*(?:#.*)?", re.ASCII)
_JUST_PARAMETER = regex(rf"([*+]?)\$?({_JUST_NAME})(?:=({_JUST_TEXT}|[^ \t\"']+))?", re.ASCII)


@record(frozen=True, slots=True)
class _JustRecipe:
    """One recipe: its parameters (whether one takes all further words, name, default), what it needs, its lines."""

    parameters: tuple[tuple[bool, str, str], ...]
    needs: tuple[str, ...]
    lines: list[str]
    handed_on: bool
    """Whether it hands words on to those that it needs."""


def _justfile_scripts(recipe: Recipe, text: str) -> Iterator[Script]:
    """A recipe's lines behind those of what it depends on, each a script of its own (just's manual)."""
    variables: dict[str, str] = {}
    rules: dict[str, _JustRecipe] = {}
    aliases: dict[str, str] = {}
    dialect: Dialect | None = SH
    lines: list[str] | None = None
    for line in text.split("\n"):
        if line[:1] in {" ", "\t"} or not line.strip():
            if lines is not None:
                lines.append(line)
            continue
        lines = None
        shell, assigned, alias = (r.fullmatch(line) for r in (_JUST_SHELL, _JUST_ASSIGNED, _JUST_ALIAS))
        found = None
        if shell:
            dialect = DIALECTS.get(posixpath.basename(shell[1]))
        elif assigned:
            variables[assigned[1]] = assigned[2]
        elif alias:
            aliases[alias[1]] = alias[2]
        elif not line.startswith(("set ", "alias ", "export ", "import ", "mod ")):
            found = _JUST_RECIPE.fullmatch(line)
        if found:
            lines = []
            parameters = tuple((bool(p[1]), p[2], p[3] or "") for p in _JUST_PARAMETER.finditer(found[2]))
            needs = found[3].partition("#")[0]
            rules.setdefault(
                found[1], _JustRecipe(parameters, tuple(re.findall(_JUST_NAME, needs)), lines, "(" in needs)
            )
    for alias_name, target in aliases.items():
        if target in rules:
            rules.setdefault(alias_name, rules[target])
    values = {n: _just_value(x, variables) for n, x in variables.items()}
    values.update(recipe.settings)
    needed = {n: (list(r.needs), r.lines) for n, r in rules.items()}
    handed_on = {n for r in rules.values() if r.handed_on for n in r.needs}
    begun: set[str] = set()
    for asked, given in _just_asked(recipe, rules)[:_MOST_SCRIPTS]:
        begun.discard(asked)
        for name in _ordered([asked], needed, begun):
            words = given if name == asked else None
            known = dict(values)
            for i, (many, parameter, default) in enumerate(rules[name].parameters):
                taken = (words or ())[i:] if many else (words or ())[i : i + 1]
                unknown = words is None and name in handed_on
                known[parameter] = _just_value(default, variables) if not unknown else UNKNOWN_TEXT
                if taken:
                    known[parameter] = " ".join(map(_plain, taken))
            yield from _just_lines(rules[name], known, dialect)


def _just_lines(rule: _JustRecipe, known: dict[str, str], dialect: Dialect | None) -> Iterator[Script]:
    """What a recipe runs, its values filled in."""
    body = [line.strip() for line in rule.lines]
    first = next((x for x in body if x), "")
    if first.startswith("#!"):
        spoken = _spoken(first)
        if spoken is not None:
            yield Script(_just_filled("\n".join(body), known), spoken)
    elif dialect is not None:
        for line in body:
            text = _just_filled(line.lstrip("@-"), known)
            if text and not text.startswith("#"):
                yield Script(text, dialect)


def _just_asked(recipe: Recipe, rules: dict[str, _JustRecipe]) -> list[tuple[str, tuple[Value, ...]]]:
    """The recipes that the words of a command ask for, each with the words that it takes."""
    words = recipe.words
    asked: list[tuple[str, tuple[Value, ...]]] = []
    if not words:
        asked += [(n, ()) for n in rules if not n.startswith("_")][:1]
    at = 0
    while at < len(words) and (words[at].text or "") in rules:
        name = words[at].text or ""
        parameters = rules[name].parameters
        end = len(words) if any(many for many, _, _ in parameters) else at + 1 + len(parameters)
        asked.append((name, words[at + 1 : end]))
        at = end
    return asked


def _just_value(text: str, variables: dict[str, str]) -> str:
    """What a text in quotes, or a name, stands for; any other expression is computed, and not known."""
    for _ in range(_MOST_NESTED):
        found = _JUST_EXPRESSION.fullmatch(text)
        if found is None:
            break
        if found[1]:
            return found[1][1:-1]
        text = variables.get(found[2], "")
    return UNKNOWN_TEXT


def _just_filled(line: str, values: dict[str, str]) -> str:
    left = _MOST_TEXT

    def one(found: re.Match[str]) -> str:
        nonlocal left
        value = values.get(found[1].strip(), UNKNOWN_TEXT)
        left -= len(value)
        return value if left >= 0 else UNKNOWN_TEXT

    return _JUST_VALUE.sub(one, line)


_SCRIPTS: dict[str, Callable[[Recipe, str], Iterator[Script]]] = {
    "package": _package_scripts, "just": _justfile_scripts, "shell": _shell_scripts,
    "program": _shell_scripts,
}  # fmt: skip
