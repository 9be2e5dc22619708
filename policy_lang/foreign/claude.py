"""Claude Code's settings, in every scope, as rules of this language."""

from __future__ import annotations

import dataclasses
import itertools
import re

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import replace
from ..pep.clients.claude import CLIENT
from ..syntax import emit
from .claude_model import (
    BARE_GIT,
    EDITING,
    NOT_LOOKED_THROUGH,
    PROTECTED_FILES,
    PROTECTED_FOLDERS,
    READING,
    READING_GIT,
    STARTING,
    STAT,
    TAKEN_OFF,
    ClaudeModel,
    glob_of,
)  # fmt: skip
from .claude_rules import EDITS, IDLE_PATHS, READS, SHELLS, WRITES, ClaudeRule, ClaudeSettings, anchor, read_settings
from .command_globs import RESERVED, word_patterns
from .ignore_globs import path_patterns
from .located import Located, json_of, span_of
from .permissions import (
    IDLE,
    NARROWER,
    UNSAID,
    ClientRequest,
    Permission,
    Permissions,
    command_tries,
    path_tries,
    said,
    tries,
)
from .shell_text import simple_commands
from .text_globs import meet
from .tool_names import DOTTED, call_patterns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..domain.errors import Source
    from ..syntax.tree import RuleNode

_MODES = {
    "auto": "in the mode `auto` a model answers what would be asked: by the policy a person does",
    "bypassPermissions": "in the mode `bypassPermissions` nothing is asked about: it is not taken over",
}  # fmt: skip
_MCP = re.compile(r"mcp__(?P<server>.+?)(?:__(?P<tool>.+))?", re.ASCII)
_TOP = re.compile(r"/[^/]+/", re.ASCII)


def permissions(sources: Sequence[Source]) -> Permissions:
    """What settings files say, together. Raises PolicyError."""
    settings = read_settings([(source, json_of(source)) for source in sources])
    model = ClaudeModel(settings)
    entries = [*_own(settings), *(_told_apart(_entry(rule, settings), model) for rule in settings.rules)]
    entries += [_folder(source, folder) for source, folder in settings.folders]
    if settings.mode == "dontAsk":  # what would be asked is denied
        entries = [_denied(entry) for entry in entries]
    remarks = [(text, None) for text in (_MODES.get(settings.mode),) if text]
    return Permissions(
        CLIENT.name, CLIENT.title, tuple(sources), tuple(entries), model, settings.mode != "dontAsk",
        (*remarks, *settings.remarks),
    )  # fmt: skip


def _denied(entry: Permission) -> Permission:
    if entry.effect != ASK:
        return entry
    word = emit.rule(DENY, ["run"], ["x"]).effect
    rules = tuple(dataclasses.replace(rule, effect=word, tier=None) for rule in entry.rules)
    return replace(entry, effect=DENY, rules=rules)


