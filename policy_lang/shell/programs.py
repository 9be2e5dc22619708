"""From a program's words to acts, by its profile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from ..domain.record import record
from ..domain.regex import regex
from ..facts.commands import TRUSTED_DIRS
from .builtins import folder_text
from .changes import CommandChanges
from .dialect import SH
from .profile import Parsed, parse_argv
from .reading import Opaque
from .slots import Slot
from .values import NOTHING, UNKNOWN, UNKNOWN_MANY, Hole, Piece, Value, joined, literal
from .variables import dangerous

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpret import Machine

PATH_ROLES = {
    "read": ("read", ""), "write": ("write", ""), "delete": ("delete", ""), "list": ("read", ""),
    "read-tree": ("read", "existing"), "delete-tree": ("delete", "existing"), "write-tree": ("write", "new"),
    "change-tree": ("write", "existing"), "search": ("read", "visible"), "write-tree-own": ("write", "own"),
}  # fmt: skip
"""Roles that are paths: the action, and what of the tree below is meant."""

_VERSION = regex(r"(python|pip|perl|ruby|php|node|lua|gcc|g\+\+|clang|clang\+\+)[0-9][0-9.]*", re.ASCII)
_DEVICES = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty"})
_SCP = regex(r"(?:[A-Za-z0-9_.-]+@)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?!//)", re.ASCII)
_ASSIGNED = regex(r"([A-Za-z_][A-Za-z0-9_]*)=", re.ASCII)


@record(frozen=True, slots=True)
class ProgramCall:
    """A program's words and what its standard input is: a text, something unknown, or None for nothing given."""

    argv: tuple[Value, ...]
    stdin: Value | None = None


Reader = Callable[["Machine", ProgramCall, Parsed], bool]
READERS: dict[str, Reader] = {}
"""Programs whose words need more than roles. A reader returns True when it has dealt with the operands."""


def reader(name: str) -> Callable[[Reader], Reader]:
    """Register a reader under the name that profiles use."""

    def add(function: Reader) -> Reader:
        READERS[name] = function
        return function

    return add


HOMES = {
    "search": "search", "git-push": "git", "git-config": "git", "git-remote": "git", "git-bisect": "git",
    "git-submodule": "git", "git-checkout": "git", "git-paths": "git", "git-show": "git", "git-apply": "git", "tar": "archives",
    "unzip": "archives", "sed": "text", "awk": "text", "dd": "text", "patch": "text", "apply-patch": "text", "jq": "text",
    "print-env": "text", "shell": "wrappers", "env": "wrappers", "sudo": "wrappers", "xargs": "wrappers",
    "command": "wrappers", "watch": "wrappers", "find": "wrappers", "psql": "services", "mysql": "services",
    "redis": "services", "nc": "services", "compress": "services", "copy": "files", "curl": "network", "wget": "network",
    "interpreter": "interpreters", "deno-run": "interpreters",
}  # fmt: skip
"""The module of each reader, loaded when a command first needs it. A reader that is not named here is not found."""
MORE_ROLES = dict.fromkeys(
    (
        "sql",
        "ssh-option",
        "git-config",
        "git-dir",
        "read-context",
        "read-or-url",
        "form-file",
        "container-env",
        "path-of-worktree",
        "connect-any",
    ),
    "services",
)
"""Roles that a module of readers adds."""


def find_reader(name: str) -> Reader:
    """The reader of a name. Raises KeyError for one that is not there."""
    if name not in READERS:
        _load(HOMES[name])
    return READERS[name]


def _load(module: str) -> None:
    from importlib import import_module

    import_module(f".readers.{module}", __package__)


def program_name(text: str) -> str | None:
    """The name to look a profile up by; None for a program outside the trusted directories."""
    if "/" in text:
        if ".." in text.split("/") and not text.startswith("/"):
            raise Opaque("a program's path with `..`", "write its name, or its path from the workspace")
        text = posixpath.normpath("/" + text.lstrip("/")) if text.startswith("/") else text
    folder, slash, name = text.rpartition("/")
    if slash and folder not in TRUSTED_DIRS:
        return None
    version = _VERSION.fullmatch(name)
    return version[1] if version else name


def command_acts(machine: Machine, call: ProgramCall) -> None:
    """Record everything that a program's command line says it does."""
    try:
        name = program_name(call.argv[0].text or "")
    except Opaque as fault:
        machine.opaque(fault.why, fault.remediation, call.argv)
        return
    profile = machine.profiles(name) if name is not None else None
    if profile is None:
        machine.act("run", NOTHING, argv=call.argv, note="its effects are not known: there is no profile of it")
        return
    try:
        parsed = parse_argv(profile, call.argv)
        folders = machine.state.folders
        try:
            _acts(machine, call, parsed)
        finally:
            machine.state.folders = folders
    except Opaque as fault:
        machine.opaque(fault.why, fault.remediation, call.argv)


