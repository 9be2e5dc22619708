"""Gemini CLI's rules: policies in TOML, and the lists of its settings as the rules that they become.

Each has a priority, and the highest that fits decides (geminicli.com/docs/reference/policy-engine).
"""

from __future__ import annotations

import os
import re

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.errors import Span
from ..domain.record import record
from .located import Located, json_of, object_in, span_of, strings_in, unreadable
from .located_toml import table_spans, toml_of
from .simple_regexes import globs_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..domain.errors import Source

SHELL = "run_shell_command"
_ALIASES = {"ShellTool": SHELL}
_EFFECTS = {"allow": ALLOW, "deny": DENY, "ask_user": ASK}
USER, WORKSPACE_TIER, ADMIN = 4, 3, 5
_MOST_PRIORITY = 999
_MODE = "default"
_LISTED = re.compile(r"(?P<tool>[^()]+?)\s*(?:\((?P<argument>.*)\))?", re.DOTALL)
_COMMAND = '"command":"'
_FILE = '"file_path":"'
FILES = frozenset({"read_file", "write_file", "replace"})


@record(frozen=True, slots=True)
class Condition:
    """What a rule asks of a call's arguments: nothing, or what a command or a path is like.

    A command begins with a text of `prefixes`, up to a word's end; `globs` are over the whole of a command or a path.
    `unsaid` is why an expression is not read.
    """

    prefixes: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    unsaid: str = ""

    @property
    def always(self) -> bool:
        """Whether it fits every call."""
        return not self.prefixes and not self.globs and not self.unsaid


@record(frozen=True, slots=True)
class GeminiRule:
    """One rule. `dead` says why it never fits, `elsewhere` why it does not hold where the policy does."""

    effect: str
    tools: tuple[str, ...]
    server: str
    condition: Condition
    priority: float
    text: str
    span: Span | None
    redirects: bool = False
    dead: str = ""
    elsewhere: str = ""


@record(frozen=True, slots=True)
class GeminiSettings:
    """Rules, the highest first, and remarks about what is none."""

    rules: tuple[GeminiRule, ...]
    remarks: tuple[tuple[str, Span | None], ...]


def read_settings(sources: Sequence[Source]) -> GeminiSettings:
    """The rules of some files. Raises PolicyError."""
    rules: list[GeminiRule] = []
    remarks: list[tuple[str, Span | None]] = []
    for source in sources:
        if source.path.endswith(".toml"):
            rules += _policy(source, remarks)
        elif source.text.strip():
            rules += _lists(source, remarks)
    return GeminiSettings(tuple(sorted(rules, key=lambda rule: -rule.priority)), tuple(remarks))


# policies


def _tier(path: str) -> int:
    home = os.path.expanduser("~")
    if path.startswith(("/etc/gemini-cli/", "/Library/Application Support/GeminiCli/")):
        return ADMIN
    if path.startswith(("~/", f"{home}/.gemini/")) or ".gemini/policies/" not in path:
        return USER
    return WORKSPACE_TIER


