"""Gemini CLI's policies and settings as rules of this language."""

from __future__ import annotations

from ..domain.actions import ALLOW, ASK, DENY
from ..pep.clients.gemini import CLIENT
from .gemini_model import UNASKED, WRITERS, GeminiModel
from .gemini_rules import SHELL, Condition, GeminiRule, read_settings
from .permissions import EXACT, IDLE, NARROWER, UNSAID, Permission, Permissions, command_tries, said, tries
from .plain_globs import name_pattern
from .ranked import Ranked, bounded, overridden, ruled
from .text_commands import command_patterns
from .text_globs import path_patterns
from .tool_names import call_patterns, tool_patterns
from .url_globs import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..domain.errors import Source
    from ..syntax.tree import RuleNode
    from .permissions import ClientRequest

_READERS = frozenset({"list_directory", "glob", "grep_search", "search_file_content", "read_many_files"})
_WILD = frozenset("*?")
_STAR = "`*` is a star there, and stands for nothing else"
_Kind = tuple[str, tuple[str, ...], "Callable[[GeminiRule, int], Ranked | None]", str]
"""A tool, the actions here, what a rule becomes, and what holds where no rule fits."""


def permissions(sources: Sequence[Source]) -> Permissions:
    """What policies and settings say, together. Raises PolicyError."""
    settings = read_settings(sources)
    bounded(sum(max(1, len(one.condition.prefixes)) for one in settings.rules), sources[0])
    orders = [(kind, _order(kind, settings.rules)) for kind in _KINDS]
    entries = [_outside(), *(entry for kind, order in orders if (entry := _own(kind, order)) is not None)]
    entries += [_entry(i, rule, orders) for i, rule in enumerate(settings.rules)]
    return Permissions(
        CLIENT.name,
        CLIENT.title,
        tuple(sources),
        tuple(entries),
        GeminiModel(settings.rules),
        asks=True,
        remarks=settings.remarks,
    )


def _order(kind: _Kind, rules: Sequence[GeminiRule]) -> list[Ranked]:
    """The rules about a tool, the highest first, and what holds behind them.

    A grant behind a restriction that cannot be said is left out.
    """
    out: list[Ranked] = []
    unsaid = False
    for i, rule in enumerate(rules):
        made = None if rule.dead or rule.elsewhere else kind[2](rule, i)
        if made is None:
            continue
        unsaid = unsaid or (made.effect != ALLOW and not made.restricts)
        if unsaid and made.effect == ALLOW:
            made = Ranked(ALLOW, made.globs, (), (), i, made.place)
        out.append(made)
    if kind[3]:
        last = ("**",) if kind[0] == SHELL else ("./",)
        out.append(Ranked(kind[3] if not unsaid else ASK, ("*",), last, last))
    return out


def _outside() -> Permission:
    rule = said(DENY, ["read", "write", "delete"], ["/**"], exclude=["./"])
    why = "its own tools refuse what lies outside the workspace; commands that reach there are denied here as well"
    return Permission("paths outside", DENY, (rule,), NARROWER, why, tries("read", "/etc/hosts", "~/a", "a"))


def _own(kind: _Kind, order: Sequence[Ranked]) -> Permission | None:
    """What the client does where no rule fits."""
    if not kind[3] or overridden(order, len(order) - 1) is not None:
        return None
    found = ruled(kind[1], order, len(order) - 1)
    if found is None:
        return None
    rules: tuple[RuleNode, ...] = (found,)
    text = f"`{kind[0]}` without a rule"
    asked = tries(kind[1][0], "a.txt")
    if kind[0] == SHELL:
        rules = (found, said(ASK, ["setenv"], ["**"]))
        asked = tries("run", "unheard-of x", "timeout 5 unheard-of", "A=1 unheard-of", "ls", "git status")
    return Permission(text, order[-1].effect, rules, tries=asked)


def _entry(at: int, rule: GeminiRule, orders: Sequence[tuple[_Kind, list[Ranked]]]) -> Permission:
    """One rule, in all that it is about."""
    if rule.dead or rule.elsewhere:
        return Permission(
            rule.text, rule.effect, fit=IDLE if rule.dead else UNSAID, why=rule.dead or rule.elsewhere, span=rule.span
        )
    made: list[RuleNode] = []
    asked: list[ClientRequest] = []
    idle, left, whole = "", "", not rule.condition.unsaid
    for kind, order in orders:
        place = next((i for i, one in enumerate(order) if one.owner == at), None)
        if place is None:
            continue
        before = overridden(order, place)
        if before is not None and before.effect != rule.effect:
            idle = f"{before.place} is looked at first, and means all of it"
            continue
        found = ruled(kind[1], order, place)
        if found is None:
            left = rule.condition.unsaid or "a restriction that is looked at first cannot be said"
            continue
        whole = whole and order[place].whole
        if found not in made:
            made.append(found)
        if kind[0] == SHELL and order[place].globs == ("*",):
            made.append(said(rule.effect, ["setenv"], ["**"]))
        asked += _tries(kind, rule)
    if made:
        why = "" if whole else "text is compared, and not all of it can be said of words and folders"
        fit = EXACT if whole else NARROWER
        return Permission(rule.text, rule.effect, tuple(made), fit, why, tuple(asked), rule.span, _misread(rule))
    fit, why = (IDLE, idle) if idle else _not_said(rule, left)
    return Permission(rule.text, rule.effect, fit=fit, why=why, span=rule.span)


