"""Anthropic's sandbox-runtime (`srt`): its settings as rules of this language, as they hold on Linux.

It has no rules for commands: every command runs in its sandbox, so all are granted `when confined`, and answers are
compared behind walls. Reads are open but for `denyRead`, into which `allowRead` gives back; writes and hosts are closed
but for what is listed. Relative paths are of the folder that it is started in. What must not be read cannot be changed
either: an empty folder or file lies in its place.
"""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import urlsplit

from ..automata.pattern import quoted
from ..domain.actions import ALLOW, DENY
from ..domain.record import record
from ..exports.srt import FILES, FOLDERS
from ..syntax import emit
from .ignore_globs import matches
from .located import Located, json_of, misplaced, span_of, unreadable
from .paths import absolute, begin_of, folder_pattern, or_unsaid
from .permissions import EXACT, IDLE, NARROWER, WORKSPACE, ClientRequest, Permission, Permissions, said, tries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..domain.errors import Source, Span

NAME, TITLE = "srt", "srt"
_REQUIRED = {"network": ("allowedDomains", "deniedDomains"), "filesystem": ("denyRead", "allowWrite", "denyWrite")}
"""Lists without which it refuses a file."""
_KNOWN = {
    "": {
        "network", "filesystem", "ignoreViolations", "credentials", "mandatoryDenySearchDepth",
        "enableWeakerNestedSandbox", "enableWeakerNetworkIsolation",
        "allowAppleEvents", "windows", "allowPty", "ripgrep", "seccomp",
    },
    "network": {
        "allowedDomains", "deniedDomains", "deniedDomainReasons", "deniedResolvedAddresses", "allowLocalBinding",
        "allowUnixSockets", "allowAllUnixSockets", "httpProxyPort", "socksProxyPort", "tlsTerminate", "parentProxy",
        "mitmProxy", "strictAllowlist", "allowMachLookup",
    },
    "filesystem": {"denyRead", "allowRead", "allowWrite", "denyWrite", "disabled", "allowGitConfig"},
}  # fmt: skip
_DOMAIN = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|\*|(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?)(?::(?P<port>\d{1,5}))?", re.ASCII
)
_GLOB = re.compile(r"[*?\[\]]")
_PROTECTED_DEPTH = 3
"""How deep below the start folder it looks for what is never written (`mandatoryDenySearchDepth`)."""


@record(frozen=True, slots=True)
class _Path:
    """One path of a list. With a `glob` it means what that does below the path."""

    text: Located
    path: str
    glob: str

    def means(self, path: str) -> bool:
        """Whether it holds a path: it is that, or lies in it."""
        if self.path not in {"/", path} and not path.startswith(f"{self.path}/"):
            return False
        below = [part for part in path[len(self.path) :].split("/") if part]
        return not self.glob or matches(self.glob, below)

    @property
    def pattern(self) -> str:
        """The pattern for all that it holds."""
        if not self.glob:
            return folder_pattern(self.path)
        base, rest = begin_of(self.path)
        above = "".join(f"{quoted(part)}/" for part in rest.split("/") if part)
        glob = "/".join(part if part == "**" else part.replace("**", "*") for part in self.glob.split("/"))
        return f"{base}{above}{glob}" + ("" if glob.endswith("**") else "/")


@record(frozen=True, slots=True)
class _SrtSettings:
    """A file's lists."""

    source: Source
    lists: dict[str, tuple[_Path, ...]]
    allowed: tuple[Located, ...]
    denied: tuple[Located, ...]
    open_files: bool
    """Whether `filesystem.disabled` takes all limits off."""


def permissions(sources: Sequence[Source]) -> Permissions:
    """What settings say: of several files the last, since it reads one. Raises PolicyError for what it would refuse."""
    remarks: list[tuple[str, Span | None]] = []
    for source in sources[:-1]:
        _read(source)
        remarks.append((f"srt reads one file of settings: `{source.path}` is not used", None))
    settings, unknown = _read(sources[-1])
    remarks += unknown
    entries = [*_own(settings), *_files(settings), *_hosts(settings)]
    return Permissions(
        NAME, TITLE, tuple(sources), tuple(entries), _Model(settings), False, tuple(remarks), confined=True
    )


