"""GitHub Copilot CLI's flags and URL lists as rules of this language."""

from __future__ import annotations

import posixpath
import re

from ..domain.actions import ALLOW, ASK, DENY
from ..pep.clients.copilot import CLIENT
from .command_globs import word_patterns
from .copilot_flags import ALL, CopilotSettings, Flag, read_settings
from .copilot_model import KINDS, READING, TEMPORARY, WITH_COMMANDS, CopilotModel, hidden
from .permissions import EXACT, IDLE, NARROWER, UNSAID, Permission, Permissions, command_tries, said, tries
from .plain_globs import name_pattern
from .ranked import Ranked, bounded, ruled, sayable
from .tool_names import DOTTED, call_patterns
from .url_globs import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..domain.errors import Source
    from ..syntax.tree import RuleNode
    from .permissions import ClientRequest

_OPEN = ("./", "${tmp}/")
_LOOKS = f"{{{','.join(READING)}}} **"
"""Programs that only read."""
_GATED = ("* ** {/,~,..}* **", "* ** */..* **")
"""Commands with a word that may be a path outside."""
_MODEL_TOOLS = frozenset(
    {"view", "glob", "grep", "edit", "create", "bash", "fetch", "web_fetch", "websearch", "githubRepo"}
)
_URL = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>(?:\*\.)?[A-Za-z0-9.-]+(?::\d+)?)(?P<path>/[\w./~-]*)?(?P<open>\*)?", re.ASCII
)


def permissions(sources: Sequence[Source]) -> Permissions:
    """What flags and settings say, together. Raises PolicyError."""
    settings = read_settings(sources)
    bounded(len(settings.flags), sources[0])
    other = DENY if settings.headless else ASK
    entries = [*_own(settings, other), *(_entry(flag) for flag in settings.flags)]
    return Permissions(
        CLIENT.name,
        CLIENT.title,
        tuple(sources),
        tuple(entries),
        CopilotModel(settings),
        not settings.headless,
        settings.remarks,
    )


def _own(settings: CopilotSettings, other: str) -> list[Permission]:
    """What the client does without a flag; `other` is what becomes of what it would ask about."""
    places = [flag.text.rstrip("/") for flag in settings.of("dir") if "$" not in flag.text]
    open_ = [*(_OPEN[:1] if settings.no_temporary else _OPEN), *(f"{place}/" for place in places)]
    reads = said(ALLOW, ["read"], ["/**"] if settings.all_of("paths") else open_)
    looks = said(ALLOW, ["run"], [_LOOKS])
    out = [
        Permission(
            "files of open folders are read",
            ALLOW,
            (reads,),
            tries=tries("read", "a.txt", f"{TEMPORARY}/a", "/etc/hosts"),
        ),
        Permission(
            "programs that only read", ALLOW, (looks,), tries=tries("run", "ls -l", "cat a.txt", "cat /etc/hosts")
        ),
    ]
    if not settings.all_of("paths"):
        gate = said(other, ["read", "write", "delete"], ["/**"], exclude=open_)
        words = said(other, ["run"], _GATED)
        why = "which words of a command are paths is a guess of the client's: here it is every word that looks like one"
        asked = (*tries("write", "/etc/hosts", "a.txt", f"{TEMPORARY}/a"), *tries("run", "make /etc/hosts", "ls ../a"))
        out.append(Permission("paths elsewhere", other, (gate, words), NARROWER, why, asked))
    if not settings.all_of("tools"):
        shells = [made for flag in settings.of("tool") if flag.kind == "shell" and (made := _ranked(flag)) is not None]
        order = [one for effect in (DENY, ALLOW) for one in shells if one.effect == effect]
        order += [Ranked(ALLOW, tuple(f"{name} *" for name in READING), (_LOOKS,), ())]
        order.append(Ranked(other, ("*",), ("**",), ("**",)))
        found = ruled(("run",), order, len(order) - 1)
        if found is not None and not any(one.grants == ("**",) and one.effect == ALLOW for one in order[:-1]):
            rules = (found, said(other, ["setenv"], ["**"]))
            asked = tries("run", "unheard-of x", "timeout 5 unheard-of", "A=1 unheard-of")
            out.append(Permission("commands that no flag names", other, rules, tries=asked))
    for action, actions in {
        "read": ["read"],
        "write": ["write", "delete"],
        "run": ["run"],
        "connect": ["connect"],
    }.items():
        if hidden(settings, action):
            every = [{"run": "**", "connect": ANY}.get(action, "/**")]
            text = f"tools to {action} are not shown"
            resource = {"run": "ls", "connect": "https://example.com/"}.get(action, "a.txt")
            out.append(Permission(text, DENY, (said(DENY, actions, every),), tries=tries(action, resource)))
    return out