def _not_said(rule: GeminiRule, left: str) -> tuple[str, str]:
    """Why a rule has none of ours."""
    known = [
        name for name in rule.tools if name in CLIENT.tools or name in CLIENT.operations or name in CLIENT.harmless
    ]
    if rule.condition.prefixes and any(_WILD & set(one) for one in rule.condition.prefixes):
        return IDLE, f"the text is compared as it stands: {_STAR}"
    if left:
        return UNSAID, left
    if rule.condition.unsaid:
        return UNSAID, rule.condition.unsaid
    if not known and not rule.server:
        return IDLE, f"no tool is known as {', '.join(f'`{name[:60]}`' for name in rule.tools)}"
    if set(known) & _READERS:
        return UNSAID, f"which tool reads, such as `{known[0]}`, is not part of a read"
    return UNSAID, f"what `{known[0] if known else rule.server}` does needs no permission, or is not asked about"


def _misread(rule: GeminiRule) -> str:
    """What a rule means that it does not seem to."""
    if rule.span is not None and rule.text.startswith("tools.") and "(" in rule.text and rule.condition.always:
        return f"is about all that `{rule.tools[0]}` does: what stands in parentheses is not looked at"
    dead = [name for name in rule.tools if name not in CLIENT.tools and "*" not in name and not name.startswith("mcp_")]
    dead = [name for name in dead if name not in CLIENT.operations and name not in CLIENT.harmless]
    if dead and not rule.server:
        return f"names what is no tool: {', '.join(f'`{name[:60]}`' for name in dead)}"
    if any(one.endswith("/") for one in rule.condition.prefixes):
        return "means nothing below that folder: a blank, or the end, stands behind the text"
    if any(_WILD & set(one) for one in rule.condition.prefixes):
        return f"is compared as it stands: {_STAR}"
    return ""


# what rules become


def _ranked(
    rule: GeminiRule,
    at: int,
    globs: Sequence[str],
    grants: Sequence[str],
    restricts: Sequence[str],
    *,
    whole: bool = True,
) -> Ranked:
    place = f"`{rule.text}`, line {rule.span.line}," if rule.span is not None else f"what denies {rule.text}"
    return Ranked(rule.effect, tuple(globs), tuple(grants), tuple(restricts), at, place, whole)


def _about(rule: GeminiRule, tool: str) -> bool:
    return not rule.server and bool({"*", tool} & set(rule.tools))


def _command(rule: GeminiRule, at: int) -> Ranked | None:
    if not _about(rule, SHELL):
        return None
    condition = rule.condition
    if condition.always:
        return _ranked(rule, at, ["*"], ["**"], ["**"])
    globs, texts = _command_globs(condition)
    if not globs and condition.prefixes:  # a star, which no command has
        return None
    found = command_patterns(texts)
    if rule.effect != ALLOW and any("*" in text[:-2] for text in texts):  # the star stands for operators as well
        found = command_patterns([f"{text.partition('*')[0]}*" for text in texts])
    grants, whole = found.grants, found.granted_whole if rule.effect == ALLOW else found.restricted_whole
    if condition.globs:  # a blank at an expression's end is a blank, and something stands behind it
        grants = tuple(f"{p[:-2]}* **" if p.endswith(" **") else p for p in grants)
    return _ranked(rule, at, globs, grants, found.restricts, whole=whole)


def _command_globs(condition: Condition) -> tuple[list[str], list[str]]:
    """The globs of commands: all that are meant, and each once for patterns, since ` *` may stand for nothing there."""
    plain = [one for one in condition.prefixes if not _WILD & set(one)]
    open_end = [f"{one} *" for one in plain]
    return [*plain, *open_end, *condition.globs], [*open_end, *condition.globs]