def _read(source: Source) -> tuple[_SrtSettings, list[tuple[str, Span | None]]]:
    value = json_of(source)
    if not isinstance(value, dict):
        raise unreadable(source, 0, "settings of srt are a JSON object")
    found: dict[str, list[Located]] = {}
    tables: dict[str, dict[str, object]] = {"": value}
    for name, keys in _REQUIRED.items():
        table = value.get(name)
        if not isinstance(table, dict):
            raise misplaced(source, value, name, f"srt refuses settings without an object `{name}`")
        tables[name] = table
        for key in (*keys, "allowRead") if name == "filesystem" else keys:
            listed = table.get(key, None if key in keys else [])
            if not isinstance(listed, list):
                raise misplaced(source, table, key, f"srt refuses settings without a list `{name}.{key}`")
            wrong = next((i for i, one in enumerate(listed) if not isinstance(one, Located) or not one), None)
            if wrong is not None:
                message = f"`{name}.{key}` holds something that is not a string, or is empty"
                raise misplaced(source, listed, wrong, message)
            found[key] = listed
    for key in _REQUIRED["network"]:
        for one in found[key]:
            if not _is_domain(one, key == "allowedDomains"):
                help_ = "a name such as `a.example`, `*.example.org`, `a.example:443`"
                raise unreadable(source, one.start, f"srt refuses `{one[:60]}` in `{key}`", help_, one.end)
    unknown: list[tuple[str, Span | None]] = [
        (f"srt knows no `{key}`" + (f" in `{name}`" if name else ""), span_of(source, key))
        for name, table in tables.items()
        for key in table
        if key not in _KNOWN[name]
    ]
    lists = {
        key: tuple(_path(one) for one in found[key]) for key in ("denyRead", "allowRead", "allowWrite", "denyWrite")
    }
    disabled = tables["filesystem"].get("disabled") is True
    return (
        _SrtSettings(source, lists, tuple(found["allowedDomains"]), tuple(found["deniedDomains"]), disabled),
        unknown,
    )


def _is_domain(text: str, allowed: bool) -> bool:
    """Whether a domain can be listed: to allow all names, or all of a top level, is refused."""
    parts = _DOMAIN.fullmatch(text)
    if parts is None:
        return False
    host = parts["host"].rstrip(".")
    if not allowed:
        return True
    return (
        host != "*"
        and (not host.startswith("*.") or "." in host[2:])
        and ("." in host or ":" in host or host == "localhost")
    )


def _path(text: Located) -> _Path:
    shown = text[:-3] if text.endswith("/**") and len(text) > 3 else str(text)
    parts = absolute(shown).split("/")
    for i, part in enumerate(parts):
        if _GLOB.search(part):
            return _Path(text, "/".join(parts[:i]) or "/", "/".join(parts[i:]))
    return _Path(text, "/".join(parts), "")


@record(frozen=True, slots=True)
class _Model:
    """Settings as answers: allow or deny, since nobody is asked."""

    settings: _SrtSettings

    def __call__(self, asked: ClientRequest) -> str:
        """The answer to one request."""
        if asked.action in {"run", "setenv"}:
            return ALLOW
        if asked.action == "connect":
            return ALLOW if self._connects(asked.resource) else DENY
        if asked.action not in {"read", "write", "delete"}:
            return DENY
        path = absolute(asked.resource)
        if self.settings.open_files:
            return ALLOW
        found = self._reads(path) if asked.action == "read" else self._writes(path)
        return ALLOW if found else DENY

    def _reads(self, path: str, *, globs: bool = True) -> bool:
        """Of the lists that hold a path, the longer entry says; where both are as long, it may be read."""
        lists = self.settings.lists
        means = (one for one in lists["denyRead"] if one.means(path) and (globs or not one.glob))
        denied = max((len(one.path) + len(one.glob) for one in means), default=-1)
        given = max((len(one.path) + len(one.glob) for one in lists["allowRead"] if one.means(path)), default=-1)
        return given >= denied

    def _writes(self, path: str) -> bool:
        lists = self.settings.lists
        if any(one.means(path) for one in lists["denyWrite"] if not one.glob) or _is_protected(path):
            return False
        if not self._reads(path, globs=False):  # in the place of what a glob denies lies something only if it is there
            return False
        return any(one.means(path) for one in lists["allowWrite"] if not one.glob)

    def _connects(self, url: str) -> bool:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or {"http": 80, "ws": 80}.get(parts.scheme, 443)
        if any(_domain_means(one, host, port) for one in self.settings.denied):
            return False
        return any(_domain_means(one, host, port) for one in self.settings.allowed)


def _domain_means(text: str, host: str, port: int) -> bool:
    parts = _DOMAIN.fullmatch(text)
    if parts is None or (parts["port"] and int(parts["port"]) != port):
        return False
    name = parts["host"].strip("[]").rstrip(".").lower()
    return name in {"*", host} or (name.startswith("*.") and host.endswith(name[1:]))


def _is_protected(path: str) -> bool:
    """Whether a path is one that it never lets be written below the start folder."""
    if not path.startswith(f"{WORKSPACE}/"):
        return False
    parts = path[len(WORKSPACE) + 1 :].split("/")
    for depth in range(min(len(parts), _PROTECTED_DEPTH + 1)):
        rest = "/".join(parts[depth:])
        if parts[depth] in FILES or any(f"{rest}/".startswith(f"{name}/") for name in (*FOLDERS, ".git/config")):
            return True
    return False