def _policy(source: Source, remarks: list[tuple[str, Span | None]]) -> list[GeminiRule]:
    """The rules of one policy. One that is malformed makes the client drop the file."""
    toml = toml_of(source)
    table, given = toml.value, toml.value.get("rule", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise unreadable(source, toml.place("rule").start, "rules are tables, `[[rule]]`")
    remarks += [
        (f"`{name[:60]}` is not known, and ignored: rules are `[[rule]]`", Span(source, 0, 1))
        for name in table
        if name not in {"rule", "safety_checker"}
    ]
    spans = table_spans(source, "rule", len(given))
    wrong = next(
        (f"{said}, line {span.line}" for one, span in zip(given, spans, strict=True) if (said := _wrong(one))), ""
    )
    dead = f"the client drops the whole file: {wrong}" if wrong else ""
    tier = _tier(source.path)
    if tier == WORKSPACE_TIER:
        dead = "policies of a workspace have no effect: those in the home have, `~/.gemini/policies`"
    return [_rule(one, span, tier, dead) for one, span in zip(given, spans, strict=True)]


def _wrong(rule: dict[str, object]) -> str:
    """What makes a rule malformed; empty for one that is not."""
    priority, decision = rule.get("priority"), rule.get("decision")
    if not isinstance(decision, str) or decision not in _EFFECTS:
        return "`decision` is neither `allow`, `deny` nor `ask_user`"
    if type(priority) is not int or not 0 <= priority <= _MOST_PRIORITY:
        return f"`priority` is not a whole number from 0 to {_MOST_PRIORITY}"
    for name in ("toolName", "commandPrefix", "modes"):
        if not isinstance(rule.get(name, ""), str) and _texts(rule[name]) is None:
            return f"`{name}` is neither a text nor a list of them"
    for name in ("mcpName", "argsPattern", "commandRegex"):
        if not isinstance(rule.get(name, ""), str):
            return f"`{name}` is not a text"
    return ""


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    return None


def _rule(rule: dict[str, object], span: Span, tier: int, dead: str) -> GeminiRule:
    tools = tuple(_ALIASES.get(name, name) for name in _texts(rule.get("toolName", ())) or ())
    server, priority = rule.get("mcpName", ""), rule.get("priority")
    condition, never = _condition(rule, tools)
    if not tools and not server:
        never = never or "a rule names a tool, or a server"
    about = " ".join(str(rule[name]) for name in ("mcpName", "argsPattern", "commandRegex") if name in rule)
    shown = [", ".join(tools), about, ", ".join(_texts(rule.get("commandPrefix", ())) or ())]
    text = f"{rule.get('decision', '')} {' '.join(one for one in shown if one)}"
    return GeminiRule(
        _EFFECTS.get(str(rule.get("decision")), DENY),
        tools,
        str(server),
        condition,
        tier + (priority if isinstance(priority, int) else 0) / 1000,
        text if len(text) <= 100 else f"{text[:97]}...",
        span,
        rule.get("allowRedirection") is True,
        dead or never,
        _elsewhere(rule),
    )


def _elsewhere(rule: dict[str, object]) -> str:
    modes = _texts(rule.get("modes", ())) or ()
    if modes and _MODE not in modes:
        return f"it is of another mode, and the policy of the mode `{_MODE}`"
    if rule.get("interactive") is False:
        return "it holds where nobody can be asked"
    for name in ("subagent", "toolAnnotations"):
        if name in rule:
            return f"`{name}` is not part of a request"
    return ""


def _condition(rule: dict[str, object], tools: tuple[str, ...]) -> tuple[Condition, str]:
    """A rule's condition, and why it can never hold."""
    prefixes, regex, arguments = (rule.get(name) for name in ("commandPrefix", "commandRegex", "argsPattern"))
    if prefixes is not None or regex is not None:
        if tools != (SHELL,) or arguments is not None:
            return Condition(), f"only `{SHELL}` has a command, and either that or `argsPattern` is compared"
        if prefixes is not None:
            return Condition(prefixes=_texts(prefixes) or ()), "" if _texts(prefixes) else "it has no prefix"
        return _command_regex(str(regex))
    if arguments is None or arguments == "":
        return Condition(), ""
    return _arguments(str(arguments), tools)


def _command_regex(regex: str) -> tuple[Condition, str]:
    """An expression that is looked for right behind `"command":"` in the arguments' JSON."""
    if "|" in re.sub(r"\([^()]*\)", "", regex):
        return Condition(unsaid="alternatives outside of a group begin anywhere in the arguments"), ""
    if regex.startswith("^"):
        return Condition(), 'it stands behind `"command":"`, where no text begins: without `^` it is at the beginning'
    globs = globs_of(regex)
    if globs is None:
        return Condition(unsaid="the expression is not plain enough to be sure of"), ""
    never = "`$` is the end of all arguments, and no command's" if not globs else ""
    return Condition(globs=globs), never


def _arguments(regex: str, tools: tuple[str, ...]) -> tuple[Condition, str]:
    """An expression over all arguments: read where it says how the command, or the path, begins."""
    text = regex.removeprefix("^").removeprefix("\\{").removeprefix("{")
    wanted = _COMMAND if tools == (SHELL,) else _FILE if tools and set(tools) <= FILES else ""
    if not wanted or not text.startswith(wanted) or "|" in re.sub(r"\([^()]*\)", "", text):
        return Condition(unsaid="an expression over all arguments is not one over a command or a path"), ""
    globs = globs_of(text.removeprefix(wanted))
    if globs is None:
        return Condition(unsaid="the expression is not plain enough to be sure of"), ""
    made = tuple(one.partition('"')[0] if '"' in one else one for one in globs)
    return Condition(globs=made), "" if made else "`$` is the end of all arguments"


# settings


def _lists(source: Source, remarks: list[tuple[str, Span | None]]) -> Iterator[GeminiRule]:
    """The rules that settings become, with the priorities that the client gives them."""
    settings = json_of(source)
    if not isinstance(settings, dict):
        raise unreadable(source, 0, "settings of Gemini CLI are a JSON object")
    tools, mcp = (object_in(source, settings, name) for name in ("tools", "mcp"))
    for text in strings_in(source, mcp, "excluded"):
        yield _of_server(DENY, text, 4.9, f"mcp.excluded {text}", span_of(source, text))
    for text in strings_in(source, tools, "exclude"):
        dead = "a tool is excluded as a whole: no tool has such a name" if "(" in text else ""
        span = span_of(source, text)
        yield GeminiRule(DENY, (_name(text),), "", Condition(), 4.4, f"tools.exclude {text}", span, dead=dead)
    for text in strings_in(source, tools, "confirmationRequired"):
        yield _listed(ASK, text, 4.35, "tools.confirmationRequired", source)
    allowed = list(strings_in(source, tools, "allowed"))
    yield from (_listed(ALLOW, text, 4.3, "tools.allowed", source) for text in allowed)
    if any(_name(text) == SHELL and "(" in text for text in allowed):
        yield GeminiRule(DENY, (SHELL,), "", Condition(), 4.29, "commands that `tools.allowed` does not name", None)
    core = list(strings_in(source, tools, "core"))
    yield from (_listed(ALLOW, text, 4.25, "tools.core", source) for text in core)
    if core:
        yield GeminiRule(DENY, ("*",), "", Condition(), 4.24, "tools that `tools.core` does not name", None)
    for server, given in object_in(source, settings, "mcpServers").items():
        if isinstance(given, dict) and given.get("trust") is True:
            yield _of_server(ALLOW, server, 4.2, f"mcpServers.{server}.trust", span_of(source, server))
        if isinstance(given, dict) and "includeTools" in given:
            remarks.append(
                (f"`{server}` shows some of its tools alone: the policy is of all of them", span_of(source, server))
            )
    for text in strings_in(source, mcp, "allowed"):
        yield _of_server(ALLOW, text, 4.1, f"mcp.allowed {text}", span_of(source, text))
    for name in ("coreTools", "excludeTools", "allowedTools"):
        if name in settings:
            place = next((span_of(source, key) for key in settings if key == name), None)
            remarks.append((f"`{name}` is the old name of a list in `tools`, and may not be read", place))


def _name(text: str) -> str:
    name = text.partition("(")[0].strip() if text.endswith(")") else text.strip()
    return _ALIASES.get(name, name)


def _listed(effect: str, text: Located, priority: float, where: str, source: Source) -> GeminiRule:
    """One entry of a list: a tool, with the text that its commands begin with."""
    found = _LISTED.fullmatch(text.strip())
    name = _name(text)
    argument = found["argument"] if found is not None else None
    condition = Condition(prefixes=(argument,)) if name == SHELL and argument else Condition()
    return GeminiRule(effect, (name,), "", condition, priority, f"{where} {text}", span_of(source, text))


def _of_server(effect: str, server: str, priority: float, text: str, span: Span | None) -> GeminiRule:
    return GeminiRule(effect, (), str(server), Condition(), priority, text, span)
