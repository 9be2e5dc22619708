"""Cursor's permission files as rules of this language: those of its command line, or the editor's."""

from __future__ import annotations

from ..domain.actions import ALLOW, ASK, DENY
from ..pep.clients.cursor import CLIENT
from .command_globs import word_patterns
from .cursor_model import CursorModel
from .cursor_rules import FETCH, MCP, READ, SHELL, WRITE, CursorRule, read_settings
from .located import span_of
from .permissions import EXACT, IDLE, NARROWER, UNSAID, Permission, Permissions, command_tries, said, tries
from .plain_globs import name_pattern, parts_of, pattern_of
from .ranked import Ranked, bounded, ruled, sayable
from .text_commands import command_patterns
from .tool_names import DOTTED, call_patterns
from .url_globs import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..domain.errors import Source
    from ..syntax.tree import RuleNode
    from .permissions import ClientRequest

_SEVERAL = "how the lists of several files add up is not documented: here each of them holds"
_PARTS = "a star that stands for blanks, and for parts of words, cannot be said of words"


def permissions(sources: Sequence[Source]) -> Permissions:
    """What permission files say, together. Raises PolicyError."""
    settings = read_settings(sources)
    bounded(len(settings.rules), sources[0])
    live = [rule for rule in settings.rules if rule.kind == SHELL and not rule.dead]
    denied, granted = ([_ranked(rule) for rule in live if rule.effect == effect] for effect in (DENY, ALLOW))
    order = [*denied, *granted, Ranked(ASK, ("*",), ("**",), ("**",))]
    entries = [*_own(order, editor=settings.editor), *(_entry(rule) for rule in settings.rules)]
    remarks = [(text, span_of(source, place)) for text, source, place in settings.remarks]
    if len(sources) > 1 and not settings.editor:
        remarks.append((_SEVERAL, None))
    return Permissions(
        CLIENT.name,
        CLIENT.title,
        tuple(sources),
        tuple(entries),
        CursorModel(settings),
        asks=True,
        remarks=tuple(remarks),
    )


def _own(order: Sequence[Ranked], *, editor: bool) -> list[Permission]:
    """What the client does without an entry."""
    other = ruled(("run",), order, len(order) - 1)
    rules = (
        ()
        if other is None or any(one.grants == ("**",) for one in order[:-1])
        else (other, said(ASK, ["setenv"], ["**"]))
    )
    reads = said(ALLOW, ["read"], ["./"])
    out = [
        Permission(
            "files of the workspace are read", ALLOW, (reads,), tries=tries("read", "a.txt", "a/b", "/etc/hosts")
        )
    ]
    if rules:
        asked = tries("run", "unheard-of x", "timeout 5 unheard-of", "A=1 unheard-of")
        out.append(Permission("commands that no entry names", ASK, rules, tries=asked))
    if editor:
        places = [".cursor/", ".vscode/"]
        writes = said(ALLOW, ["write"], ["./"], exclude=places)
        why = "which files are not written unasked is not documented in full"
        out.append(
            Permission("files of the workspace are written", ALLOW, (writes,), NARROWER, why, tries("write", "a.txt"))
        )
    return out


def _entry(rule: CursorRule) -> Permission:
    """One entry."""
    text, span = f"{rule.effect} {rule.text}", span_of(rule.source, rule.text)
    if rule.dead:
        return Permission(
            text, rule.effect, fit=IDLE if "import it alone" not in rule.dead else UNSAID, why=rule.dead, span=span
        )
    if not sayable([rule.spec]):
        return Permission(
            text, rule.effect, fit=IDLE, why="it holds a character that nothing that is asked for has", span=span
        )
    made = {SHELL: _command, READ: _path, WRITE: _path, FETCH: _fetch, MCP: _call}[rule.kind](rule)
    if isinstance(made, str):
        return Permission(text, rule.effect, fit=UNSAID, why=made, span=span)
    node, whole, asked = made
    fit, why = (EXACT, "") if whole else (NARROWER, _PARTS)
    return Permission(text, rule.effect, (node,), fit, why, asked, span, _misread(rule))


_Made = tuple["RuleNode", bool, "tuple[ClientRequest, ...]"] | str