def _acts(machine: Machine, call: ProgramCall, parsed: Parsed) -> None:
    profile = parsed.profile
    changes = parsed.changes
    if changes.opaque:
        raise Opaque(changes.opaque)
    place = len(machine.acts)
    folders = machine.state.folders
    parsed.named.update(g.index for g in parsed.options if g.option.marked and g.index >= 0)
    for given in parsed.options:
        if given.option.role.rstrip("!") == "cwd" and given.value is not None:
            path(machine, "read", given.value)
            change_folder(machine, given.value)
    for given in parsed.options:
        if given.value is not None:
            role(machine, parsed, given.option.role, given.value, given.index)
    handled = bool(profile.reader) and find_reader(profile.reader)(machine, call, parsed)
    if not handled:
        operand_roles(machine, parsed)
    for added in (*profile.acts, *changes.acts):
        role(machine, parsed, added.role, literal(added.word) if added.word != "*" else UNKNOWN, 0)
    inside, machine.state.folders = machine.state.folders, folders
    does = len(machine.acts) > place or parsed.has("--version") or parsed.has("--help")
    free = (profile.transparent or changes.free) and does and not parsed.runs_file
    # the command itself comes first in what is shown, whatever was found on the way
    machine.act(
        "run",
        NOTHING,
        place,
        argv=call.argv,
        parsed=parsed,
        free=free,
        note="; ".join(n for n in (profile.note, *changes.notes) if n),
    )
    machine.state.folders = inside


def change_folder(machine: Machine, value: Value) -> None:
    """Options such as `git -C`: what follows is relative to another folder."""
    target = folder_text(value)
    if target is None:
        machine.state.folders = None
    elif target:
        state = machine.state
        before = state.before
        state.enter(target)
        state.before = before


def operand_roles(machine: Machine, parsed: Parsed, values: list[Value] | None = None) -> None:
    """Give each operand its role."""
    slots = parsed.profile.operands if parsed.changes.slots is None else parsed.changes.slots
    operands = parsed.operands if values is None else values
    if not operands:
        return
    if len(slots) == 1 and slots[0].repeats and slots[0].role != "command":
        name = _changed(slots[0].role, parsed.changes)
        for i, value in enumerate(operands):
            role(machine, parsed, name, value, parsed.indexes[i] if values is None else 0)
        return
    indexes = parsed.indexes if values is None else [0] * len(values)
    placed = _placed(slots, operands)
    for value, index, roles in zip(operands, indexes, placed, strict=True):
        for name in roles if roles != ("command",) else ():
            role(machine, parsed, _changed(name, parsed.changes), value, index)
    first = next((i for i, roles in enumerate(placed) if roles == ("command",)), -1)
    if first >= 0:
        machine.program(operands[first:])


def _changed(name: str, changes: CommandChanges) -> str:
    if changes.tree and f"{name}-tree" in PATH_ROLES:
        name += "-tree"
    for change in changes.roles:
        name = change.applied(name)
    return name


def _placed(slots: tuple[Slot, ...], values: list[Value]) -> list[tuple[str, ...]]:
    """The role of each operand; several when words of unknown number stand before and behind."""
    if any(s.role == "command" for s in slots):
        first = next(i for i, s in enumerate(slots) if s.role == "command")
        if any(v.many for v in values[: first + 1]):
            raise Opaque("which words are the command is not known")
        return [(slots[min(i, first)].role,) for i in range(len(values))]
    repeat = next((i for i, s in enumerate(slots) if s.repeats), len(slots))
    lead, trail = slots[:repeat], slots[repeat + 1 :]
    middle = slots[repeat].role if repeat < len(slots) else None
    count = len(values)
    if not any(v.many for v in values):
        out: list[tuple[str, ...]] = []
        behind = min(len(trail), max(0, count - len(lead)))
        for i in range(count):
            if i < len(lead):
                out.append((lead[i].role,))
            elif i >= count - behind:
                out.append((trail[len(trail) - (count - i)].role,))
            elif middle is None:
                raise Opaque("it has more operands than its profile knows")
            else:
                out.append((middle,))
        return out
    every = tuple(dict.fromkeys(s.role for s in slots))
    first = next(i for i, v in enumerate(values) if v.many)
    last = max(i for i, v in enumerate(values) if v.many)
    placed: list[tuple[str, ...]] = []
    for i in range(count):
        if i < first and i < len(lead):
            placed.append((lead[i].role,))
        elif i > last and count - i <= len(trail):
            placed.append((trail[len(trail) - (count - i)].role,))
        elif middle is not None and first >= len(lead) and (last < count - len(trail)):
            placed.append((middle,))
        else:
            placed.append(every)
    return placed


