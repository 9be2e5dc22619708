"""Programs that talk to services: databases, ports, other hosts; and small ones with roles of their own.

From psql(1), mysql(1), sqlite3(1), redis-cli's help, nc(1), ssh_config(5), gzip(1) and git-config(1).
"""

from __future__ import annotations

import re

from ..profile import Parsed
from ..programs import ROLES, ProgramCall, path, reader, role
from ..reading import Opaque
from ..values import UNKNOWN, Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..interpret import Machine


def _connect(machine: Machine, host: Value | None, port: Value | None, default: str, fallback: str) -> None:
    text = host.text if host is not None else fallback
    number = port.text if port is not None else default
    if text is None or number is None:
        machine.act("connect", Value((Hole.ANY,)))
    elif not text.startswith(("/", "@")):
        machine.act("connect", literal(f"{text}:{number}" if ":" not in text else f"[{text}]:{number}"))


@reader("psql")
def psql(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """The host comes from an option or a URL; without one it is this machine (or `PGHOST`)."""
    if any(parsed.has(n) for n in ("-V", "-?")):
        return True
    target = parsed.value_of("-d") or (parsed.operands[0] if parsed.operands else None)
    start = target.starts() if target is not None else ""
    if "://" in start:
        authority = re.split(r"[/?]", start.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
        if target is not None and target.text is None and authority == start.partition("://")[2].rpartition("@")[2]:
            machine.act("connect", Value((Hole.ANY,)))
        elif authority:
            machine.act("connect", literal(authority if re.search(r":\d+$", authority) else f"{authority}:5432"))
    elif target is not None and ("=" in start or (not start and target.parts)):
        machine.act("connect", Value((Hole.ANY,)))
    else:
        _connect(machine, parsed.value_of("-h"), parsed.value_of("-p"), "5432", "localhost")
    _input(machine, call, parsed, parsed.has("-c") or parsed.has("-f") or parsed.has("-l"))
    return True


@reader("mysql")
def mysql(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """The host comes from an option; without one it is this machine."""
    if not any(parsed.has(n) for n in ("-V", "-?")):
        _connect(machine, parsed.value_of("-h"), parsed.value_of("-P"), "3306", "localhost")
        _input(machine, call, parsed, parsed.has("-e"))
    return True


@reader("redis")
def redis(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """The host comes from an option; without one it is this machine."""
    if not parsed.has("-u") and not any(parsed.has(n) for n in ("--version", "--help")):
        _connect(machine, parsed.value_of("-h"), parsed.value_of("-p"), "6379", "localhost")
    return True


def _input(machine: Machine, call: ProgramCall, parsed: Parsed, told: bool) -> None:
    if told:
        return
    if call.stdin is None:
        return
    _sql(machine, parsed, call.stdin, 0)


def _sql(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    text = value.text
    if text is None:
        raise Opaque("the statements are not known, and these clients have commands of their own in them")
    if re.search(
        r"(?m)^\s*[.\\]|\\[!a-z]|\b(?:readfile|writefile|load_extension|edit|fts3_tokenizer)\s*\(|(?i:\battach\b|\bprogram\b|\binto\s+(?:outfile|dumpfile)\b|\bload\s+data\b|\bvacuum\s+into\b)",
        text,
    ):
        raise Opaque("the statements hold commands of the client, or reach files")


@reader("nc")
def nc(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """`nc host port` connects; with `-l` it listens (nc(1))."""
    if not parsed.has("-l"):
        if len(parsed.operands) != 2:
            raise Opaque("where it connects to is not known")
        _connect(machine, parsed.operands[0], parsed.operands[1], "", "")
    return True


@reader("compress")
def compress(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """Each file becomes another one beside it, and goes unless `-k` keeps it (gzip(1))."""
    name = parsed.path[0]
    expands = parsed.has("-d") or name.startswith(("gun", "bun", "un"))
    for value in parsed.operands:
        path(machine, "read", value)
        if any(parsed.has(n) for n in ("-c", "-l", "-t")):
            continue
        text = value.text
        if text is None:
            machine.act("write", UNKNOWN)
        elif expands:
            path(machine, "write", literal(re.sub(r"\.(?:gz|bz2|xz|zst|lz4|tgz|Z|lzma)$", "", text)))
            path(machine, "write", literal(re.sub(r"\.tgz$", ".tar", text)))
        else:
            path(machine, "write", literal(f"{text}.{_SUFFIX.get(name, 'gz')}"))
        if not parsed.has("-k") and name not in {"zstd", "unzstd", "lz4"}:
            path(machine, "delete", value)
    return True


_SUFFIX = {"bzip2": "bz2", "xz": "xz", "zstd": "zst", "lz4": "lz4"}

_SSH_SAFE = frozenset({
    "batchmode", "stricthostkeychecking", "connecttimeout", "serveraliveinterval", "serveralivecountmax", "loglevel", "user", "port", "connectionattempts",
    "passwordauthentication", "pubkeyauthentication", "preferredauthentications", "compression", "addressfamily", "requesttty", "identitiesonly", "tcpkeepalive",
    "visualhostkey", "updatehostkeys", "numberofpasswordprompts", "hostkeyalgorithms", "kexalgorithms", "ciphers", "macs",
})  # fmt: skip


def _ssh_option(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    key = re.split(r"[ =]", value.starts(), maxsplit=1)[0].lower()
    if key not in _SSH_SAFE:
        raise Opaque(f"`-o {key[:30]}` can run programs or go elsewhere")


_GIT_SAFE = (
    "user.", "color.", "advice.", "commit.gpgsign", "tag.gpgsign", "init.defaultbranch", "core.quotepath", "core.autocrlf", "core.longpaths", "core.filemode",
    "core.safecrlf", "core.eol", "core.abbrev", "core.preloadindex", "core.commentchar", "diff.renames", "diff.algorithm", "diff.noprefix", "diff.mnemonicprefix", "diff.context",
    "diff.renamelimit", "merge.conflictstyle", "merge.renames", "pull.rebase", "pull.ff", "push.default", "rebase.autosquash", "rebase.autostash", "log.showsignature",
    "log.date", "fetch.prune", "gc.auto", "maintenance.auto", "http.version", "http.postbuffer", "http.lowspeedlimit", "http.lowspeedtime", "protocol.version",
    "column.ui", "status.", "grep.linenumber", "grep.patterntype", "pager.", "rerere.enabled", "safe.directory", "submodule.recurse", "checkout.defaultremote", "blame.",
)  # fmt: skip
_QUIET = frozenset({"", "cat", "true", ":", "less", "less -F", "less -FRX", "false"})


def _git_config(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    key, equals, rest = value.starts().partition("=")
    low = key.lower()
    if value.text is None and not equals:
        raise Opaque("a setting of git that is not known")
    if low in {"core.pager", "core.editor", "sequence.editor", "pager.log", "pager.diff"} or low.startswith("pager."):
        if value.text is not None and rest in _QUIET | {"false"}:
            return
    elif low.startswith(_GIT_SAFE):
        return
    raise Opaque(f"the setting `{key[:40]}` of git can run programs or go elsewhere")


def _git_dir(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    text = value.text
    if text is None or not (text in {".git", "./.git"} or text.endswith("/.git")):
        raise Opaque("another repository's configuration, which can run programs")
    path(machine, "read", value)


def _read_context(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    if "://" in value.starts():
        role(machine, parsed, "repository", value, index)
    else:
        path(machine, "read", value)


def _read_or_url(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    for text in (value.text or "").split(",") if value.text else [None]:
        role(machine, parsed, "https" if text and "://" in text else "read", literal(text) if text else value, index)


def _form_file(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    head, equals, rest = value.starts().rpartition("=")
    path(machine, "read", joined([rest if equals else head + rest, *value.parts[1:]], False, value.why))


def _container_env(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    start = value.starts()
    if "=" not in start:  # a bare name hands the variable of this environment in
        machine.act("use", value if value.text else UNKNOWN)


def _worktree_path(machine: Machine, parsed: Parsed, value: Value, index: int) -> None:
    first = parsed.operands[0].text if parsed.operands else None
    if first in {"add", "move"}:
        path(machine, "write", value, "own")
    elif first == "remove":
        path(machine, "delete", value, "existing")


ROLES.update({
    "sql": _sql, "ssh-option": _ssh_option, "git-config": _git_config, "git-dir": _git_dir, "read-context": _read_context, "read-or-url": _read_or_url,
    "form-file": _form_file, "container-env": _container_env, "path-of-worktree": _worktree_path,
    "connect-any": lambda m, p, v, i: m.act("connect", Value((Hole.ANY,))),
})  # fmt: skip