def _ranked(rule: CursorRule) -> Ranked:
    """A command's entry in the order in which commands are looked at."""
    if rule.prefix:
        glob = rule.spec.replace("*", "?")  # a star is a star there: for what may meet, any character
        found = word_patterns(f"{rule.spec} *") if "*" not in rule.spec else None
        patterns = found.patterns if found is not None else ()
        return Ranked(rule.effect, (glob, f"{glob} *"), patterns, patterns)
    base, arguments = rule.command
    if not base.strip("*"):
        word = "*"
        if arguments is None or not arguments.strip("*"):
            return Ranked(rule.effect, ("*",), ("**",), ("**",))
    else:
        word = name_pattern(base)
    if arguments is None or not arguments.strip("*"):
        return Ranked(rule.effect, (base, f"{base} *"), (f"{word} **",), _rooted([f"{word} **"]))
    made = command_patterns([f"x {arguments}"])
    grants, restricts = (tuple(f"{word}{p[1:]}" for p in one if p[:1] == "x") for one in (made.grants, made.restricts))
    grants = tuple(f"{p[:-2]}* **" if p.endswith(" **") else p for p in grants)  # a blank at the end is a blank
    if not restricts and made.restricts:
        restricts = (f"{word} **",)
    whole = made.granted_whole if rule.effect == ALLOW else made.restricted_whole
    return Ranked(rule.effect, (f"{base} {arguments}",), grants, _rooted(restricts), whole=whole)


def _rooted(patterns: Sequence[str]) -> tuple[str, ...]:
    """Patterns of programs, in a folder as well where a star in the name may stand for it."""
    wild = [p for p in patterns if "*" in (name := p.partition(" ")[0]) and name.strip("*") and p[0] not in "./'\""]
    return (*patterns, *(f"./{p}" for p in wild))


def _command(rule: CursorRule) -> _Made:
    found = _ranked(rule)
    patterns = found.grants if rule.effect == ALLOW else found.restricts
    if not patterns:
        return "it cannot be said of the words of a command"
    base, arguments = rule.command
    glob = f"{rule.spec} *" if rule.prefix else base if arguments is None else f"{base} {arguments}"
    asked = command_tries(glob.replace("?", "q"), grants=rule.effect == ALLOW)
    return said(rule.effect, ["run"], patterns), found.whole, asked


def _path(rule: CursorRule) -> _Made:
    base, glob = rule.path
    if base == "~/" and rule.effect == ALLOW:
        return "`~` and `$HOME` are no part of the documented patterns"
    if ".." in glob.split("/"):
        return "the pattern leaves its folder"
    actions = ["read"] if rule.kind == READ else ["write", "delete"]
    pattern = pattern_of(glob, base)
    plain = "/".join("a/b" if part == "**" else part.replace("*", "x").replace("?", "y") for part in parts_of(glob))
    root = base or ""
    near = [f"{root}{plain}", f"{root}{plain}q", f"{root}deep/{plain}", f"{root}{plain}/in.txt"]
    return said(rule.effect, actions, [pattern]), True, tries(actions[0], *near, f"/elsewhere/{plain}")


def _fetch(rule: CursorRule) -> _Made:
    host = rule.spec.lower()
    name = host.replace("*", "a") if host != "*" else "example.com"
    asked = tries(
        "connect", f"https://{name}/", f"http://{name}/a", f"https://b.{name}/", f"https://{name.partition('.')[2]}/",
        f"https://{name}.evil.example/",
    )  # fmt: skip
    return said(rule.effect, ["connect"], [ANY if host == "*" else f"{host}:*"]), True, asked


def _call(rule: CursorRule) -> _Made:
    found = rule.tool
    if found is None:
        return "the documented form is `Mcp(SERVER:TOOL)`, and whether another is read is not known"
    forms = dict.fromkeys((found, tuple(part.lower() for part in found)) if rule.folded else (found,))
    names = [
        p for server, tool in forms for p in call_patterns(server, tool, wild="*?", restricts=rule.effect != ALLOW)
    ]
    if not names:
        return DOTTED
    plain = ".".join(found).replace("*", "x")
    return said(rule.effect, ["call"], names), True, tries("call", plain, f"{plain}y", f"y{plain}", plain.upper())


def _misread(rule: CursorRule) -> str:
    """What an entry means that it does not seem to."""
    if rule.kind == SHELL and not rule.prefix:
        base, arguments = rule.command
        if arguments and arguments.endswith("*") and arguments[-2:-1] not in {"", "*", " ", "/", "-", "="}:
            return f"means words that go on as well, such as `{base} {arguments.rstrip('*')}x`"
        if arguments and "*" not in arguments and rule.effect == DENY:
            return f"means `{base} {arguments}` and nothing behind it"
    if rule.kind == MCP and ":" not in rule.spec:
        return "is not written as documented: `Mcp(SERVER:TOOL)`"
    return ""
