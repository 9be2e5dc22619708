"""Claude Code's permission rules: `Tool` and `Tool(specifier)` (code.claude.com/docs/en/permissions)."""

from __future__ import annotations

import os
import re

from ..domain.record import record, replace
from .located import Located, object_in, object_of, span_of, strings_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..domain.errors import Source, Span

EFFECTS = ("deny", "ask", "allow")
"""In the order in which they are looked at: the first that fits decides."""
READS = frozenset({"Read"})
EDITS = frozenset({"Edit"})
WRITES = frozenset({"Write", "MultiEdit", "NotebookEdit"})
"""Tools that write: named without a path, a rule is about all that they write."""
SHELLS = frozenset({"Bash"})
IDLE_PATHS = frozenset({"Write", "MultiEdit", "NotebookEdit", "NotebookRead", "Glob", "Grep", "LS"})
"""Tools whose rules about paths are accepted and never looked at: `Edit` and `Read` rules are, for all of them."""
_MANAGED_ONLY = "allowManagedPermissionRulesOnly"
_BLOCKED = "blockReadsOutsideWorkingDirectories"
_BESIDE = frozenset({_MANAGED_ONLY, "sandbox", "hooks", "env", "allowManagedDomainsOnly"})
_KEYS = _BESIDE | {
    "allow", "ask", "deny", "defaultMode", "additionalDirectories", "disableBypassPermissionsMode", "disableAutoMode",
    _BLOCKED,
}  # fmt: skip
MODES = ("default", "acceptEdits", "plan", "dontAsk", "auto", "bypassPermissions")
_RULE = re.compile(r"(?P<tool>[A-Za-z_*][\w*.-]*)(?:\((?P<spec>.*)\))?", re.ASCII | re.DOTALL)


@record(frozen=True, slots=True)
class ClaudeRule:
    """One rule. `spec` is None where only a tool is named."""

    effect: str
    tool: str
    spec: str | None
    text: Located
    source: Source


@record(frozen=True, slots=True)
class ClaudeSettings:
    """What one or several settings files say of permissions: every scope's rules count."""

    rules: tuple[ClaudeRule, ...]
    mode: str
    folders: tuple[tuple[Source, Located], ...]
    remarks: tuple[tuple[str, Span | None], ...] = ()
    sandboxed: bool = False
    """Whether commands run unasked in the client's own sandbox."""
    managed_only: bool = False
    """Whether only the rules of managed settings count; the others are kept here, and are idle."""
    blocked_outside: bool = False
    """Whether reads outside the folders are denied, whatever is granted."""

    counted: tuple[ClaudeRule, ...] = ()
    """The rules that count."""

    def why_idle(self, rule: ClaudeRule) -> str:
        """Why a rule does not count; empty for one that does."""
        if os.path.basename(rule.source.path).startswith("."):
            return "a hidden file is not read"
        if self.managed_only and not is_managed(rule.source.path):
            return "managed settings say `allowManagedPermissionRulesOnly`"
        if rule.spec == "" and rule.effect == "allow":
            return "nothing stands in its parentheses"
        return ""


def is_managed(path: str) -> bool:
    """Whether a file is one of an administrator's."""
    return path.startswith(("/etc/claude-code/", "/Library/Application Support/ClaudeCode/"))


def rule_of(effect: str, text: Located, source: Source) -> ClaudeRule | None:
    """A rule's parts; None for a text that is no rule."""
    found = _RULE.fullmatch(text.strip())
    return None if found is None else ClaudeRule(effect, found["tool"], found["spec"], text, source)


def anchor(rule: ClaudeRule) -> tuple[str, str, bool]:
    """Where a path rule begins (as a pattern's beginning), its glob below, and whether it means any depth there.

    `//x` is absolute, `~/x` in the home, `/x` in the folder of the settings, which is the workspace for a project's. A
    name alone means any depth below the working folder, and so does `name/**` in a rule that restricts.
    """
    spec = rule.spec or ""
    if spec.startswith("//"):
        return "/", spec[2:], False
    if spec == "~" or spec.startswith("~/"):
        return "~/", spec[2:], False
    if spec.startswith("/"):
        return _own_folder(rule.source), spec[1:], False
    glob = spec.removeprefix("./")
    name, _, rest = glob.rstrip("/").partition("/")
    return "", glob, not rest or (rest == "**" and "*" not in name and rule.effect != "allow")


