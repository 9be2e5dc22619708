"""Code of a project that commands run: in which file it stands, and what a shell is told to do there.

Package scripts, recipes of a Makefile or a justfile, and shell files. Only what is plain in them is read: what is
computed stands as a variable that nobody knows.
"""

from __future__ import annotations

import posixpath
import re
import shlex

from ..domain.limits import limit
from ..domain.record import record
from ..domain.regex import regex
from ..domain.strict_json import MalformedError, load
from .acts import Act
from .dialect import BASH, DIALECTS, SH, Dialect
from .profile import Parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNKNOWN_TEXT = '"$POLICY_UNKNOWN"'
"""Stands in a recipe for what is computed elsewhere: a variable that is never set."""


@record(frozen=True, slots=True)
class Recipe:
    """Where a command's code stands: the first of `files` that is there, from `folder`, and what it runs of it.

    `names` are package scripts, targets or recipes, none for the default one; `words` are handed on to it, and
    `settings` set variables of a Makefile. `dialect` is the shell's, where the command names one.
    """

    kind: str
    files: tuple[str, ...]
    folder: str = ""
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    dialect: Dialect | None = None


@record(frozen=True, slots=True)
class Script:
    """One script that is run: its text, its shell, and its arguments."""

    text: str
    dialect: Dialect
    words: tuple[str, ...] = ()


def recipe_of(act: Act) -> Recipe | None:
    """Where the code stands that a command runs of the project; None when it runs none, or it is not plain which."""
    texts = [v.text for v in act.argv]
    known = [t for t in texts if t is not None]
    if not known or len(known) < len(texts):
        return None
    program, parsed = known[0], act.parsed
    if parsed is None:
        if program in {"source", "."}:
            return Recipe("shell", (known[1],), "", (), tuple(known[2:]), (), BASH) if len(known) > 1 else None
        return Recipe("program", (program,), "", (), tuple(known[1:])) if "/" in program else None
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


def _operands(parsed: Parsed) -> list[str]:
    return [v.text or "" for v in parsed.operands]


_NPM_OWN = frozenset({"test", "start", "stop", "restart"})
_ELSEWHERE = ("-w", "--workspace", "-ws", "--workspaces", "-r", "--recursive", "-F", "--filter")
"""Options that choose other packages than the one around."""


def _package(parsed: Parsed, folder: str, _program: str) -> Recipe | None:
    if any(parsed.has(name) for name in _ELSEWHERE):
        return None
    words = _operands(parsed)
    name = parsed.path[1] if len(parsed.path) > 1 else ""
    if name in {"", "default"}:  # yarn, bun and pnpm run a script by its name as well
        words = words[next((i for i, w in enumerate(words) if not w.startswith("-")), len(words)) :]
        if not words:
            return None
        name, *words = words
        if name in {"run", "run-script"}:
            name = "run"
    if name == "run":
        if not words:
            return None
        name, *words = words
    elif parsed.root.name == "npm" and name not in _NPM_OWN:
        return None
    return Recipe("package", ("package.json",), folder, (name,), tuple(w for w in words if w != "--"))


def _make(parsed: Parsed, folder: str, _program: str) -> Recipe | None:
    named = tuple(g.value.text or "" for g in parsed.options if "-f" in g.option.names and g.value is not None)
    words = _operands(parsed)
    targets = tuple(w for w in words if "=" not in w)
    settings = tuple(w for w in words if "=" in w)
    return Recipe("make", named[-1:] or ("GNUmakefile", "makefile", "Makefile"), folder, targets, (), settings)


def _just(parsed: Parsed, folder: str, _program: str) -> Recipe | None:
    if any(parsed.has(n) for n in ("--list", "-l", "--summary", "--dump", "--show", "--evaluate", "--fmt")):
        return None
    named = tuple(g.value.text or "" for g in parsed.options if "-f" in g.option.names and g.value is not None)
    words = [w for w in _operands(parsed) if "=" not in w]
    return Recipe("just", named or ("justfile", "Justfile", ".justfile"), folder, tuple(words[:1]), tuple(words[1:]))


def _shell(parsed: Parsed, folder: str, program: str) -> Recipe | None:
    words = _operands(parsed)
    if not words or not parsed.runs_file:
        return None
    dialect = DIALECTS.get(posixpath.basename(program), SH)
    return Recipe("shell", (words[0],), folder, (), tuple(words[1:]), (), dialect)


_RECIPES: dict[str, Callable[[Parsed, str, str], Recipe | None]] = {
    "npm": _package, "pnpm": _package, "yarn": _package, "bun": _package, "make": _make, "just": _just, "sh": _shell,
}  # fmt: skip
"""By the canonical name of a program."""


def scripts_of(recipe: Recipe, text: str) -> list[Script]:
    """What shells are told to run by the code in a file; nothing when the part that is asked for is not there."""
    return list(_SCRIPTS[recipe.kind](recipe, text))


def _package_scripts(recipe: Recipe, text: str) -> Iterator[Script]:
    """`scripts` of a package.json, with those that come before and after (npm-scripts(7))."""
    try:
        found = load(text.encode())
    except MalformedError:
        return
    scripts = found.get("scripts") if isinstance(found, dict) else None
    if not isinstance(scripts, dict):
        return
    for name in recipe.names:
        for each in (f"pre{name}", name, f"post{name}"):
            script = scripts.get(each)
            if isinstance(script, str):
                more = recipe.words if each == name else ()
                yield Script(" ".join((script, *map(shlex.quote, more))), SH)


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


