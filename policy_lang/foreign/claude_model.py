"""A model of Claude Code's answers to requests, by its documented rules."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import record
from .claude_rules import EDITS, EFFECTS, READS, SHELLS, WRITES, ClaudeRule, ClaudeSettings, anchor
from .ignore_globs import matches as path_matches
from .paths import absolute
from .permissions import HOME, WORKSPACE, ClientRequest, strictest
from .shell_text import SimpleText, simple_commands
from .text_globs import starred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

READING = (
    "ls", "cat", "echo", "pwd", "head", "tail", "grep", "find", "wc", "which", "diff", "stat", "du", "cd",
    "true", "false", "whoami", "id", "uname", "nproc", "groups", "basename", "dirname", "seq", "uptime", "free", "tr",
    "sleep")  # fmt: skip
"""Programs that it runs unasked, as long as they only read."""
READING_GIT = ("status", "log", "diff", "show", "blame", "branch", "rev-parse", "ls-files", "remote", "tag")
BARE_GIT = ("branch", "remote", "tag")
"""Those of them that only read when nothing more is said."""
EDITING = ("mkdir", "touch", "rm", "rmdir", "mv", "cp")
"""Programs that `acceptEdits` runs unasked in the workspace."""
_WRAPPERS = frozenset({"timeout", "time", "nice", "nohup", "stdbuf", "command", "builtin", "noglob", "xargs"})
"""What is taken off a command before it is compared."""
_HARMLESS_VARIABLES = frozenset(
    {"CI", "NODE_ENV", "LANG", "LC_ALL", "TZ", "NO_COLOR", "FORCE_COLOR", "RUST_LOG", "GOOS", "GOARCH"}
)
PROTECTED_FOLDERS = (
    ".git",
    ".config/git",
    ".vscode",
    ".idea",
    ".husky",
    ".cargo",
    ".devcontainer",
    ".yarn",
    ".mvn",
    ".claude",
)
PROTECTED_FILES = (
    ".bashrc",
    ".bash_profile",
    ".zshrc",
    ".zprofile",
    ".zshenv",
    ".profile",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".gitconfig",
    ".gitmodules",
    ".mcp.json",
    ".pre-commit-config.yaml",
    ".envrc",
    ".ripgreprc",
    "bunfig.toml",
    "pyrightconfig.json",
    "lefthook.yml",
    ".lefthook.yml",
    "lefthook.yaml",
    ".bash_login",
    ".bash_logout",
    ".zlogin",
    ".zlogout",
    ".claude.json",
    ".devcontainer.json",
    ".pnp.cjs",
    ".pnp.loader.mjs",
    ".pnpmfile.cjs",
    ".bazelrc",
    ".bazelversion",
    ".bazeliskrc",
    "gradle-wrapper.properties",
    "maven-wrapper.properties",
)
"""What no grant lets be written unasked."""
NOT_LOOKED_THROUGH = ("watch", "setsid", "ionice", "flock", "eval", "exec")
"""Programs that start others, which no grant of the others covers, and none of theirs with a star."""
STARTING = ("env", "bash", "sh", "zsh", "dash", "ksh", "git -*")
"""Beginnings of commands that start others, and are granted by rules about them alone."""
TAKEN_OFF = ("nohup", "nice", "stdbuf", "xargs")
"""What is taken off before rules are compared, and asked about before a program that only reads."""
STAT = "stat"
_FILE_READERS = frozenset(
    {
        STAT, "awk", "base64", "cat", "cd", "cmp", "column", "comm", "cp", "cut", "diff", "file", "find", "git", "grep",
        "head", "hexdump", "jq", "ls", "md5sum", "mv", "nl", "od", "paste", "rg", "sed", "sha256sum", "sort", "strings",
        "tac", "tail", "uniq", "wc",
    }
)  # fmt: skip
"""Programs whose files rules of `Read` that deny hold for as well (2.1.332 was asked)."""
_SCRIPT_FIRST = frozenset({"awk", "grep", "jq", "rg", "sed"})
"""Those whose first operand is no file."""
_ROOTED = frozenset({"cat", "head", "tail", "grep", "sed", "wc", "sort", "cp", "mv", "find", "cd", "ls"})
"""Those whose files are asked about outside the workspace, whatever is granted of the command."""
_FILE_WRITERS = frozenset({"tee", "touch", "mkdir", "rm", "rmdir", "cp", "mv", "sed"})
"""Programs whose files are looked at as those that an edit writes."""
_ACTING = re.compile(r"-(?:exec|execdir|ok|okdir|delete|fprint\S*|fls)\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\\\]*\"")
_UNREAD = re.compile(r"[$`(){}]|<\(|\\\s|<<(?!<)|(?<![&>|])&(?![&>])|\bcase\b|\btime -")
"""What is asked about outside plain quotes: expansions, groups, functions, background, here-documents."""
_EXPANDED = re.compile(r"[~$*?\[{`]")


@record(frozen=True, slots=True)
class ClaudeModel:
    """Settings as answers. Called with a request, it says allow, ask or deny."""

    settings: ClaudeSettings

    def __call__(self, asked: ClientRequest) -> str:
        """The answer to one request."""
        if asked.action == "run":
            answer = self._script(asked.resource)
        elif asked.action in {"read", "write", "delete"}:
            answer = self._path(asked.action, asked.resource)
        elif asked.action == "connect":
            answer = self._tool("WebFetch", lambda spec: _domain(spec, asked.resource)) or ASK
        elif asked.action == "call":
            server, _, tool = asked.resource.partition(".")
            answer = self._mcp(f"mcp__{server}__{tool}", server) or ASK
        else:
            answer = self._tool(asked.resource.removeprefix("claude."), lambda _: False) or ASK
        return DENY if answer == ASK and self.settings.mode == "dontAsk" else answer

    def _tool(self, tool: str, fits: object) -> str | None:
        """The first effect of which a rule of the tool fits."""
        for effect in EFFECTS:
            for rule in self.settings.counted:
                named = rule.tool == tool or (effect != ALLOW and "*" in rule.tool and starred(rule.tool, tool))
                if rule.effect == effect and named and (rule.spec is None or fits(rule.spec)):  # type: ignore[operator]
                    return effect
        return None

    def _mcp(self, name: str, server: str) -> str | None:
        for effect in EFFECTS:
            for rule in self.settings.counted:
                if rule.effect != effect or rule.spec is not None:
                    continue
                wide = "*" in rule.tool and (effect != ALLOW or "*" not in rule.tool.rpartition("__")[0])
                wide = wide and (effect != ALLOW or rule.tool.count("__") > 1)
                if rule.tool in {name, f"mcp__{server}"} or (wide and starred(rule.tool, name)):
                    return effect
        return None

    # commands

    def _script(self, script: str) -> str:
        whole = self._tool("Bash", lambda _: False)
        if whole == DENY:
            return DENY
        commands = simple_commands(script)
        if commands is None:
            return DENY if any(r.effect == DENY and _means(r, script) for r in self._shell_rules()) else ASK
        timed = script.lstrip().startswith("time ")  # a word of the shell, which is no part of the command
        effects = [self._command(one, timed=timed) for one in commands]
        if whole != ALLOW and (_UNREAD.search(_QUOTED.sub("''", script)) or self._moved(commands)):
            effects.append(ASK)
        return strictest(effects, ALLOW)

    def _moved(self, commands: tuple[SimpleText, ...]) -> bool:
        """Whether a folder is entered and then something done there that is not looked at in time."""
        names = {one.words[0] for one in commands if one.words}
        denies = any(rule.effect == DENY and rule.tool in READS for rule in self.settings.counted)
        acting = {"git", "hg", *EDITING, "tee", "sed", *({*READING, *_FILE_READERS} - {"cd"} if denies else ())}
        return "cd" in names and (bool(names & acting) or any(one.outputs for one in commands))

    def _command(self, command: SimpleText, *, timed: bool) -> str:
        forms = [command, *_unwrapped(command)]
        inner, texts = forms[-1], [form.text for form in forms]
        effects = [self._written(place) for place in command.outputs if place != "/dev/null"]
        effects += [self._read_in(place, asks=True) for place in command.inputs]
        effects += self._files(inner)
        restricted = [*texts, *_plainer(inner)]
        for effect in (DENY, ASK):
            tried = restricted if effect == DENY else texts
            if any(rule.effect == effect and _means(rule, text) for rule in self._shell_rules() for text in tried):
                effects.append(effect)
        named = set(command.assigned) <= _HARMLESS_VARIABLES
        name = inner.words[0] if inner.words else ""
        acts = name in NOT_LOOKED_THROUGH or (name == "find" and _ACTING.search(inner.text) is not None)
        granted = (named or not command.assigned) and any(
            rule.effect == ALLOW and _means(rule, text) and (not acts or rule.spec in {None, "*", text})
            for rule in self._shell_rules()
            for text in texts
        )
        granted = granted and "*" not in "".join(inner.words[:1])
        unasked = named and not timed and all(form.words[:1] in {("timeout",), ("builtin",)} for form in forms[:-1])
        unasked = unasked and self._unasked(inner, plain=len(forms) == 1 and not command.assigned)
        if name in {"rm", "rmdir"} and any(
            _critical(word) or ("*" in word and not self._whole()) for word in inner.words[1:]
        ):
            effects.append(ASK)
        effects.append(ALLOW if granted or unasked or self.settings.sandboxed else ASK)
        return strictest(effects, ASK)

    def _files(self, command: SimpleText) -> list[str]:
        """The effects of the files that a command reads and writes, as far as it is known to."""
        name = command.words[0] if command.words else ""
        places = [word for word in command.words[1:] if word[:1] != "-"]
        read = places[1:] if name in _SCRIPT_FIRST and command.words[1:2] == tuple(places[:1]) else places
        out = [self._read_in(place, asks=name in _ROOTED) for place in read] if name in _FILE_READERS else []
        edits = name in _FILE_WRITERS and (name != "sed" or "-i" in command.words)
        return out + [self._edited(place) for place in places] if edits else out

    def _read_in(self, place: str, *, asks: bool) -> str:
        effect = self._path("read", place, tool=False)
        return ALLOW if effect == ASK and (not asks or self._whole()) else effect

    def _edited(self, place: str) -> str:
        """The effect of a file that a granted command writes: inside the workspace it needs no grant of its own."""
        effect, path = self._path("write", place, tool=False), absolute(place)
        if effect == DENY and not self._ruled(DENY, EDITS | READS, path, folders=False) and not self._tool_named(DENY):
            return ASK  # a folder with what no edit may change in it
        free = self._inside(path) and not _protected(path)
        return ALLOW if effect == ASK and (free or (self._whole() and not _protected(path))) else effect

    def _written(self, place: str) -> str:
        """The effect of writing to a file by redirection: what is expanded first is asked about."""
        effect = self._path("write", place, tool=False)
        return strictest((effect, ASK), ASK) if _EXPANDED.search(place) else effect

    def _whole(self) -> bool:
        return any(r.effect == ALLOW and r.spec in {None, "*"} for r in self._shell_rules())

    def _shell_rules(self) -> Iterable[ClaudeRule]:
        return (rule for rule in self.settings.counted if rule.tool in SHELLS)

    def _unasked(self, command: SimpleText, *, plain: bool) -> bool:
        """Whether it is a command that needs no permission: it only reads, or edits where edits are accepted."""
        words = command.words
        if not words:
            return True
        if "--output" in command.text or (words[0] == "find" and "*" in _QUOTED.sub("", command.text)):
            return False
        places = [w for w in words[1:] if not w.startswith("-")]
        if words[0] in READING and not _ACTING.search(command.text):
            named = places if words[0] not in {"echo", "grep", "which"} else places[1:]
            return all(self._path("read", place, tool=False) == ALLOW for place in named if words[0] != "echo")
        if words[0] == "git" and len(words) > 1 and words[1] in READING_GIT:
            return words[1] not in BARE_GIT or len(words) == 2
        if self.settings.mode == "acceptEdits" and words[0] in EDITING and plain:
            flags = len(places) < len(words) - 1
            if "--" in words or (flags and words[0] in {"cp", "mv"}) or any(_EXPANDED.search(w[1:]) for w in places):
                return False
            return all(self._path("write", place) == ALLOW for place in places)
        return False

    # paths

    def _path(self, action: str, text: str, *, tool: bool = True) -> str:
        """The answer about a path, of a tool or of a command: rules that ask, and bare ones, are about tools alone."""
        path = absolute(text)
        inside = self._inside(path)
        if action == "read" and not inside and self.settings.blocked_outside:
            return DENY
        tools = READS if action == "read" else EDITS
        if action != "read" and (self._ruled(DENY, READS, path) or self._tool_named(DENY)):
            return DENY
        for effect in EFFECTS:
            if effect == ALLOW and action != "read" and (_protected(path) or self.settings.mode == "plan"):
                return ASK
            if effect == ASK and not tool:  # holds for its own tools alone (2.1.332)
                continue
            if self._ruled(effect, tools, path) and not (effect == ALLOW and action == "delete"):  # no tool deletes
                return effect
        if action == "delete":
            return ALLOW if inside and self.settings.mode == "acceptEdits" else ASK
        if tool and action != "read" and self._tool_named(ALLOW, "Edit") and self._tool_named(ALLOW, "Write"):
            return ALLOW
        return ALLOW if inside and (action == "read" or self.settings.mode == "acceptEdits") else ASK

    def _tool_named(self, effect: str, *tools: str) -> bool:
        """Whether a rule names one of the tools, or any that writes, and no path: it is about that tool alone."""
        named = tools or WRITES
        return any(r.effect == effect and r.tool in named and r.spec is None for r in self.settings.counted)

    def _ruled(self, effect: str, tools: frozenset[str], path: str, *, folders: bool = True) -> bool:
        rules = (r for r in self.settings.counted if r.effect == effect and r.tool in tools)
        return any(_path_means(r, path, folders) for r in rules if r.spec or effect != ALLOW or tools is READS)

    def _inside(self, path: str) -> bool:
        return any(path == folder or path.startswith(f"{folder}/") for folder in self._folders())

    def _folders(self) -> list[str]:
        return [WORKSPACE, *(absolute(folder) for _, folder in self.settings.folders)]


def _critical(place: str) -> bool:
    """Whether a place is one whose removal is asked about whatever is granted."""
    path = absolute(place)
    return place == "*" or path.count("/") == 1 or path in (HOME, WORKSPACE) or WORKSPACE.startswith(f"{path}/")


def _means(rule: ClaudeRule, text: str) -> bool:
    """Whether a rule of `Bash` means a command's text."""
    if rule.spec is None:
        return True
    glob = glob_of(rule.spec)
    return starred(glob, text) or (glob.endswith(" *") and glob.count("*") == 1 and glob[:-2] == text)