def _own(settings: ClaudeSettings) -> list[Permission]:
    """What the client does without an entry."""
    look = said(ALLOW, ["run"], [f"{{{','.join(READING)}}} **"])
    open_ended = [name for name in READING_GIT if name not in BARE_GIT]
    git = said(ALLOW, ["run"], [f"git {{{','.join(open_ended)}}} **", f"git {{{','.join(BARE_GIT)}}}"])
    places = [f"**/{{{','.join(PROTECTED_FOLDERS)}}}/", f"**/{{{','.join(PROTECTED_FILES)}}}"]
    out = [
        _does("reads in the workspace", "read", ["a.txt", "a/b", "/etc/hosts"], said(ALLOW, ["read"], ["./"])),
        _does("programs that only read", "run", ["ls -l", "cat a.txt", "git status"], look, git),
        _does("programs that start others", "run", ["setsid ls", "ls | xargs -n1 wc", "env ls"], _starters(settings)),
        _does("removals by `*`", "run", ["rm -rf *", "rm *"], said(ASK, ["run"], ["{rm,rmdir} ** *[*]* **"])),
        _does("places that are never written unasked", "write", [".npmrc"], said(ASK, ["write", "delete"], places)),
    ]
    if any(rule.effect == DENY and rule.tool in READS for rule in settings.counted):
        out.append(
            replace(_does(f"`{STAT}`", "run", [f"{STAT} a.txt"], said(ASK, ["run"], [f"{STAT} **"])), why=_STATED)
        )
    if settings.blocked_outside:
        out.append(_does("the block on reads outside", "read", ["/etc/hosts"], _blocked(settings)))
    if settings.mode == "plan":
        out.append(_does("the mode `plan`", "write", ["a.txt"], said(ASK, ["write", "delete"], ["/**"])))
    if settings.sandboxed:
        inside = said(ALLOW, ["run"], ["**"], when=emit.compare("confined", "truth"))
        why = "commands run unasked in the client's sandbox: here behind the walls of `policy run`"
        out.append(replace(_does("the sandbox", "run", ["make all"], inside), fit=NARROWER, why=why))
    if settings.mode == "acceptEdits":
        write = said(ALLOW, ["write", "delete"], ["./"])
        edit = said(ALLOW, ["run"], [f"{{{','.join(EDITING)}}} **"], exclude=_NOT_EDITING)
        out.append(_does("the mode `acceptEdits`", "write", ["a.txt", "/etc/hosts"], write, edit))
    return out


def _starters(settings: ClaudeSettings) -> RuleNode:
    """What asks about programs that start others, as far as no grant is about them."""
    grants = [glob_of(rule.spec or "*") for rule in settings.counted if rule.tool in SHELLS and rule.effect == ALLOW]
    about = [glob for glob in grants if glob == "*" or glob[:1] != "*"]
    alone = [one for one in STARTING if not any(meet(glob, f"{one} *") for glob in about)]
    names = [*NOT_LOOKED_THROUGH, *(one for one in alone if " " not in one), *(() if grants else TAKEN_OFF)]
    options = [f"{one} **" for one in alone if " " in one]
    acting = ["xargs -* **", "find ** {-exec,-execdir,-ok,-okdir,-delete} **"]
    return said(ASK, ["run"], [f"{{{','.join(names)}}} **", *options, *acting])


_NOT_EDITING = ("{cp,mv} ** -* **", f"{{{','.join(EDITING)}}} ** *[*?]* **")
"""Commands of the mode `acceptEdits` that are asked about all the same."""
_STATED = "what it names is denied where a read is denied: as it does not read, all of it is asked about"


def _blocked(settings: ClaudeSettings) -> RuleNode:
    folders = [f"{folder.rstrip('/') or ''}/" for _, folder in settings.folders]
    return said(DENY, ["read"], ["/**"], exclude=["./", *folders])


def _does(text: str, action: str, asked: Sequence[str], *rules: RuleNode) -> Permission:
    return Permission(text, rules[0].effect.text, rules, tries=tries(action, *asked))


def _folder(source: Source, folder: Located) -> Permission:
    place = folder.rstrip("/") or "/"
    rule, asked = said(ALLOW, ["read"], [f"{place}/"]), tries("read", f"{place}/a")
    return Permission(f"additionalDirectories {folder}", ALLOW, (rule,), tries=asked, span=span_of(source, folder))


def _entry(rule: ClaudeRule, settings: ClaudeSettings) -> Permission:
    """One rule of a file."""
    blank = Permission(f"{rule.effect} {rule.text}", rule.effect, span=span_of(rule.source, rule.text))
    why = settings.why_idle(rule)
    return replace(blank, fit=IDLE, why=why) if why else _read(rule, blank)


