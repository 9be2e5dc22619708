"""Cursor's permissions: `.cursor/cli.json` of its command line, and the editor's lists, `.cursor/permissions.json`.

Neither program reads the other's (cursor.com/docs/cli/reference/permissions, cursor.com/docs/reference/permissions).
"""

from __future__ import annotations

import re

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import record
from .located import Located, json_of, object_in, strings_in, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..domain.errors import Source

SHELL, READ, WRITE, FETCH, MCP = "Shell", "Read", "Write", "WebFetch", "Mcp"
KINDS = frozenset({SHELL, READ, WRITE, FETCH, MCP})
TERMINAL = "terminalAllowlist"
LISTS = {TERMINAL: SHELL, "mcpAllowlist": MCP}
"""The editor's lists, and what they are about."""
_ENTRY = re.compile(r"(?P<kind>\w+)\((?P<spec>.*)\)", re.ASCII | re.DOTALL)
_HOMES = ("~/", "$HOME/", "${HOME}/")


@record(frozen=True, slots=True)
class CursorRule:
    """One entry.

    `dead` says why it is never consulted; `prefix` that a command is compared up to a word's end, `folded` that
    case is not.
    """

    effect: str
    kind: str
    spec: str
    text: Located
    source: Source
    dead: str = ""
    prefix: bool = False
    folded: bool = False

    @property
    def command(self) -> tuple[str, str | None]:
        """What `Shell` compares with the first word, and with the others; None for any."""
        base, colon, arguments = self.spec.partition(":")
        return base, arguments if colon else None

    @property
    def path(self) -> tuple[str, str]:
        """Where a path's glob begins, as a pattern does, and the glob. A home is read in what restricts alone."""
        for home in _HOMES:
            if self.spec.startswith(home):
                return "~/", self.spec[len(home) :]
        return ("/", self.spec[1:]) if self.spec.startswith("/") else ("", self.spec)

    @property
    def tool(self) -> tuple[str, str] | None:
        """A server's and a tool's glob; None where they are not told apart as documented."""
        server, colon, tool = self.spec.partition(":")
        if not colon and self.effect == DENY:
            server, colon, tool = self.spec.partition(",")
        return (server.strip(), tool.strip()) if colon and server.strip() and tool.strip() else None


@record(frozen=True, slots=True)
class CursorSettings:
    """What some files say: the editor's, or those of the command line."""

    rules: tuple[CursorRule, ...]
    editor: bool
    remarks: tuple[tuple[str, Source, Located | None], ...]


def read_settings(sources: Sequence[Source]) -> CursorSettings:
    """The permissions of some files. Raises PolicyError."""
    editor = all(_is_editor(source) for source in sources)
    rules: list[CursorRule] = []
    remarks: list[tuple[str, Source, Located | None]] = []
    for source in sources:
        settings = json_of(source)
        if not isinstance(settings, dict):
            raise unreadable(source, 0, "settings of Cursor are a JSON object")
        if _is_editor(source):
            rules += _editor(source, settings, remarks, alone=editor)
        else:
            rules += _lists(source, settings, "")
            mode = settings.get("approvalMode", "allowlist")
            if mode != "allowlist":
                text = f"in the mode `{mode}` other commands run as well: the policy is of the mode `allowlist`"
                remarks.append((text, source, mode if isinstance(mode, Located) else None))
    return CursorSettings(tuple(rules), editor, tuple(remarks))


def _is_editor(source: Source) -> bool:
    return source.path.endswith("permissions.json")


def _lists(source: Source, settings: dict[str, object], dead: str) -> Iterator[CursorRule]:
    """The entries of `permissions` in a file of the command line."""
    permissions = object_in(source, settings, "permissions")
    for effect in (DENY, ALLOW, ASK):
        for text in strings_in(source, permissions, effect):
            yield _rule(effect, text, source, dead or ("there is no list `ask`" if effect == ASK else ""))


def _rule(effect: str, text: Located, source: Source, dead: str) -> CursorRule:
    found = _ENTRY.fullmatch(text.strip())
    if found is None or found["kind"] not in KINDS:
        known = ", ".join(f"`{kind}(...)`" for kind in sorted(KINDS))
        return CursorRule(effect, "", "", text, source, dead or f"an entry is one of {known}")
    kind, spec = found["kind"], found["spec"].strip()
    return CursorRule(effect, kind, spec, text, source, dead or _dead(kind, spec))


def _dead(kind: str, spec: str) -> str:
    if kind == SHELL and " " in spec.partition(":")[0]:
        base, _, rest = spec.partition(" ")
        return f"`{spec}` is compared with the first word of a command: it is written `Shell({base}:{rest})`"
    if kind == SHELL and not spec.partition(":")[0]:
        return "no command has an empty first word"
    if kind == FETCH and not re.fullmatch(r"\*|(\*\.)?[\w.-]+", spec, re.ASCII):
        return "an entry about fetches is a domain alone, without scheme, port and path"
    return ""


def _editor(
    source: Source, settings: dict[str, object], remarks: list[tuple[str, Source, Located | None]], *, alone: bool
) -> Iterator[CursorRule]:
    """The entries of the editor's file."""
    other = "" if alone else "it is the editor's list, and the policy is of the command line: import it alone"
    for key, value in settings.items():
        place = key if isinstance(key, Located) else None
        if key in LISTS:
            for text in strings_in(source, settings, key, dropped=True):
                dead = other or ("" if LISTS[key] == SHELL or ":" in text else "it names no tool: `SERVER:TOOL`")
                prefix = key == TERMINAL and (":" not in text or " " in text.partition(":")[0])
                folded = LISTS[key] == MCP
                yield CursorRule(ALLOW, LISTS[key], str(text), text, source, dead, prefix=prefix, folded=folded)
        elif key == "autoRun":
            remarks.append(
                ("instructions are read by a model, in another mode: they permit nothing here", source, place)
            )
        elif key == "permissions" and isinstance(value, dict):
            remarks.append(("`permissions` is of the command line's file, and ignored in the editor's", source, place))
            yield from _lists(
                source, settings, "`permissions` is ignored in this file: it is one of `.cursor/cli.json`"
            )
        elif not key.startswith("$"):
            remarks.append((f"`{key[:60]}` is not known, and ignored", source, place))