def glob_of(spec: str) -> str:
    """A specifier as a glob: `x:*` is `x *`."""
    return f"{spec[:-2]} *" if spec.endswith(":*") else spec


def _plainer(command: SimpleText) -> list[str]:
    """Texts that a denial is compared with as well: without quotes and the program's folder, behind what starts it."""
    words = [word.replace("\\", "") for word in command.words]
    while words and words[0] in _STARTERS:
        words = words[1:]
        while words and (words[0].startswith("-") or "=" in words[0]):
            words = words[1:]
    return [" ".join([words[0].rpartition("/")[2], *words[1:]])] if words else []


_STARTERS = frozenset({"env", "watch", "setsid", "exec"})
"""Programs behind which denials look for another."""


def _unwrapped(command: SimpleText) -> list[SimpleText]:
    """The command without what only starts it, one after the other."""
    out: list[SimpleText] = []
    while command.words and command.words[0] in _WRAPPERS:
        name, count = command.words[0], 1
        if name in {"xargs", "time", "command"} and command.words[1:2] and command.words[1].startswith("-"):
            break
        while len(command.words) > count and _OF_WRAPPER.fullmatch(command.words[count]):
            count += 1
        command = command.behind(count)
        out.append(command)
    return out


_OF_WRAPPER = re.compile(r"-.*|[\d.]+[smhd]?")
"""Options of a wrapper, and the times that it takes."""