def _read(rule: ClaudeRule, entry: Permission) -> Permission:
    tool, spec = rule.tool, rule.spec
    if tool in SHELLS:
        return _command(rule, entry)
    if tool in READS | EDITS or (tool in WRITES and spec is None):
        return _path(rule, entry)
    if tool in IDLE_PATHS and spec is None:
        return replace(entry, fit=UNSAID, why=f"which tool reads, such as `{tool}`, is not part of a read")
    if tool in IDLE_PATHS:
        other = "Edit" if tool in WRITES else "Read"
        return replace(
            entry, fit=IDLE, why=f"rules of `{tool}` about paths are never looked at: write `{other}({spec})`"
        )
    if tool == "WebFetch":
        return _fetch(rule, entry)
    if tool.startswith("mcp__"):
        return _call(rule, entry)
    if tool in CLIENT.harmless:
        return replace(entry, fit=IDLE, why=f"`{tool}` needs no permission")
    if tool in CLIENT.operations and spec is None:
        name = f"{CLIENT.name}.{tool}"
        return _says(entry, tries("do", name), said(rule.effect, ["do"], [name]))
    if tool == "PowerShell":
        return replace(entry, fit=UNSAID, why="what PowerShell runs is not read: a script of it is code, as any other")
    if tool in CLIENT.operations and rule.effect != ALLOW:  # at least what was restricted
        name = f"{CLIENT.name}.{tool}"
        made = _says(entry, tries("do", name), said(ASK, ["do"], [name]))
        return replace(
            made, fit=NARROWER, why=f"what `{tool}` is given is not part of its operation: all of it is asked"
        )
    if spec is not None:
        return replace(entry, fit=UNSAID, why=f"what `{tool}` is given is not part of its operation")
    if "*" in tool and rule.effect == ALLOW:
        return replace(entry, fit=IDLE, why="a grant names its tool in full")
    return replace(entry, fit=UNSAID, why=f"no tool is known as `{tool}`")


def _says(entry: Permission, asked: tuple[ClientRequest, ...], *rules: RuleNode) -> Permission:
    return replace(entry, rules=rules, tries=asked)


def _command(rule: ClaudeRule, entry: Permission) -> Permission:
    if rule.spec is None or rule.spec.strip() == "*":
        return _says(entry, tries("run", "make x", "npm test && make y"), said(rule.effect, ["run"], ["**"]))
    glob = glob_of(rule.spec)
    if glob.split(" ")[0] in RESERVED:
        return replace(entry, fit=IDLE, why="a piece of a loop or a branch is no command")
    if len(simple_commands(glob) or ()) > 1:
        return replace(entry, fit=IDLE, why="commands are compared one by one, and this is more than one")
    found = word_patterns(glob, wider=rule.effect != ALLOW)
    if found is None:
        why = "it is not the text of one plain command, whose words could be named"
        begin = word_patterns(f"{_plain_beginning(glob)} *", wider=True) if rule.effect != ALLOW else None
        if begin is None:
            return replace(entry, fit=UNSAID, why=why)
        return replace(_says(entry, (), said(rule.effect, ["run"], begin.patterns)), fit=NARROWER, why=why)
    made = _says(entry, command_tries(glob, grants=rule.effect == ALLOW), said(rule.effect, ["run"], found.patterns))
    if not found.whole:
        why = "a star that stands for parts of words, and for blanks as well, cannot be said of words"
        made = replace(made, fit=NARROWER, why=why)
    return replace(made, misread=_misread_command(rule, glob))


def _plain_beginning(glob: str) -> str:
    """The words of a glob up to the first that could not be named; empty where that is the first."""
    words = glob.split(" ")
    named = itertools.takewhile(lambda word: not set(word) & _SPECIAL, words)
    return " ".join(named)


_SPECIAL = frozenset("$`\\'\"(){}<>|&;")
"""Characters that mean something to the shell."""


def _misread_command(rule: ClaudeRule, glob: str) -> str:
    """What a rule about commands means, where it reads otherwise."""
    if rule.effect == ALLOW and glob[-1:] == "*" and glob.count("*") == 1 and glob[-2:-1].isalnum():
        return f"means `{glob[:-1]}x` as well, another word that begins so: `{glob[:-1]} *` ends the word there"
    if ":*" in glob:
        return "has `:*` inside, where it is a colon and a star: only at the end does it mean any further words"
    if rule.effect == DENY and "*" not in glob:
        return f"denies exactly this text, and not `{glob} x`: write `{glob} *`"
    return ""


