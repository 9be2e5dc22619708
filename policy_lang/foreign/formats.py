"""The permission files that are known: which client's a file is, and what reads it."""

from __future__ import annotations

import importlib
import os
from fnmatch import fnmatchcase

from ..domain.errors import Source
from ..domain.limits import limit
from ..domain.record import record
from ..syntax.emit import UnsayableError
from .located import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..ir.model import Rule
    from .permissions import Permissions


@record(frozen=True, slots=True)
class ClientWriter:
    """How a client's permissions are written.

    `spell` gives the texts of permissions for one pattern of a rule, none where the format cannot say it; a restriction
    may be said with more than was meant, a grant not. `text` is the file, of effects and such texts in their order,
    with what else stands in the one that is there. `name` is what the format's reader calls such a permission.
    """

    spell: Callable[[str, str, str, Rule], Sequence[str]]
    text: Callable[[Sequence[tuple[str, str]], str], str]
    name: Callable[[str, str], str] = "{} {}".format
    most: str = "client_permissions"
    """The limit of how many such permissions are read."""


@record(frozen=True, slots=True)
class Format:
    """A client's format: its module of this package, and the names of its files as globs of the path's end."""

    name: str
    title: str
    module: str
    files: tuple[str, ...]
    writing: str = ""
    """The module that writes it; empty for what is not written."""
    place: str = ""
    """Where it usually lies, seen from a workspace."""
    nothing: str = "{}"
    """The text of a file that says nothing."""
    scopes: tuple[str, ...] = ()
    """Where a written one's like may lie, as globs seen from a workspace: what the client reads together with it."""

    def writer(self) -> ClientWriter:
        """What writes it."""
        found: ClientWriter = importlib.import_module(f".{self.writing}", __package__).WRITER
        return found

    def empty(self, path: str) -> Source:
        """A file that says nothing."""
        return Source(path, self.nothing)

    def read(self, sources: Sequence[Source]) -> Permissions:
        """What files say together. Raises PolicyError for what is no such file."""
        try:
            found: Permissions = importlib.import_module(f".{self.module}", __package__).permissions(sources)
        except UnsayableError as error:
            raise unreadable(sources[0], 0, f"a permission has a text that no policy can hold: {error}") from None
        most = limit("client_permissions")
        if sum(one.span is not None for one in found.entries) > most:
            raise unreadable(sources[0], 0, f"these are more than {most} permissions")
        return found


_NO_SRT = (
    '{"network": {"allowedDomains": [], "deniedDomains": []},'
    ' "filesystem": {"denyRead": [], "allowWrite": [], "denyWrite": []}}'
)
FORMATS = (
    Format("claude", "Claude Code", "claude", (
        ".claude/settings*.json", "claude-code/managed-settings.json", "managed-settings.d/*.json",
        "ClaudeCode/managed-settings.json",
    ), "claude_writing", ".claude/settings.json", scopes=(
        ".claude/settings.json", ".claude/settings.local.json", "~/.claude/settings.json",
        "/etc/claude-code/managed-settings.json", "/etc/claude-code/managed-settings.d/*.json",
    )),
    Format(
        "codex-rules", "Codex", "codex", (".codex/rules/*.rules", "codex/rules/*.rules"),
        "codex_writing", ".codex/rules/policy.rules", "",
        (".codex/rules/*.rules", "~/.codex/rules/*.rules", "/etc/codex/rules/*.rules"),
    ),
    Format("codex-permissions", "Codex", "codex", (
        ".codex/config.toml", "codex/config.toml", "codex/requirements.toml", "codex/managed_config.toml",
    ), nothing=""),
    Format("srt", "srt", "srt", ("*srt-settings.json",), nothing=_NO_SRT),
    Format(
        "opencode", "opencode", "opencode", ("opencode.json", "opencode.jsonc", ".opencode/opencode.json*"),
        "opencode_writing", "opencode.json", scopes=(
            "opencode.json*", ".opencode/opencode.json*", "~/.config/opencode/opencode.json*",
            "/etc/opencode/opencode.json*",
        ),
    ),
    Format("cursor", "Cursor", "cursor", (
        ".cursor/cli.json", ".cursor/cli-config.json", ".cursor/permissions.json", "cursor/cli-config.json",
    ), "cursor_writing", ".cursor/cli.json", scopes=(".cursor/cli.json", "~/.cursor/cli-config.json")),
    Format("copilot", "Copilot CLI", "copilot", (
        "copilot.flags", ".copilot/settings.json", ".copilot/config.json", ".copilot/permissions-config.json",
        ".github/copilot/settings*.json",
    ), "copilot_writing", "copilot.flags", ""),
    Format("gemini", "Gemini CLI", "gemini", (
        ".gemini/policies/*.toml", "gemini-cli/policies/*.toml", ".gemini/settings.json", "gemini-cli/settings.json",
    ), "gemini_writing", "~/.gemini/policies/policy.toml", "", (
        "~/.gemini/policies/*.toml", "/etc/gemini-cli/policies/*.toml", ".gemini/settings.json",
        "~/.gemini/settings.json", "/etc/gemini-cli/settings.json",
    )),
)  # fmt: skip
WRITTEN = tuple(one.name for one in FORMATS if one.writing)
"""What can be written."""
NAMES = tuple(one.name for one in FORMATS)


def format_named(name: str) -> Format:
    """One of `NAMES`."""
    return next(one for one in FORMATS if one.name == name)


def format_of(path: str) -> Format | None:
    """The format of a file by its name; None when it is nobody's."""
    shown = os.path.abspath(path)
    return next((one for one in FORMATS if any(fnmatchcase(shown, f"*/{glob}") for glob in one.files)), None)