# roles


def role(machine: Machine, parsed: Parsed, name: str, value: Value, index: int) -> None:
    """Record what a word in a role does. Raises Opaque for roles that cannot be followed."""
    if name == "text":
        return
    if name.endswith("!"):
        parsed.named.add(index)
        name = name[:-1]
    if name in PATH_ROLES:
        action, tree = PATH_ROLES[name]
        path(machine, action, value, tree)
        return
    if name not in ROLES and name in MORE_ROLES:
        _load(MORE_ROLES[name])
    handler = ROLES.get(name)
    if handler is None:
        raise Opaque(f"its profile names an unknown role `{name}`")
    handler(machine, parsed, value, index)


def path(
    machine: Machine, action: str, value: Value, tree: str = "", names: str = "", like: Value | None = None
) -> None:
    """A path that is read, written or deleted; `-` and devices are none."""
    text = value.text
    if (text == "-" and action != "delete") or (text in _DEVICES and not tree) or value.parts == (Hole.PIPE,):
        return
    if text == "":
        return
    if value.parts and value.parts[-1] == Hole.BELOW:
        value, tree = Value(value.parts[:-1], value.many, value.why), tree or "existing"
        names = names or machine.found
    visible = tree == "visible"
    machine.act(action, value, tree="existing" if visible else tree, names=names, visible=visible, like=like)


def connect(machine: Machine, value: Value, method: str | None = None, scheme: str = "http") -> None:
    """A URL or host that is connected to."""
    text = value.text
    start = value.starts()
    if text is None:
        if "://" in start and "/" in start.partition("://")[2]:  # only the path is not known
            machine.act("connect", literal(_origin(start)), method=method)
            return
        machine.act("connect", Value((Hole.ANY,), False, value.why), method=method)
        return
    if text.lower().startswith("file:"):
        machine.act("read", literal(re.sub(r"(?i)^file:(?://(?:localhost)?)?", "", text)))
        return
    if "://" not in text:
        text = f"{scheme}://{text}"
    machine.act("connect", literal(text), method=method)


def _origin(start: str) -> str:
    scheme, _, rest = start.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def remote_host(value: Value) -> str | None:
    """The host of `[user@]host:path`, or None when it is a path here. Raises Opaque when it cannot be told."""
    start = value.starts()
    match = _SCP.match(start)
    if match:
        return match[1]
    if value.text is None and "/" not in start:
        raise Opaque("whether a word names another host is not known")
    return None


