"""A model of Gemini CLI's answers to requests in the mode `default`, by its documents."""

from __future__ import annotations

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import record
from .gemini_rules import SHELL, Condition, GeminiRule
from .paths import absolute, inside
from .permissions import ClientRequest, strictest
from .shell_text import SimpleText, simple_commands
from .text_globs import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WRITERS = ("write_file", "replace")
"""The tools that write; which of them is not part of a request."""
UNASKED = frozenset({"read_file", "google_web_search"})
"""What is permitted where no rule fits, of what is asked about here."""
_SHELLS = frozenset({"bash", "sh", "zsh"})
_DEEPEST = 3  # limit: client_script_depth
"""Scripts within scripts that are looked into."""


@record(frozen=True, slots=True)
class GeminiModel:
    """Rules as answers, the highest first. Called with a request, it says allow, ask or deny."""

    rules: tuple[GeminiRule, ...]

    def __call__(self, asked: ClientRequest) -> str:
        """The answer to one request."""
        if asked.action == "run":
            return self._script(asked.resource, _DEEPEST)
        if asked.action in {"read", "write", "delete"}:
            if not inside(absolute(asked.resource)):
                return DENY  # its tools refuse what lies outside
            tools = ("read_file",) if asked.action == "read" else WRITERS
            return strictest((self._first(tool, asked.resource)[0] for tool in tools), ASK)
        if asked.action == "connect":
            return self._first("web_fetch", asked.resource)[0]
        if asked.action == "call":
            server, _, tool = asked.resource.partition(".")
            return self._first(tool, "", server)[0]
        return self._first(asked.resource.removeprefix("gemini."), "")[0]

    def _first(self, tool: str, text: str, server: str = "") -> tuple[str, bool, bool]:
        """The answer of the highest rule that fits, whether output may go elsewhere by it, and whether it is of all."""
        for rule in self.rules:
            if names(rule, tool, server) and fits(rule.condition, text):
                return rule.effect, rule.redirects, rule.condition.always
        return (ALLOW if tool in UNASKED and not server else ASK), False, True

    def _script(self, script: str, depth: int) -> str:
        whole, redirects, of_all = self._first(SHELL, script)
        if whole == DENY:
            return DENY
        commands = simple_commands(script)
        if commands is None:
            return ASK
        alone = len(commands) == 1 and script == commands[0].text
        if alone and of_all and whole == ASK and _only_reads(commands[0].words):
            return ALLOW
        dangerous = of_all and any(_is_dangerous(one.words) for one in commands[:1])
        if whole == ALLOW and (dangerous or (not redirects and any(one.redirected for one in commands))):
            whole = ASK
        return strictest([whole, *(self._command(one, depth) for one in commands)], ASK)

    def _command(self, command: SimpleText, depth: int) -> str:
        before = "".join(f"{name}=x " for name in command.assigned)
        answer, redirects, _ = self._first(SHELL, f"{before}{command.text}")
        if answer == ALLOW and not redirects and command.redirected:
            answer = ASK
        if command.words[:1] and command.words[0] in _SHELLS and command.words[1:2] == ("-c",) and depth:
            return strictest([answer, *(self._script(inner, depth - 1) for inner in command.words[2:3])], ASK)
        return answer


_ACTING = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-delete", "-fls", "-fprint", "-fprint0", "-fprintf"})
_SAFE = frozenset(
    {
        "cat", "cut", "echo", "expr", "false", "grep", "head", "id", "ls", "nl", "numfmt", "paste", "pwd", "rev", "seq",
        "stat", "tac", "tail", "tr", "true", "uname", "uniq", "wc", "which", "whoami",
    }
)  # fmt: skip
"""Programs that are permitted by themselves where a rule of all commands would ask (0.61.0)."""
_SAFE_GIT = frozenset({"status", "log", "diff", "show"})


def _only_reads(words: Sequence[str]) -> bool:
    """Whether a command is one that is permitted instead of asked about."""
    if words[:1] == ("git",):
        return len(words) > 1 and words[1] in _SAFE_GIT and all(word in _GIT_OPTIONS for word in words[2:])
    if not words or words[0] not in _SAFE or any(set(word) & set("$`~*?") for word in words):
        return False
    return all(inside(absolute(word)) for word in words[1:] if word[:1] != "-") and not any("=" in w for w in words)


_GIT_OPTIONS = frozenset({"-s", "-p", "--short", "--oneline", "--stat", "HEAD"})
"""Words behind those of git's commands that change nothing: others are taken to."""


def _is_dangerous(words: Sequence[str]) -> bool:
    """Whether a command is asked about though a rule permits all."""
    name, rest = (words[0], words[1:]) if words else ("", ())
    if name == "sudo":
        return _is_dangerous(rest)
    if name == "rm":
        return any(word[:1] == "-" and "f" in word for word in rest)
    if name == "git":
        return any(word[:2] == "-c" or word.startswith("--config-env") for word in rest) or "branch" in rest[:1]
    return (name == "find" and bool(_ACTING & set(rest))) or (name == "ln" and any(w[:1] == "-" for w in rest))


def names(rule: GeminiRule, tool: str, server: str) -> bool:
    """Whether a rule is about a tool; an MCP server's has the server's name."""
    if rule.dead or rule.elsewhere:
        return False
    if rule.server:
        return (
            bool(server)
            and rule.server in {"*", server}
            and (not rule.tools or tool in rule.tools or "*" in rule.tools)
        )
    full = f"mcp_{server}_{tool}" if server else tool
    whole = {f"mcp_{server}_*", "mcp_*"} if server else set()
    return any(name in {"*", full, *whole} for name in rule.tools)


def fits(condition: Condition, text: str) -> bool:
    """Whether a call's command or path is as a rule asks. What cannot be read fits nothing that is asked here."""
    if condition.always:
        return True
    prefixed = any(text == one or text.startswith((f"{one} ", f'{one}"')) for one in condition.prefixes)
    return prefixed or any(matches(glob, text) for glob in condition.globs)