def _protected(path: str) -> bool:
    """Whether a path is one that no grant lets be written unasked."""
    inside = path.removeprefix(f"{WORKSPACE}/").removeprefix(f"{HOME}/").lower()
    return inside.rpartition("/")[2] in PROTECTED_FILES or any(f"/{f}/" in f"/{inside}/" for f in PROTECTED_FOLDERS)


def _path_means(rule: ClaudeRule, path: str, folders: bool = True) -> bool:
    if rule.spec is None:
        return True
    base, glob, anywhere = anchor(rule)
    root = {"": WORKSPACE, "~/": HOME}.get(base, f"{HOME}/.claude" if base.startswith("~/") else base.rstrip("/"))
    if root and not (path == root or path.startswith(f"{root}/")):
        return False
    parts = [part for part in path[len(root) :].split("/") if part]
    if glob.endswith("/"):  # what lies in it
        return path_matches(glob, parts[:-1], anywhere=anywhere)
    folder = glob.removesuffix("/**")  # means the folder as well
    return path_matches(glob, parts, anywhere=anywhere) or (
        folders and folder != glob and path_matches(folder, parts, anywhere=anywhere)
    )


def _domain(spec: str, url: str) -> bool:
    if not spec.startswith("domain:"):
        return False
    host = (urlsplit(url if "://" in url else f"//{url}").hostname or "").rstrip(".")
    glob = spec.removeprefix("domain:").lower().rstrip(".")
    if glob == "*":
        return True
    mine, theirs = glob.split("."), host.split(".")
    if mine[0] == "*" and len(theirs) >= len(mine):
        theirs = ["*", *theirs[len(theirs) - len(mine) + 1 :]]
    return len(mine) == len(theirs) and all(starred(g, t) for g, t in zip(mine, theirs, strict=True))