def _own_folder(source: Source) -> str:
    """The folder of `/` in a file: the home's for a user's settings, else the workspace, for managed ones too."""
    path = os.path.normpath(source.path)
    return "~/.claude/" if path.startswith("~/") or _in_home(path) else ""


def _in_home(path: str) -> bool:
    """Whether a file lies in the home's `.claude`, and is a user's own."""
    return os.path.abspath(path).startswith(f"{os.path.expanduser('~')}/.claude/")


def read_settings(sources: list[tuple[Source, object]]) -> ClaudeSettings:
    """The permissions of some settings. Raises PolicyError for what Claude Code would refuse as well."""
    rules: list[ClaudeRule] = []
    folders: list[tuple[Source, Located]] = []
    remarks: list[tuple[str, Span | None]] = []
    for source, settings in sources:
        permissions = object_in(source, _settings(source, settings), "permissions")
        names = strings_in(source, permissions, "additionalDirectories")
        folders += [(source, name) for name in names]
        remarks += [
            (f"`{key}` is not a setting of permissions, and nobody reads it", span_of(source, key))
            for key in permissions
            if key not in _KEYS
        ]
        remarks += [
            (f"`{key}` stands in `permissions`, and is read beside it alone", span_of(source, key))
            for key in permissions
            if key in _BESIDE
        ]
        remarks += _mode_remarks(source, permissions.get("defaultMode"))
        for effect in EFFECTS:
            for text in strings_in(source, permissions, effect):
                rule = rule_of(effect, text, source)
                if rule is None:
                    remarks.append((f"`{text[:60]}` is not a permission rule: it is skipped", span_of(source, text)))
                else:
                    rules.append(rule)
    ranked = sorted(sources, key=lambda one: _rank(one[0].path))
    found = ClaudeSettings(
        tuple(rules), _mode(ranked), tuple(folders), tuple(remarks),
        _sandboxed(ranked),
        any(is_managed(one.path) and _settings(one, given).get(_MANAGED_ONLY) is True for one, given in sources),
        any(object_in(one, _settings(one, given), "permissions").get(_BLOCKED) is True for one, given in sources),
    )  # fmt: skip
    return replace(found, counted=tuple(rule for rule in found.rules if not found.why_idle(rule)))


def _settings(source: Source, value: object) -> dict[str, object]:
    return object_of(source, value, "settings of Claude Code", 'write `{"permissions": {...}}`')


def _rank(path: str) -> int:
    """How weak a file's settings are: an administrator's hold before local, project's and user's ones."""
    if is_managed(path):
        return 0
    return 1 if path.endswith("settings.local.json") else 3 if path.startswith("~/") or _in_home(path) else 2


def _mode(ranked: list[tuple[Source, object]]) -> str:
    """The mode that sessions begin in: the strongest file's that may say so."""
    for source, settings in ranked:
        mode = str(object_in(source, _settings(source, settings), "permissions").get("defaultMode", ""))
        if mode in MODES:  # one that may not say so hides the weaker ones all the same
            return mode if mode not in _PERSONAL or _rank(source.path) in {0, 3} else "default"
    return "default"


def _mode_remarks(source: Source, mode: object) -> Iterator[tuple[str, Span | None]]:
    """What is to be said of a mode that nobody reads."""
    place = span_of(source, mode)
    if mode is not None and mode not in MODES:
        yield f"`{str(mode)[:40]}` is not a mode, and nobody reads it", place
    elif mode in _PERSONAL and _rank(source.path) not in {0, 3}:
        yield f"the mode `{mode}` is not taken from this file: another version may take it", place


_PERSONAL = frozenset({"auto", "bypassPermissions"})
"""Modes that a repository may not set for the people who open it."""


def _sandboxed(ranked: list[tuple[Source, object]]) -> bool:
    """Whether commands run unasked in the sandbox: the strongest file that says it decides each setting.

    Without `autoAllowBashIfSandboxed` they are asked about (2.1.332); where some are kept out of the sandbox, as if all
    were.
    """
    given: dict[str, object] = {}
    for _, settings in ranked:
        sandbox = settings.get("sandbox") if isinstance(settings, dict) else None
        if isinstance(sandbox, dict):
            given = {**sandbox, **given}
    return (
        given.get("enabled") is True
        and given.get("autoAllowBashIfSandboxed") is True
        and not given.get("excludedCommands")
    )