_ASSIGNED = regex(r"(?:override +|export +)*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?::{1,3}=|\?=|=)[ \t]*(.*)", re.ASCII)
_RULE = regex(r"([^:=#\t]+)::?(?!=)([^=]*)", re.ASCII)
_REFERENCE = regex(r"\$(?:\(([^()$]*)\)|\{([^{}$]*)\}|(.))", re.ASCII)


def _makefile_scripts(recipe: Recipe, text: str) -> Iterator[Script]:
    """Recipes of the targets and of what they depend on, in the order of make(1), each line a script of its own."""
    variables: dict[str, str] = {}
    rules: dict[str, tuple[list[str], list[str]]] = {}
    current: list[list[str]] = []
    for whole in text.replace("\\\n\t", "\\\n").replace("\\\n", " ").split("\n"):
        if whole.startswith("\t"):
            for lines in current:
                lines.append(whole[1:])
            continue
        line = whole.partition("#")[0].strip()
        if not line:
            continue
        current = []
        assigned = _ASSIGNED.fullmatch(line)
        if assigned:
            variables[assigned[1]] = assigned[2]
            continue
        rule = _RULE.fullmatch(line.partition(";")[0].strip())
        if rule:
            for target in _expanded(rule[1], variables).split():
                needs, lines = rules.setdefault(target, ([], []))
                needs += [n for n in _expanded(rule[2], variables).split() if n != "|"]
                current.append(lines)
                if ";" in line:
                    lines.append(line.partition(";")[2])
    for setting in recipe.settings:
        name, _, value = setting.partition("=")
        variables[name.rstrip(":?+")] = value
    dialect = DIALECTS.get(posixpath.basename(variables.get("SHELL", "sh").split(" ")[0]), SH)
    default = next((t for t in rules if not t.startswith(".") and "%" not in t), None)
    wanted = list(recipe.names) or [t for t in (variables.get(".DEFAULT_GOAL", default),) if t]
    for target in _ordered(wanted, rules):
        needs, lines = rules[target]
        special = {"@": target, "<": needs[0] if needs else "", "^": " ".join(needs), "*": target}
        scripts = [_expanded(line.lstrip("@-+ \t"), variables, special) for line in lines]
        for script in ["\n".join(scripts)] if ".ONESHELL" in rules else scripts:
            if script.strip():
                yield Script(script, dialect)


def _ordered(wanted: list[str], rules: dict[str, tuple[list[str], list[str]]]) -> list[str]:
    """The targets that are made for others, each behind what it needs."""
    out: dict[str, None] = {}
    begun: set[str] = set()
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
    left = _MOST_VALUES

    def one(found: re.Match[str], depth: int) -> str:
        nonlocal left
        left -= 1
        name = found[1] or found[2] or found[3] or ""
        if name == "$":
            return "$"
        if special is not None and name in special:
            return special[name]
        value = variables.get(name)
        if value is None or depth == 0 or left < 0:
            return UNKNOWN_TEXT if special is not None else ""
        return _REFERENCE.sub(lambda f: one(f, depth - 1), value)

    return _REFERENCE.sub(lambda f: one(f, _MOST_NESTED), text)


_MOST_NESTED = limit("recipe_nesting")
_MOST_VALUES = limit("recipe_values")

_JUST_RECIPE = regex(r"@?([A-Za-z_][A-Za-z0-9_-]*)((?:[ \t][^:\n]*)?):(?!=)(.*)", re.ASCII)
_JUST_VALUE = regex(r"\{\{[^{}]*\}\}", re.ASCII)


def _justfile_scripts(recipe: Recipe, text: str) -> Iterator[Script]:
    """A recipe's lines behind those of what it depends on, each a script of its own (just's manual)."""
    rules: dict[str, tuple[list[str], list[str]]] = {}
    lines: list[str] | None = None
    for line in text.split("\n"):
        if line[:1] in {" ", "\t"} or not line.strip():
            if lines is not None:
                lines.append(line)
            continue
        lines = None
        found = _JUST_RECIPE.fullmatch(line)
        if found and not line.startswith(("set ", "alias ", "export ", "import ", "mod ")):
            lines = []
            needs = re.findall(r"[A-Za-z_][A-Za-z0-9_-]*", found[3].partition("#")[0])
            rules.setdefault(found[1], (needs, lines))
    wanted = list(recipe.names) or [n for n in rules if not n.startswith("_")][:1]
    for name in _ordered(wanted, rules):
        body = [_JUST_VALUE.sub(UNKNOWN_TEXT, x.strip()) for x in rules[name][1]]
        first = next((x for x in body if x), "")
        if first.startswith("#!"):
            spoken = _spoken(first)
            if spoken is not None:
                yield Script("\n".join(body), spoken)
            continue
        yield from (Script(x.lstrip("@-"), SH) for x in body if x.lstrip("@-") and not x.startswith("#"))


_SCRIPTS: dict[str, Callable[[Recipe, str], Iterator[Script]]] = {
    "package": _package_scripts, "make": _makefile_scripts, "just": _justfile_scripts, "shell": _shell_scripts,
    "program": _shell_scripts,
}  # fmt: skip