def _remote_path(action: str) -> Callable[[Machine, Parsed, Value, int], None]:
    def handle(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
        if "://" in value.starts():
            connect(machine, value, scheme="ssh")
            return
        host = remote_host(value)
        if host is not None:
            machine.act("connect", literal(f"ssh://{host}"))
        else:
            tree = parsed.changes.tree
            path(machine, action, value, ("existing" if action == "read" else "new") if tree else "")

    return handle


def _repository(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    """A git remote: its name, a URL, `host:path` or a folder."""
    text = value.text
    if text is None:
        if "://" in value.starts():
            connect(machine, value, scheme="https")
            return
        machine.act("connect", UNKNOWN)
        return
    if "::" in text:
        raise Opaque("a remote helper runs a program")
    if "://" in text:
        connect(machine, value, scheme="https")
    elif _SCP.match(text):
        machine.act("connect", literal(f"ssh://{remote_host(value)}"))
    elif text.startswith(("/", "./", "../", "~")) or text in {".", ".."}:
        path(machine, "read", value)
    else:
        url = dict(machine.context.remotes).get(text)
        if url is not None and ("://" in url or _SCP.match(url) or url.startswith(("/", "."))):
            _repository(machine, parsed, literal(url), index)


def _data(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    start = value.starts()
    if start.startswith("@"):
        path(machine, "read", joined([start[1:], *value.parts[1:]], False, value.why))
    elif not start and value.parts:
        path(machine, "read", UNKNOWN)


def _form(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    start = value.starts()
    _, equals, rest = start.partition("=")
    if equals and rest[:1] in {"@", "<"}:
        for file in rest[1:].partition(";")[0].split(","):
            path(machine, "read", joined([file, *value.parts[1:]], False, value.why))
    elif value.text is None and (not equals or not rest):
        path(machine, "read", UNKNOWN)


def _cookie(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    if "=" not in value.starts():
        path(machine, "read", value)


def _encoded(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    head, at, rest = value.starts().partition("@")
    if at and "=" not in head:
        path(machine, "read", joined([rest, *value.parts[1:]], False, value.why))
    elif value.text is None and "=" not in head:
        path(machine, "read", UNKNOWN)


def _upload(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    if re.search(r"[{\[]", value.starts()):
        raise Opaque("`curl` expands what it uploads")
    path(machine, "read", value)


def _code(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    parsed.named.add(index)


def _code_file(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    parsed.runs_file = True
    if value.text in _INPUTS or value.parts == (Hole.PIPE,):
        parsed.named.add(index)  # code that nobody can see
    else:
        path(machine, "read", value)


_INPUTS = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


def _package(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    """A package's name, or where it lies."""
    start = value.starts()
    for mark in ("git+", "npm:"):
        start = start.removeprefix(mark)
    if "://" in start:
        at = start.find("@") if "@" in start and start.find("@") < start.find("://") else -1
        connect(machine, joined([start[at + 1 :].strip(), *value.parts[1:]], False, value.why), scheme="https")
    elif start.startswith(("./", "../", "/", "~", "file:")):
        path(machine, "read", literal(start.removeprefix("file:")) if value.text else value)


def _script(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    text = value.text
    if text is None:
        raise Opaque("it runs a command that is not known")
    from .state import ShellState  # the state of another shell

    machine.nested(text, SH, ShellState({}, {}, machine.state.folders))


def _program(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    if value.text is None:
        raise Opaque("it runs a program that is not known")
    machine.act("run", NOTHING, argv=(value, UNKNOWN_MANY))


def _host(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    connect(machine, value, scheme="https")


def _ssh_host(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    text = value.text
    machine.act(
        "connect",
        UNKNOWN if text is None else literal(f"ssh://{text.rpartition('@')[2]}" if "://" not in text else text),
    )


def _opaque(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    raise Opaque("an option that can make it do anything")


def _setenv(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    match = _ASSIGNED.match(value.starts())
    if match is None:
        if value.text is None:
            machine.act("setenv", UNKNOWN)
        return
    if dangerous(match[1]):
        machine.act("setenv", literal(match[1]))


def _use(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    machine.act("use", value if value.text else UNKNOWN_MANY)


def _mount(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    """`source:target[:mode]` of a container: the source is in its hands."""
    start = value.starts()
    parts = list(value.parts)
    place: list[Piece] = []
    if parts and parts[0] in (Hole.CWD, Hole.HOME, Hole.TMP):
        place = [parts.pop(0)]
        start = next((p for p in parts[:1] if isinstance(p, str)), "")
    source, colon, _ = start.partition(":")
    if start.startswith("type=") and not place:
        fields = dict(f.partition("=")[::2] for f in start.split(","))
        source = fields.get("source", fields.get("src", "")) if fields.get("type") == "bind" else ""
    elif value.text is None and not colon:
        raise Opaque("what it mounts is not known")
    if place or source.startswith(("/", ".", "~")):
        whole = "".join(p for p in parts if isinstance(p, str))
        mode = "read" if whole.endswith((":ro", "readonly")) else "write"
        path(machine, mode, joined([*place, source]), "existing" if mode == "read" else "new")
    parsed.named.add(index)


def _merge(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    machine.act("merge", joined(["origin:refs/heads/", Hole.ANY]))


def _nothing(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    return None


ROLES: dict[str, Callable[[Machine, Parsed, Value, int], None]] = {
    **dict.fromkeys(("text", "cwd", "ref", "number", "pair"), _nothing),
    "url": lambda m, p, v, i: connect(m, v),
    "https": lambda m, p, v, i: connect(m, v, scheme="https"),
    "package": _package,
    "pair-read": lambda m, p, v, i: path(m, "read", v),
    "host": _host, "ssh-host": _ssh_host, "repository": _repository,
    "from": _remote_path("read"), "to": _remote_path("write"), "data": _data, "form": _form, "cookie": _cookie, "encoded": _encoded, "upload": _upload, "code": _code,
    "code-file": _code_file, "script": _script, "program": _program, "opaque": _opaque, "setenv": _setenv, "use": _use,
    "mount": _mount, "merge": _merge,
}  # fmt: skip
