"""A model of Copilot CLI's answers to requests, by its documents.

Three things are asked for, each on its own: tools, paths, URLs. Of compound commands each part is compared.
"""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import record
from .copilot_flags import CopilotSettings, Flag
from .paths import absolute, inside
from .permissions import WORKSPACE, ClientRequest, strictest
from .shell_text import SimpleText, simple_commands

READING = ("ls", "cat", "echo", "pwd", "head", "tail", "grep", "wc", "which", "diff", "stat", "du")
"""Programs that it runs unasked, as long as they only read."""
WITH_COMMANDS = frozenset({"git", "gh"})
"""Programs that are known by their first word too: `git push`."""
KINDS = frozenset({"shell", "write", "read", "url", "memory"})
TOOLS = {
    "read": ("view",),
    "write": ("create", "edit", "apply_patch"),
    "run": ("bash", "shell"),
    "connect": ("web_fetch",),
}
"""The tools behind an action: it is gone where none of them is shown."""
TEMPORARY = "/tmp"  # noqa: S108 (its documented default)
_FETCHERS = frozenset({"curl", "wget", "fetch"})


@record(frozen=True, slots=True)
class CopilotModel:
    """Flags as answers. Called with a request, it says allow, ask or deny."""

    settings: CopilotSettings

    def __call__(self, asked: ClientRequest) -> str:
        """The answer to one request."""
        answer = self._answer(asked)
        return DENY if answer == ASK and self.settings.headless else answer

    def _answer(self, asked: ClientRequest) -> str:
        if hidden(self.settings, asked.action):
            return DENY
        if asked.action == "run":
            commands = simple_commands(asked.resource)
            if commands is None:
                return ASK
            return strictest((self._command(one) for one in commands), ASK)
        if asked.action in {"read", "write", "delete"}:
            return self._path("read" if asked.action == "read" else "write", absolute(asked.resource))
        if asked.action == "connect":
            return self._url(asked.resource)
        if asked.action == "call":
            server, _, tool = asked.resource.partition(".")
            return self._tool(lambda flag: flag.kind == server and flag.argument in {None, tool})
        return self._tool(lambda flag: flag.kind == asked.resource.removeprefix("copilot."))

    def _tool(self, fitting: object) -> str:
        """Deny before allow."""
        found = {flag.effect for flag in self.settings.of("tool") if fitting(flag)}  # type: ignore[operator]
        if DENY in found:
            return DENY
        return ALLOW if ALLOW in found or self.settings.all_of("tools") else ASK

    def _command(self, command: SimpleText) -> str:
        answer = self._tool(lambda flag: flag.kind == "shell" and means_command(flag, command))
        name = command.words[0] if command.words else ""
        if answer == ASK and name in READING and not command.assigned:
            answer = ALLOW
        effects = [answer]
        for word in command.words[1:]:
            if word.startswith(("/", "~", "..")) or "/.." in word:
                effects.append(self._gate(absolute(word)))
            if name in _FETCHERS and "://" in word:
                effects.append(self._url(word))
        if command.outputs and not self.settings.all_of("tools"):
            effects.append(ASK)
        effects += [self._gate(absolute(place)) for place in (*command.inputs, *command.outputs)]
        return strictest(effects, ASK)

    def _gate(self, path: str) -> str:
        """Whether a path may be touched at all."""
        open_ = [WORKSPACE, *(absolute(flag.text) for flag in self.settings.of("dir") if "$" not in flag.text)]
        if not self.settings.no_temporary:
            open_.append(TEMPORARY)
        return ALLOW if self.settings.all_of("paths") or any(inside(path, one) for one in open_) else ASK

    def _path(self, kind: str, path: str) -> str:
        answer = self._tool(lambda flag: flag.kind == kind and means_path(flag, path))
        if kind == "read" and answer == ASK:
            answer = ALLOW
        return strictest([answer, self._gate(path)], ASK)

    def _url(self, url: str) -> str:
        flags = [*self.settings.of("url"), *(f for f in self.settings.of("tool") if f.kind == "url")]
        found = {flag.effect for flag in flags if means_url(flag, url)}
        if DENY in found:
            return DENY
        return ALLOW if ALLOW in found or self.settings.all_of("urls") else ASK


def hidden(settings: CopilotSettings, action: str) -> bool:
    """Whether the model has no tool for an action."""
    tools = TOOLS.get("write" if action == "delete" else action)
    if tools is None:
        return False
    available = {flag.text for flag in settings.of("available")}
    if available:
        return not available & set(tools)
    excluded = {flag.text for flag in settings.of("excluded")}
    return set(tools[:2]) <= excluded or (len(tools) > 1 and action == "run" and bool(excluded & set(tools)))


def means_command(flag: Flag, command: SimpleText) -> bool:
    """Whether `shell(...)` means a command: by the program's name, for git and gh with the first word behind it."""
    argument = flag.argument
    if argument is None:
        return True
    text = " ".join([*(f"{name}=x" for name in command.assigned), *command.words])
    if argument.endswith(":*"):
        return text == argument[:-2] or text.startswith(f"{argument[:-2]} ")
    if command.assigned or not command.words:
        return False
    known_by = command.words[:2] if command.words[0] in WITH_COMMANDS else command.words[:1]
    return " ".join(known_by) == argument or (flag.effect == DENY and text == argument)


def means_path(flag: Flag, path: str) -> bool:
    """Whether `write(...)` or `read(...)` means a path: a relative one is the end of any."""
    argument = flag.argument
    if argument is None:
        return True
    wanted = posixpath.normpath(argument)
    if wanted.startswith("/"):
        return path == wanted
    return f"/{path}".endswith(f"/{wanted}")


def means_url(flag: Flag, url: str) -> bool:
    """Whether a URL's pattern means a URL. Without a scheme it is `https`, without a path every path is meant."""
    text = flag.argument if flag.about == "tool" else flag.text
    if text is None:
        return True
    mine, theirs = (urlsplit(one if "://" in one else f"https://{one}") for one in (text, url))
    host, other = (mine.netloc.lower(), theirs.netloc.lower())
    named = other.endswith(host[1:]) and other != host[2:] if host.startswith("*.") else host == other
    if not named or mine.scheme != theirs.scheme:
        return False
    path, at = mine.path.rstrip("/"), theirs.path or "/"
    if path.endswith("*"):
        return at.startswith(path.rstrip("*"))
    return not path or at == path or (flag.effect == DENY and at.startswith(f"{path}/"))