def _entry(flag: Flag) -> Permission:
    """One value of one flag."""
    if flag.dead:
        return Permission(flag.shown, flag.effect, fit=IDLE, why=flag.dead, span=flag.span)
    if not sayable([flag.text]):
        why = "it holds a character that nothing that is asked for has"
        return Permission(flag.shown, flag.effect, fit=IDLE, why=why, span=flag.span)
    if flag.about == "all":
        return _everything(flag)
    if flag.about in {"available", "excluded"}:
        why = "what is shown to the model is said above, of the tools that read, write, run and fetch"
        return Permission(flag.shown, flag.effect, fit=UNSAID, why=why, span=flag.span)
    if flag.about == "dir":
        if "$" in flag.text or flag.text.startswith("."):
            return Permission(
                flag.shown, ALLOW, fit=UNSAID, why="which folder it is, is not known here", span=flag.span
            )
        place = flag.text.rstrip("/")
        rule = said(ALLOW, ["read"], [f"{place}/"])
        return Permission(flag.shown, ALLOW, (rule,), tries=tries("read", f"{place}/a", f"{place}q/a"), span=flag.span)
    if flag.about == "url" or flag.kind == "url":
        return _url(flag)
    if flag.kind == "shell":
        return _command(flag)
    if flag.kind in {"write", "read"}:
        return _path(flag)
    return _call(flag)


def _everything(flag: Flag) -> Permission:
    rules: list[RuleNode] = []
    asked: list[ClientRequest] = []
    for what in ALL[flag.text]:
        if what == "tools":
            rules += [said(ALLOW, [action], ["**"]) for action in ("run", "setenv", "call", "do")]
            rules.append(said(ALLOW, ["write", "delete"], ["/**"]))
            rules.append(said(ALLOW, ["push"], ["*:**"]))
            asked += [*tries("run", "unheard-of x", "timeout 5 make", "make > out.txt"), *tries("call", "x.y")]
            asked += [*tries("write", "a.txt", "/etc/hosts")]
        if what == "urls":
            rules.append(said(ALLOW, ["connect"], [ANY]))
            asked += [*tries("connect", "https://example.com/", "http://localhost/")]
        if what == "paths":
            rules.append(said(ALLOW, ["read"], ["/**"]))
            asked += [*tries("read", "/etc/hosts")]
    return Permission(flag.shown, ALLOW, tuple(rules), tries=tuple(asked), span=flag.span)


def _ranked(flag: Flag) -> Ranked | None:
    """A command's flag in the order in which they are looked at; None for one that means no command."""
    argument = flag.argument
    if argument is None:
        return Ranked(flag.effect, ("*",), ("**",), ("**",))
    stem, names = (argument[:-2], True) if argument.endswith(":*") else (argument, False)
    if "*" in stem or not stem.strip():
        return None
    words = stem.split(" ")
    known_by = 2 if words[0] in WITH_COMMANDS else 1
    open_end = names or (len(words) == known_by)
    if (
        not names
        and len(words) != known_by
        and flag.effect == ALLOW
        and not (words[0] in WITH_COMMANDS and len(words) == 1)
    ):
        return None
    found = word_patterns(f"{stem} *" if open_end else stem)
    patterns = found.patterns if found is not None else ()
    return Ranked(flag.effect, (stem, f"{stem} *") if open_end else (stem,), patterns, patterns)


def _command(flag: Flag) -> Permission:
    made = _ranked(flag)
    argument = flag.argument or ""
    if made is None or not made.grants:
        base = argument.partition(" ")[0].rstrip("*:")
        fit, why = UNSAID, "a command is known by its program's name, for `git` and `gh` with the word behind it"
        if "*" in argument.removesuffix(":*"):
            fit, why = IDLE, f"`*` stands for nothing there: it is written `shell({base or 'NAME'}:*)`"
        return Permission(flag.shown, flag.effect, fit=fit, why=why, span=flag.span)
    stem = argument.removesuffix(":*")
    glob = f"{stem} *" if len(made.globs) > 1 else stem or "make"
    rules = [said(flag.effect, ["run"], made.grants)]
    asked = command_tries(glob, grants=flag.effect == ALLOW)
    return Permission(flag.shown, flag.effect, tuple(rules), tries=asked, span=flag.span, misread=_misread(flag))


def _misread(flag: Flag) -> str:
    """What a command's flag means that it does not seem to."""
    argument = flag.argument
    if argument is None or argument.endswith(":*"):
        return ""
    words = argument.split(" ")
    if words[0] in WITH_COMMANDS and len(words) == 1:
        return f"is about `{argument}` with nothing behind it: with its commands it is `shell({argument}:*)`"
    if len(words) > (2 if words[0] in WITH_COMMANDS else 1):
        return "is compared with a command's name, of which options and further words are no part"
    return ""