def _told_apart(entry: Permission, model: ClaudeModel) -> Permission:
    """The entry, not called misread where another one denies what it does not."""
    longer = f"{entry.text.partition('(')[2].removesuffix(')')} x"
    exact = entry.misread.startswith("denies exactly")
    return replace(entry, misread="") if exact and model(ClientRequest("run", longer)) == DENY else entry


def _path(rule: ClaudeRule, entry: Permission) -> Permission:
    if rule.effect == ALLOW and rule.spec is None and rule.tool not in READS:
        why = f"it permits the tool `{rule.tool}` alone, no redirection and no other tool: write `Edit(**)`"
        return replace(entry, fit=UNSAID, why=why)
    actions = ["read"] if rule.tool in READS else ["write"]
    if rule.effect == DENY:  # a denied read keeps the edit away as well
        actions = [*dict.fromkeys([*actions, "write", "delete"])]
    elif rule.effect == ASK and actions == ["write"]:
        actions.append("delete")
    if rule.spec is None or rule.spec == "//**":
        return _says(entry, tries(actions[0], "a", "/etc/hosts", "~/a"), said(rule.effect, actions, ["/**"]))
    if rule.spec.startswith("!"):
        why = "an exception is part of the rule that it is made from: put it there, as `except`"
        return replace(entry, fit=UNSAID, why=why)
    base, glob, anywhere = anchor(rule)
    patterns = path_patterns(
        f"{glob}**" if glob.endswith("/") else glob, base=base, anywhere=anywhere, below=rule.effect != ALLOW
    )
    folder = glob.removesuffix("/**")
    if rule.effect != ALLOW and folder not in {glob, "**", ""}:  # it means the folder as well
        patterns = (*patterns, *(p.removesuffix("/") for p in path_patterns(folder, base=base, anywhere=anywhere)))
    asked = [one for action in actions for one in path_tries(action, base, glob)]
    made = _says(entry, tuple(asked), said(rule.effect, actions, patterns))
    if rule.spec.startswith("/") and not rule.spec.startswith("//") and _TOP.match(rule.spec):
        top = rule.spec.split("/")[1]
        if top in _MACHINE:
            return replace(
                made, misread=f"begins in the folder of the settings: `/{rule.spec}` is the machine's `/{top}`"
            )
    return made


_MACHINE = frozenset(
    ["etc", "usr", "var", "opt", "root", "home", "Users", "proc", "sys", "dev", "boot", "mnt", "srv", "tmp", "private"]
)
"""Folders that machines have below `/`, and repositories seldom have at their top."""


def _fetch(rule: ClaudeRule, entry: Permission) -> Permission:
    spec = rule.spec or "domain:*"
    host = spec.removeprefix("domain:").lower().rstrip(".")
    if not spec.startswith("domain:") or not host:
        return replace(entry, fit=IDLE, why="a rule of `WebFetch` is about `domain:HOST`")
    name = "example.com" if host == "*" else host.replace("*", "a")
    urls = (
        f"https://{name}/",
        f"https://{name}/a/b",
        f"http://{name}/",
        f"https://b.{name}/",
        f"https://{name}.x.example/",
    )
    return _says(
        entry, tries("connect", *urls), said(rule.effect, ["connect"], ["**:*" if host == "*" else f"{host}:*"])
    )


def _call(rule: ClaudeRule, entry: Permission) -> Permission:
    found = _MCP.fullmatch(rule.tool)
    if found is None or (rule.effect == ALLOW and "*" in found["server"]):
        return replace(entry, fit=IDLE, why="a grant of MCP tools names its server: `mcp__SERVER__*`")
    if rule.spec is not None:
        return replace(entry, fit=IDLE, why="a rule about an MCP tool takes nothing in parentheses")
    server, tool = found["server"], found["tool"] or "*"
    names = (f"{server}.{tool}", f"{server}.{tool}other", f"{server}x.{tool}")
    asked = tries("call", *(name.replace("*", "x") for name in names))
    patterns = call_patterns(server, tool, wild="*", restricts=rule.effect != ALLOW)
    return (
        _says(entry, asked, said(rule.effect, ["call"], patterns))
        if patterns
        else replace(entry, fit=UNSAID, why=DOTTED)
    )
