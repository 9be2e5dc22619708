"""Codex's config.toml and requirements.toml, in every scope: what commands may touch, and who is asked."""

from __future__ import annotations

import os

from ..domain.record import record
from ..exports.codex import TARGET
from .codex_rules import Fault, PrefixRule, RuleSet, required_rules, rules_of
from .located import unreadable
from .located_toml import toml_of
from .paths import absolute
from .permissions import WORKSPACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..domain.errors import PolicyError, Source, Span
    from .located_toml import Toml

READ, WRITE, NONE = "read", "write", "deny"
STRENGTH = {READ: 0, WRITE: 1, NONE: 2}
"""Which of two entries for the same path holds."""
OLD_MODES = ("read-only", "workspace-write", "danger-full-access")
UNCHANGED = (".git", ".agents", ".codex")
"""What stays as it is at the top of each folder that may be written, unless a profile says otherwise."""
_MODES = {"read": READ, "write": WRITE, "deny": NONE, "none": NONE}
_ROOTS = (":workspace_roots", ":project_roots")
_ABSOLUTE = {":root": ("/",), ":minimal": tuple(TARGET.system), ":tmpdir": ("/tmp",), ":slash_tmp": ("/tmp",)}  # noqa: S108
_FULL_ACCESS = ":danger-full-access"
_BUILT_IN = {":read-only": "read-only", ":workspace": "workspace-write", _FULL_ACCESS: "danger-full-access"}


@record(frozen=True, slots=True)
class FileEntry:
    """One path of the machine and what may be done below it: of two that hold a file, the longer says.

    With a `glob` it denies what that means below the path, whatever else is said. `span` is None for what holds without
    being written.
    """

    path: str
    mode: str
    text: str
    span: Span | None
    glob: str = ""


@record(frozen=True, slots=True)
class DomainEntry:
    """One domain of a profile's network."""

    host: str
    allowed: bool
    span: Span


@record(frozen=True, slots=True)
class Unused:
    """A permission that is written and has no effect, and why."""

    text: str
    effect: str
    why: str
    span: Span


@record(frozen=True, slots=True)
class CodexSettings:
    """What files say together.

    `network` is whether commands reach the network at all, `proxied` whether Codex's own proxy compares hosts.
    `servers` are the MCP servers that requirements permit; None is all.
    """

    rules: RuleSet
    approval: str = "on-request"
    rules_ask: bool = True
    mode: str = "workspace-write"
    mode_span: Span | None = None
    trusted: bool = True
    files: tuple[FileEntry, ...] = ()
    network: bool = False
    network_span: Span | None = None
    proxied: bool = False
    limited: bool = False
    local: bool = False
    domains: tuple[DomainEntry, ...] = ()
    servers: tuple[str, ...] | None = None
    servers_span: Span | None = None
    unused: tuple[Unused, ...] = ()
    remarks: tuple[tuple[str, Span | None], ...] = ()
    configured: bool = False
    """Whether a config.toml was among the files: without one, what it says is not known."""

    @property
    def asks(self) -> bool:
        """Whether a person is asked where nothing is granted."""
        return self.approval != "never"

    @property
    def sandboxed(self) -> bool:
        """Whether commands are started in its sandbox."""
        return self.mode != "danger-full-access"


def settings_of(sources: Sequence[Source]) -> CodexSettings:
    """What files say together. Raises PolicyError for what cannot be read, or what Codex does not start with."""
    files = [s for s in sources if not s.path.endswith((".rules", ".codexpolicy"))]
    written = [s for s in sources if s.path.endswith((".rules", ".codexpolicy"))]
    required = [toml_of(s) for s in files if _rank(s.path) == _REQUIRED]
    layers = sorted((toml_of(s) for s in files if _rank(s.path) < _REQUIRED), key=lambda one: _rank(one.source.path))
    return _Resolved(layers, required, written).settings()


_SYSTEM, _USER, _PROJECT, _MANAGED, _REQUIRED = range(5)