def _path(flag: Flag) -> Permission:
    actions = ["read"] if flag.kind == "read" else ["write", "delete"]
    argument = flag.argument
    if argument is None:
        every = ["/**"] if flag.effect == DENY else list(_OPEN)
        asked = tries(actions[0], "a.txt", "/etc/hosts")
        return Permission(flag.shown, flag.effect, (said(flag.effect, actions, every),), tries=asked, span=flag.span)
    wanted = posixpath.normpath(argument)
    if wanted.startswith("..") or wanted in {".", "/"}:
        return Permission(flag.shown, flag.effect, fit=UNSAID, why="it is the end of no path", span=flag.span)
    literal = "/".join(
        "".join(name_pattern(c) if c not in "*?" else f"[{c}]" for c in part) for part in wanted.split("/")
    )
    root = "" if wanted.startswith("/") else "/**/" if flag.effect == DENY else "**/"
    misread = "has no wildcards: `*` is a star" if set("*?") & set(argument) else ""
    plain = wanted.lstrip("/")
    asked = tries(actions[0], wanted, f"deep/{plain}", f"{plain}q", f"x{plain}", f"/elsewhere/{plain}")
    rule = said(flag.effect, actions, [f"{root}{literal}"])
    return Permission(flag.shown, flag.effect, (rule,), tries=asked, span=flag.span, misread=misread)


def _url(flag: Flag) -> Permission:
    text = flag.argument if flag.about == "tool" else flag.text
    found = _URL.fullmatch(text.strip()) if text is not None else None
    if text is None:
        rule = said(flag.effect, ["connect"], [ANY])
        return Permission(
            flag.shown, flag.effect, (rule,), tries=tries("connect", "https://example.com/"), span=flag.span
        )
    if found is None or (found["open"] and not found["path"]):
        return Permission(flag.shown, flag.effect, fit=UNSAID, why="it is no host with a path", span=flag.span)
    scheme, host, path = found["scheme"] or "https", found["host"].lower(), found["path"] or ""
    site = f"{scheme}://{host}"
    whole, plain = True, path.rstrip("/")
    if not plain:
        patterns = [site]
    elif found["open"]:
        folder = path.rpartition("/")[0]
        whole = path.endswith("/")
        patterns = [f"{site}{folder}/**"] if whole or flag.effect == DENY else []
    else:
        patterns = [f"{site}{plain}", f"{site}{plain}/**"] if flag.effect == DENY else [f"{site}{plain}"]
    if not patterns:
        return Permission(
            flag.shown, flag.effect, fit=UNSAID, why="a star inside a name of a path cannot be said", span=flag.span
        )
    name = host.replace("*", "a")
    other = "http" if scheme == "https" else "https"
    asked = tries(
        "connect",
        *(f"{scheme}://{name}{plain}{end}" for end in ("", "/a", "x")),
        f"{other}://{name}{plain}",
        f"{scheme}://b.{name}{plain}",
        f"{scheme}://{name}.evil.example{plain}",
    )
    fit = EXACT if whole else NARROWER
    misread = "" if found["scheme"] else "means `https` alone: with `http` it is another host"
    why = "" if whole else "a star inside a name of a path is said of the folder"
    return Permission(
        flag.shown, flag.effect, (said(flag.effect, ["connect"], patterns),), fit, why, asked, flag.span,
        misread if flag.effect == DENY else "",
    )  # fmt: skip


def _call(flag: Flag) -> Permission:
    kind, argument = flag.kind, flag.argument
    if kind in KINDS:
        return Permission(flag.shown, flag.effect, fit=UNSAID, why=f"`{kind}` is not part of a request", span=flag.span)
    if "*" in f"{kind}{argument or ''}":
        return Permission(flag.shown, flag.effect, fit=IDLE, why="`*` stands for nothing there", span=flag.span)
    if kind in _MODEL_TOOLS:
        why = f"`{kind}` is a tool of the model's and no kind of permission: it is read as an MCP server's name"
        return Permission(flag.shown, flag.effect, fit=IDLE, why=why, span=flag.span)
    restricts = flag.effect != ALLOW
    patterns = (
        call_patterns(kind, argument, wild="", restricts=restricts)
        if argument is not None
        else [f"{name_pattern(kind, '')}.{'**' if restricts else '*'}"]
    )
    if not patterns:
        return Permission(flag.shown, flag.effect, fit=UNSAID, why=DOTTED, span=flag.span)
    tool = argument if argument is not None else "x"
    asked = tries("call", f"{kind}.{tool}", f"{kind}.{tool}y", f"{kind}y.{tool}")
    return Permission(flag.shown, flag.effect, (said(flag.effect, ["call"], patterns),), tries=asked, span=flag.span)
