"""A model of Cursor's answers to requests, by its documents.

Its documents say nothing of compound commands: here each command of them is compared, and the strictest answer holds.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import record
from .cursor_rules import FETCH, MCP, READ, SHELL, WRITE, CursorRule, CursorSettings
from .paths import absolute, inside
from .permissions import HOME, WORKSPACE, ClientRequest, strictest
from .plain_globs import fits, parts_of
from .shell_text import SimpleText, simple_commands
from .text_globs import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


@record(frozen=True, slots=True)
class CursorModel:
    """Entries as answers. Called with a request, it says allow, ask or deny."""

    settings: CursorSettings

    def __call__(self, asked: ClientRequest) -> str:
        """The answer to one request."""
        if asked.action == "run":
            commands = simple_commands(asked.resource)
            if commands is None:
                return ASK
            return strictest((self._ruled(SHELL, _command(one)) or ASK for one in commands), ASK)
        if asked.action in {"read", "write", "delete"}:
            path = absolute(asked.resource)
            free = inside(path) and (asked.action == "read" or self.settings.editor)
            kind = READ if asked.action == "read" else WRITE
            return self._ruled(kind, lambda rule: means_path(rule, path)) or (ALLOW if free else ASK)
        if asked.action == "connect":
            url = asked.resource if "://" in asked.resource else f"//{asked.resource}"
            host = (urlsplit(url).hostname or "").rstrip(".")
            return self._ruled(FETCH, lambda rule: matches(rule.spec.lower(), host)) or ASK
        if asked.action == "call":
            return self._ruled(MCP, lambda rule: _tool(rule, asked.resource)) or ASK
        return ASK

    def _ruled(self, kind: str, fitting: Callable[[CursorRule], bool]) -> str | None:
        """Deny before allow."""
        found = {r.effect for r in self.settings.rules if r.kind == kind and not r.dead and fitting(r)}
        return DENY if DENY in found else ALLOW if ALLOW in found else None


def _command(command: SimpleText) -> Callable[[CursorRule], bool]:
    behind = [f"> {place}" for place in command.outputs]
    written = [*(f"{name}=x" for name in command.assigned), *command.texts, *behind]

    def means(rule: CursorRule) -> bool:
        texts = written if rule.effect == ALLOW else [*command.texts, *behind]
        if rule.prefix:
            text = " ".join(texts)
            return text == rule.spec or text.startswith(f"{rule.spec} ")
        base, arguments = rule.command
        return matches(base, texts[0] if texts else "") and (
            arguments is None or matches(arguments, " ".join(texts[1:]))
        )

    return means


def means_path(rule: CursorRule, path: str) -> bool:
    """Whether an entry about paths means one, which is absolute."""
    base, glob = rule.path
    if base == "~/" and rule.effect == ALLOW:
        return False
    root = {"": WORKSPACE, "~/": HOME}.get(base, "")
    if not path.startswith(f"{root}/"):
        return False
    return fits(glob, parts_of(path[len(root) :]))


def _tool(rule: CursorRule, name: str) -> bool:
    server, _, tool = name.partition(".")
    found = rule.tool
    if found is None:
        return False
    if rule.folded:
        found, server, tool = (found[0].lower(), found[1].lower()), server.lower(), tool.lower()
    return matches(found[0], server) and matches(found[1], tool)