def _rank(path: str) -> int:
    """The scope of a file by its place: what is higher overrides what is lower."""
    name = os.path.basename(path)
    if name in {"requirements.toml", "managed_config.toml"}:
        return _REQUIRED if name == "requirements.toml" else _MANAGED
    if path.startswith("/etc/codex/"):
        return _SYSTEM
    return _USER if path.startswith(("~/", f"{os.path.expanduser('~')}/.codex/")) else _PROJECT


class _Merged:
    """Several files as one: of two that say something of a key, the later one does."""

    def __init__(self, files: Sequence[Toml]) -> None:
        self._files = files

    def get(self, *path: str) -> object:
        """A value, or None; tables of several files are one."""
        found = [v for file in self._files if (v := _at(file.value, path)) is not None]
        if found and all(isinstance(one, dict) for one in found):
            return {key: value for one in found for key, value in one.items()}  # type: ignore[attr-defined]
        return found[-1] if found else None

    def table(self, *path: str) -> dict[str, object]:
        value = self.get(*path)
        return value if isinstance(value, dict) else {}

    def strings(self, *path: str) -> list[str]:
        value = self.get(*path)
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    def place(self, *path: str) -> Span | None:
        """Where the file that says it does; `path` may end in a string of the value."""
        for size in (len(path), len(path) - 1):
            for file in reversed(self._files):
                if _at(file.value, path[:size]) is not None:
                    return file.place(*path)
        return None


def _at(value: object, path: Sequence[str]) -> object:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