def _own(settings: _SrtSettings) -> list[Permission]:
    """What holds without an entry."""
    confined = emit.compare("confined", "truth")
    rules = (said(ALLOW, ["run"], ["**"], when=confined), said(ALLOW, ["setenv"], ["*"], when=confined))
    out = [Permission("every command, in its sandbox", ALLOW, rules, tries=tries("run", "make all", "MODE=1 a | b"))]
    if settings.open_files:
        rule = said(ALLOW, ["read", "write", "delete"], ["/**"])
        text = "filesystem.disabled: files are not limited"
        return [*out, Permission(text, ALLOW, (rule,), tries=tries("write", "a.txt", "/etc/hosts"))]
    rule = said(ALLOW, ["read"], ["/**"])
    out.append(Permission("reads", ALLOW, (rule,), tries=tries("read", "a.txt", "~/a.txt", "/etc/hosts")))
    places = [*(f"**/{name}" for name in FILES), *(f"**/{name}/" for name in (*FOLDERS, ".git/config"))]
    never = said(DENY, ["write", "delete"], places)
    asked = tries("write", ".bashrc", "a/.git/hooks/x", ".git/config", "a/.vscode/x")
    out.append(Permission("places that are never written", DENY, (never,), tries=asked))
    return out


def _files(settings: _SrtSettings) -> list[Permission]:
    """The entries about paths."""
    out = []
    for name, listed in settings.lists.items():
        for one in listed:
            text, span = f"{name}: {one.text}", span_of(settings.source, one.text)
            effect = ALLOW if name.startswith("allow") else DENY
            if settings.open_files:
                why = "`filesystem.disabled` takes the limits off"
                out.append(Permission(text, effect, fit=IDLE, why=why, span=span))
            elif name.endswith("Write") and one.glob:
                out.append(
                    Permission(
                        text, effect, fit=IDLE, why="on Linux a path with wildcards is passed over here", span=span
                    )
                )
            else:
                make = partial(_file, settings, name, one, text, span)
                out.append(or_unsaid(text, effect == DENY, span, make))
    return out


def _file(settings: _SrtSettings, name: str, one: _Path, text: str, span: Span | None) -> Permission:
    lists = settings.lists
    why, fit, misread = "", EXACT, ""
    if name == "denyRead":
        given = [other.pattern for other in lists["allowRead"] if _within(other, one)]
        rules = [said(DENY, ["read"] if one.glob else ["read", "write", "delete"], [one.pattern], exclude=given)]
        if one.glob:
            misread = "denies, on Linux, what is there when srt starts: a file that is made later it does not"
            if not one.glob.startswith("**") and "/" not in one.glob and one.path == WORKSPACE:
                misread += "; and it means this folder alone, none below it"
    elif name == "allowRead":
        rules = [said(ALLOW, ["read"], [one.pattern])]
        over = [other for other in lists["denyRead"] if not _within(one, other) and _holds(other, one)]
        if over:
            fit, why = NARROWER, "what is denied by an entry with wildcards stays denied here"
    elif name == "allowWrite":
        rules = [said(ALLOW, ["write", "delete"], [one.pattern])]
    else:
        rules = [said(DENY, ["write", "delete"], [one.pattern])]
    action = "read" if name.endswith("Read") else "write"
    base = f"{one.path.rstrip('/')}/{one.glob}".rstrip("/").replace("**", "a/b").replace("*", "x").replace("?", "y")
    places = [base or "/", f"{base}/in.txt", f"{base}/deep/er/a", f"{base}q/a", f"{base}q"]
    asked = tries(action, *places) + (tries("write", *places[:2]) if name == "denyRead" else ())
    return Permission(text, DENY if name.startswith("deny") else ALLOW, tuple(rules), fit, why, asked, span, misread)


def _within(inner: _Path, outer: _Path) -> bool:
    """Whether a path is given back by being the longer: it lies in the other one, and no wildcard is about."""
    if outer.glob:
        return False
    return inner.path == outer.path or inner.path.startswith(f"{outer.path.rstrip('/')}/")


def _holds(outer: _Path, inner: _Path) -> bool:
    """Whether a path with wildcards may hold some of another's."""
    return bool(outer.glob) and (inner.path.startswith(outer.path.rstrip("/") + "/") or inner.path == outer.path)


def _hosts(settings: _SrtSettings) -> list[Permission]:
    """The entries about hosts."""
    out = []
    for effect, name, listed in ((ALLOW, "allowedDomains", settings.allowed), (DENY, "deniedDomains", settings.denied)):
        for text in listed:
            parts = _DOMAIN.fullmatch(text)
            host, port = (parts["host"].lower(), parts["port"]) if parts else ("", "")
            shown = "**" if host == "*" else host.rstrip(".")
            plain = host.replace("*.", "a.").rstrip(".") if host != "*" else "example.com"
            rule = said(effect, ["connect"], [f"{shown}:{int(port) if port else '*'}"], methods=())
            asked = tries(
                "connect", f"https://{plain}/", f"http://{plain}:8080/a", f"https://b.{plain}/",
                f"https://{plain.removeprefix('a.')}/", f"https://{plain}.evil.example/",
            )  # fmt: skip
            out.append(Permission(f"{name}: {text}", effect, (rule,), tries=asked, span=span_of(settings.source, text)))
    return out