def _path(rule: GeminiRule, at: int, tool: str) -> Ranked | None:
    if not _about(rule, tool):
        return None
    if rule.condition.always:
        return _ranked(rule, at, ["*"], ["./"], ["./"])
    globs = rule.condition.globs
    both = [(path_patterns(glob), path_patterns(glob, wider=True)) for glob in globs]
    narrow = [one for one, _ in both if one is not None]
    wide = [one for _, one in both if one is not None]
    whole = all(found.whole for found in (narrow if rule.effect == ALLOW else wide)) and len(wide) == len(globs)
    grants, restricts = ([p for found in one for p in found.patterns] for one in (narrow, wide))
    return _ranked(rule, at, globs, grants, restricts if globs and len(wide) == len(globs) else (), whole=whole)


def _fetch(rule: GeminiRule, at: int) -> Ranked | None:
    if not _about(rule, "web_fetch"):
        return None
    return _ranked(rule, at, ["*"], [ANY], [ANY]) if rule.condition.always else _ranked(rule, at, [], [], [])


def _call(rule: GeminiRule, at: int) -> Ranked | None:
    grants, restricts = (
        [p for pair in _calls(rule) for p in _call_patterns(*pair, restricts=one)] for one in (False, True)
    )
    if not restricts:
        return None
    names = ["*" if pair == ("*", "*") else ".".join(pair).lstrip(".") for pair in _calls(rule)]
    always = rule.condition.always
    return _ranked(rule, at, names if always else [], grants if always else [], restricts, whole=always)


def _calls(rule: GeminiRule) -> list[tuple[str, str]]:
    """Servers and tools that a rule names, `*` for any; no server where the two stand together in one text."""
    if rule.server:
        return [(rule.server, name) for name in rule.tools or ("*",)]
    out = []
    for name in rule.tools:
        full = name.removeprefix("mcp_")
        if name in {"*", "mcp_*"}:
            out.append(("*", "*"))
        elif name != full and "*" not in full.removesuffix("_*"):
            out.append((full[:-2], "*") if full.endswith("_*") else ("", full))
    return out


def _call_patterns(server: str, tool: str, *, restricts: bool) -> list[str]:
    """The patterns of a pair: a star is one where it stands alone."""
    if not server:
        return tool_patterns(tool, wild="", restricts=restricts)
    if "*" in {server, tool}:
        wide = "**" if restricts else "*"
        names = [name if name == "*" else name_pattern(name, "") for name in (server, tool)]
        return ["**"] if names == ["*", "*"] else [f"{names[0]}.{names[1] if names[1] != '*' else wide}"]
    return call_patterns(server, tool, wild="", restricts=restricts)


def _operation(rule: GeminiRule, at: int) -> Ranked | None:
    names = [name for name in sorted(CLIENT.operations) if _about(rule, name)]
    if not names:
        return None
    patterns = ["gemini.*"] if "*" in rule.tools else [f"gemini.{name}" for name in names]
    globs = [] if not rule.condition.always else ["*"] if "*" in rule.tools else names
    return _ranked(rule, at, globs, patterns if globs else (), patterns, whole=bool(globs))


_KINDS: tuple[_Kind, ...] = (
    (SHELL, ("run",), _command, ASK),
    ("read_file", ("read",), lambda rule, at: _path(rule, at, "read_file"), ALLOW),
    *((name, ("write", "delete"), lambda rule, at, name=name: _path(rule, at, name), ASK) for name in WRITERS),
    ("web_fetch", ("connect",), _fetch, ""),
    ("", ("call",), _call, ""),
    ("operations", ("do",), _operation, ""),
)


def _tries(kind: _Kind, rule: GeminiRule) -> tuple[ClientRequest, ...]:
    """Requests at a rule's boundary."""
    grants, condition = rule.effect == ALLOW, rule.condition
    if kind[0] == SHELL:
        if condition.always:
            return tries("run", "unheard-of x", "ls > out.txt", "A=1 ls", "timeout 5 ls")
        texts = _command_globs(condition)[1]
        return tuple(one for text in texts[:8] for one in command_tries(text, grants=grants))
    if kind[1][0] in {"read", "write"}:
        plain = [glob.replace("*", "x") for glob in condition.globs] or ["a.txt"]
        return tuple(
            one for name in plain for one in tries(kind[1][0], name, f"deep/{name}", f"{name}/b", "/elsewhere/a")
        )
    if kind[0] == "web_fetch":
        return tries("connect", "https://example.com/a", "http://localhost/")
    if kind[0]:
        names = [name for name in sorted(CLIENT.operations) if _about(rule, name) and name not in UNASKED]
        return tries("do", *(f"gemini.{name}" for name in names))
    plain = [f"{server}.{tool}" if server else tool.replace("_", ".", 1) for server, tool in _calls(rule)]
    names = [name.replace("*", "x") for name in plain[:8]]
    return tuple(one for name in names for one in tries("call", name, f"{name}y", f"y{name}"))