class _Resolved:
    """The reading of one set of files."""

    def __init__(self, layers: Sequence[Toml], required: Sequence[Toml], written: Sequence[Source]) -> None:
        self._required = _Merged(required)
        self._requirements = required
        self._written = written
        self._layers = layers
        above = _Merged([one for one in layers if _rank(one.source.path) != _PROJECT])
        self._trusted = "untrusted" not in {
            str(_at(above.get("projects", place), ("trust_level",))) for place in (WORKSPACE, os.getcwd())
        }
        self._config = _Merged([one for one in layers if self._trusted or _rank(one.source.path) != _PROJECT])
        self._all = _Merged([*required, *layers])
        self._unused: list[Unused] = []
        self._remarks: list[tuple[str, Span | None]] = []

    def settings(self) -> CodexSettings:
        approval, rules_ask = self._approval()
        mode, mode_span, profile = self._mode()
        chain = self._chain(profile) if profile else []
        if profile:
            files, network, network_span, domains = self._profile(chain, mode_span)
            mode = _FULL_ACCESS[1:] if profile == _FULL_ACCESS else ""
        else:
            files, network, network_span = self._old(mode, mode_span)
            domains = ()
            self._dead_profiles(mode_span)
        proxied = self._is_on("features", "network_proxy") or self._is_on("experimental_network")
        net = chain[-1] if chain else ""
        servers = self._required.get("mcp_servers")
        return CodexSettings(
            self._rules(), approval, rules_ask, mode, mode_span, self._trusted, (*files, *self._deny_read()), network,
            network_span, proxied, self._of(net, "network", "mode") == "limited",
            self._of(net, "network", "allow_local_binding") is True, domains,
            tuple(servers) if isinstance(servers, dict) else None, self._required.place("mcp_servers"),
            tuple(self._unused), tuple(self._remarks), bool(self._layers),
        )  # fmt: skip

    def _is_on(self, *path: str) -> bool:
        value = self._all.get(*path)
        return value is True or (isinstance(value, dict) and value.get("enabled") is True)

    def _of(self, profile: str, *path: str) -> object:
        return self._all.get("permissions", profile, *path) if profile else None

    # who is asked

    def _approval(self) -> tuple[str, bool]:
        value = self._config.get("approval_policy")
        if isinstance(value, dict):
            table = value.get("granular", value)
            table = table if isinstance(table, dict) else {}
            return ("on-request" if table.get("sandbox_approval", True) else "never"), table.get("rules", True) is True
        policy = str(value) if value in {"untrusted", "on-failure", "on-request", "never"} else "on-request"
        allowed = self._required.strings("allowed_approval_policies")
        if allowed and policy not in allowed:
            if value is not None:
                text = f"`approval_policy = {policy}` is not one that requirements permit: `{allowed[0]}` is used"
                self._remarks.append((text, self._config.place("approval_policy")))
            policy = allowed[0]
        return policy, policy != "never"

    # what commands may touch

    def _mode(self) -> tuple[str, Span | None, str]:
        """The old mode, where it is said, and the profile that is used instead of one, or nothing."""
        written, place = self._config.get("sandbox_mode"), self._config.place("sandbox_mode")
        permitted = self._required.table("allowed_permission_profiles")
        if permitted:
            if written is not None:
                why = "requirements name permission profiles, and those are used"
                self._unused.append(Unused(f"sandbox_mode = {written}", "allow", why, place))  # type: ignore[arg-type]
            named = str(self._config.get("default_permissions"))
            source = self._config
            if permitted.get(named) is not True:
                named, source = str(self._required.get("default_permissions") or ":read-only"), self._required
            return "", source.place("default_permissions"), named
        if written is not None:
            mode = str(written)
            if mode not in OLD_MODES:
                raise self._at(place, f"`sandbox_mode` is one of {', '.join(OLD_MODES)}")
            return self._permitted(mode, place), place, ""
        for source in (self._config, self._required):
            named_by = source.get("default_permissions")
            if isinstance(named_by, str):
                return "", source.place("default_permissions"), named_by
        return self._permitted("workspace-write" if self._trusted else "read-only", None), None, ""

    def _permitted(self, mode: str, place: Span | None) -> str:
        allowed = [one for one in self._required.strings("allowed_sandbox_modes") if one in OLD_MODES]
        if not allowed or mode in allowed:
            return mode
        if place is not None:
            why = f"requirements do not permit it: `{allowed[0]}` is used"
            self._remarks.append((f"`sandbox_mode = {mode}`: {why}", place))
        return allowed[0]

    def _old(self, mode: str, place: Span | None) -> tuple[list[FileEntry], bool, Span | None]:
        """The files of an old mode, and whether the network is open."""
        said = f"sandbox_mode = {mode}"
        if mode == "danger-full-access":
            return [FileEntry("/", WRITE, said, place)], True, place
        files = [FileEntry("/", READ, said, place)]
        table = self._config.table("sandbox_workspace_write")
        if mode != "workspace-write":
            if table:
                why = f"it holds in the mode `workspace-write` only, and the mode is `{mode}`"
                at = self._config.place("sandbox_workspace_write")
                self._unused.append(Unused("sandbox_workspace_write", "allow", why, at))  # type: ignore[arg-type]
            return files, False, None
        roots = [FileEntry(WORKSPACE, WRITE, said, place)]
        for root in self._config.strings("sandbox_workspace_write", "writable_roots"):
            at = self._config.place("sandbox_workspace_write", "writable_roots", root)
            roots.append(FileEntry(absolute(root), WRITE, f"writable_roots: {root}", at))
        files += _with_metadata(roots)
        if not table.get("exclude_slash_tmp"):
            files.append(FileEntry("/tmp", WRITE, said, place))  # noqa: S108
        open_ = table.get("network_access") is True
        return files, open_, self._config.place("sandbox_workspace_write", "network_access") if open_ else None

    def _chain(self, name: str) -> list[str]:
        """A profile and those that it extends, the furthest first."""
        chain: list[str] = []
        while name:
            if name in chain:
                raise self._stop(chain[-1], f"`{name[:60]}` extends itself")
            if name not in _BUILT_IN and not self._all.table("permissions", name):
                raise self._stop(chain[-1] if chain else "", f"there is no permission profile `{name[:60]}`")
            if name == _FULL_ACCESS and chain:
                raise self._stop(chain[-1], f"`{name}` is extended by no profile")
            chain.append(name)
            extends = self._of(name, "extends") if name not in _BUILT_IN else None
            name = extends if isinstance(extends, str) else ""
        return chain[::-1]

    def _stop(self, profile: str, message: str) -> PolicyError:
        where = ("permissions", profile, "extends") if profile else ("default_permissions",)
        return self._at(self._all.place(*where), message)

    def _at(self, place: Span | None, message: str) -> PolicyError:
        """The error for what Codex does not start with."""
        if place is None:
            source = (*self._layers, *self._requirements)[0].source
            return unreadable(source, 0, message)
        return unreadable(place.source, place.start, message, "", place.end)

    def _profile(
        self, chain: Sequence[str], place: Span | None
    ) -> tuple[list[FileEntry], bool, Span | None, tuple[DomainEntry, ...]]:
        """The files, the network and the domains of a profile."""
        named = chain[-1]
        if named == _FULL_ACCESS:
            return [FileEntry("/", WRITE, named, place)], True, place, ()
        roots = [WORKSPACE]
        found: dict[tuple[str, str], FileEntry] = {}
        domains: dict[str, DomainEntry] = {}
        enabled, at = False, None
        for name in chain:
            if name in _BUILT_IN:
                found[("/", "")] = FileEntry("/", READ, name, place)
                if name == ":workspace":
                    for path in (WORKSPACE, "/tmp"):  # noqa: S108
                        found[(path, "")] = FileEntry(path, WRITE, name, place)
                continue
            roots += [
                absolute(p) for p, on in self._all.table("permissions", name, "workspace_roots").items() if on is True
            ]
            for entry in self._entries(name, roots):
                found[(entry.path, entry.glob)] = entry
            network = self._all.table("permissions", name, "network")
            if "enabled" in network:
                enabled = network["enabled"] is True
                at = self._all.place("permissions", name, "network", "enabled") if enabled else None
            for host, value in self._all.table("permissions", name, "network", "domains").items():
                span = self._all.place("permissions", name, "network", "domains", host)
                domains[host] = DomainEntry(host, value == "allow", span)  # type: ignore[arg-type]
        for root in roots[1:]:  # what the workspace may, its other folders may
            if ":workspace" in chain:
                found.setdefault((root, ""), FileEntry(root, WRITE, f"workspace_roots: {root}", place))
        own = [entry for entry in found.values() if not entry.glob and entry.path in roots and entry.mode == WRITE]
        for entry in _with_metadata(own):
            found.setdefault((entry.path, ""), entry)
        return list(found.values()), enabled, at, tuple(domains.values())

    def _entries(self, profile: str, roots: Sequence[str]) -> Iterator[FileEntry]:
        table = self._all.table("permissions", profile, "filesystem")
        for key, value in table.items():
            place = self._all.place("permissions", profile, "filesystem", key)
            if isinstance(value, dict):
                for below in self._all.table("permissions", profile, "filesystem", key):
                    mode = self._all.get("permissions", profile, "filesystem", key, below)
                    at = self._all.place("permissions", profile, "filesystem", key, below)
                    yield from self._entry(key, below, mode, at, roots)
            elif isinstance(value, str):
                yield from self._entry(key, ".", value, place, roots)

    def _entry(self, key: str, below: str, value: object, at: Span | None, roots: Sequence[str]) -> Iterator[FileEntry]:
        text = f"{key} {below} = {value}" if below != "." else f"{key} = {value}"
        mode = _MODES.get(str(value))
        effect = "deny" if mode == NONE else "allow"
        written = (absolute(key),) if key[:1] in {"/", "~"} else ()
        bases = roots if key in _ROOTS else _ABSOLUTE.get(key, written)
        why = ""
        if mode is None:
            why = "a path is `read`, `write` or `deny`"
        elif not bases:
            why = "it names no place that Codex knows: an absolute path, `~/x`, or a word such as `:workspace_roots`"
        elif ".." in below.split("/") or below.startswith("/"):
            why = "what stands below a place is a path inside it, without `..`"
        sub = "" if below == "." else below.removeprefix("./").strip("/")
        while sub.endswith("/**"):
            sub = sub[:-3]
        sub = "" if sub == "**" else sub
        for base in bases if not why else ():
            plain, glob = _split_glob(f"{base.rstrip('/')}/{sub}".rstrip("/") or "/")
            if glob and mode != NONE:
                why = "a glob can only deny: `read` and `write` take a path, or `path/**`"
                break
            yield FileEntry(plain, str(mode), text, at, glob)
        if why:
            self._unused.append(Unused(text, effect, why, at))  # type: ignore[arg-type]

    def _dead_profiles(self, mode: Span | None) -> None:
        """Profiles that are written and not used: the one that is meant, with all that it says."""
        named = self._config.get("default_permissions")
        table = self._config.table("permissions")
        if isinstance(named, str) and named in table:
            shown = f"line {mode.line} of {mode.source.path}" if mode is not None else "another file"
            why = f"no profile is used, since `sandbox_mode` is set ({shown})"
            chosen = [named]
        elif table and named is None:
            why, chosen = "no `default_permissions` names its profile", [one for one in table if one != "filesystem"]
        else:
            return
        before = len(self._unused)
        for name in chosen:
            for entry in self._entries(name, [WORKSPACE]):
                if entry.span is not None:
                    effect = "deny" if entry.mode == NONE else "allow"
                    self._unused.append(Unused(f"{name}: {entry.text}", effect, why, entry.span))
            for host, value in self._config.table("permissions", name, "network", "domains").items():
                span = self._config.place("permissions", name, "network", "domains", host)
                effect = "allow" if value == "allow" else "deny"
                self._unused.append(Unused(f"{name}: {host} = {value}", effect, why, span))  # type: ignore[arg-type]
        self._unused[before:] = list(dict.fromkeys(self._unused[before:]))

    def _deny_read(self) -> Iterator[FileEntry]:
        """What requirements keep from being read, whatever a profile grants."""
        for path in self._required.strings("permissions", "filesystem", "deny_read"):
            at = self._required.place("permissions", "filesystem", "deny_read", path)
            plain, glob = _split_glob(absolute(path))
            yield FileEntry(plain, NONE, f"deny_read: {path}", at, glob or "**")

    # rules

    def _rules(self) -> RuleSet:
        """The rules of all files that count; those of a project that is not trusted do not."""
        counted = [s for s in self._written if self._trusted or _rank(s.path) != _PROJECT]
        made = rules_of(counted)
        required: list[PrefixRule] = []
        faults: list[Fault] = []
        for file in self._requirements:
            rules, wrong = required_rules(file)
            required += rules
            faults += wrong
        self._remarks += [(fault.text, fault.span) for fault in faults]
        if len(counted) < len(self._written):
            why = "the project is not trusted, and its rules are not read"
            for rule in rules_of([s for s in self._written if s not in counted]).rules:
                effect = "allow" if rule.decision == "allow" else "deny"
                self._unused.append(Unused(f"{rule.decision} {rule.shown}", effect, why, rule.span))
        return RuleSet((*made.rules, *required), made.paths, made.network, made.faults, made.unread, made.hosts)


def _with_metadata(roots: Iterable[FileEntry]) -> Iterator[FileEntry]:
    """Folders that may be written, and in each what stays as it is."""
    for root in roots:
        yield root
        for name in UNCHANGED:
            yield FileEntry(f"{root.path.rstrip('/')}/{name}", READ, f"{name} stays as it is", None)


def _split_glob(path: str) -> tuple[str, str]:
    """The part of a path before its first wildcard, and the rest."""
    parts = path.split("/")
    for i, part in enumerate(parts):
        if any(c in part for c in "*?["):
            return "/".join(parts[:i]) or "/", "/".join(parts[i:])
    return path, ""
