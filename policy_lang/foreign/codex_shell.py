"""A shell's script as Codex reads it: plain commands that it compares with rules one by one, or one whole.

It takes a script apart only when all of it is plain words, joined by `&&`, `||`, `;`, `|` and line ends: no
redirection, no variable, no substitution, no assignment, no control flow. One command with a here-document is the
exception.
"""

from __future__ import annotations

import posixpath
import re

from .shell_text import simple_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

Words = tuple[str, ...]
SHELL = "/bin/bash"
"""The shell in which commands are started, where nothing else is said."""
_SHELLS = frozenset({"bash", "zsh", "sh"})
READING = (
    "cat", "cd", "cut", "echo", "expr", "false", "grep", "head", "id", "ls", "nl", "numfmt", "paste", "pwd", "rev",
    "seq", "stat", "tac", "tail", "tr", "true", "uname", "uniq", "wc", "which", "whoami",
)  # fmt: skip
"""Programs that it knows as only reading, with any options (`is_safe_command.rs`, for Linux)."""
_FIND_ACTS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-delete", "-fls", "-fprint", "-fprint0", "-fprintf"})
_RG_ACTS = re.compile(r"--search-zip|-z|--pre|--pre=.*|--hostname-bin|--hostname-bin=.*", re.DOTALL)
_BASE64_WRITES = re.compile(r"-o.*|--output|--output=.*", re.DOTALL)
_SED_LINES = re.compile(r"(?:[0-9]+,)?[0-9]+p", re.ASCII)
_GIT_LOOKS = frozenset({"status", "log", "diff", "show", "branch"})
_GIT_ACTS = re.compile(r"-[cp].*|--output.*|--ext-diff|--textconv|--exec|--config-env.*|--paginate", re.DOTALL)
_GIT_LISTS = frozenset({"--show-current", "-a", "--all", "-r", "--remotes", "-v", "-vv", "--list", "-l", "--verbose"})
_TOKEN = re.compile(
    r"(?P<blank>(?:[ \t\r]|\\\n)+)|(?P<end>\n)|(?P<join>&&|\|\||;|\|)"
    r"|(?P<raw>'[^']*')|(?P<quoted>\"(?:[^\"\\$`]|\\.)*\")|(?P<word>(?:[^\s'\"\\$`<>()|&;]|\\[^\n])+)",
    re.DOTALL,
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:\[.*\])?\+?=", re.ASCII | re.DOTALL)
_KEYWORDS = frozenset(
    {
        "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "select", "function",
        "{", "}", "!", "[", "[[", "declare", "typeset", "export", "readonly", "local", "unset", "unsetenv", "in",
    }
)  # fmt: skip
_HEREDOC = re.compile(r"<<-?[ \t]*(?:'(?P<a>\w+)'|\"(?P<b>\w+)\"|(?P<c>\w+))", re.ASCII)


def commands_of(argv: Sequence[str]) -> tuple[Words, ...]:
    """The commands that rules are asked about: those of a shell's script where it can be taken apart, else the one."""
    if len(argv) == 3 and argv[1] in {"-lc", "-c"} and posixpath.basename(argv[0]) in _SHELLS:
        found = plain_commands(argv[2])
        if found:
            return found
        single = heredoc_command(argv[2])
        if single is not None:
            return (single,)
    return (tuple(argv),)


def plain_commands(script: str) -> tuple[Words, ...] | None:
    """The words of each command of a plain script; None for any other."""
    commands: list[list[str]] = [[]]
    word: str | None = None
    joined = plain = False  # behind an operator; the word has no quotes so far
    at = 0
    while at < len(script):
        found = _TOKEN.match(script, at)
        if found is None:
            return None
        kind, text, at = found.lastgroup, found.group(), found.end()
        if kind in {"raw", "quoted", "word"}:
            if word is None and text[0] == "#":
                return None
            plain = kind == "word" and (word is None or plain)
            word = (word or "") + (text if kind == "word" else text[1:-1])
            continue
        if word is not None:
            if not commands[-1] and not _is_name(word, plain):
                return None
            commands[-1].append(word)
            word = None
        if kind == "join" or (kind == "end" and commands[-1]):
            if not commands[-1]:
                return None
            commands.append([])
            joined = text in {"&&", "||", "|"}
    if word is not None:
        if not commands[-1] and not _is_name(word, plain):
            return None
        commands[-1].append(word)
    if not commands[-1]:
        if joined:
            return None
        commands.pop()
    return tuple(map(tuple, commands))


def _is_name(word: str, plain: bool) -> bool:
    """Whether a word in front is a program's name: plain, no assignment, and none of the shell's own words."""
    return plain and word not in _KEYWORDS and not _ASSIGNMENT.match(word) and not word.isdecimal()


def heredoc_command(script: str) -> Words | None:
    """The words of the one command that a here-document is given to; None where there is more to a script."""
    first, _, rest = script.partition("\n")
    found = _HEREDOC.search(first)
    if found is None or "$((" in first:
        return None
    name = found["a"] or found["b"] or found["c"]
    lines = rest.split("\n")
    ends = next((i for i, line in enumerate(lines) if line.strip("\t") == name), None)
    if ends is None or any(line.strip() for line in lines[ends + 1 :]):
        return None
    behind = first[found.end() :].strip()
    if behind and not behind.startswith("#"):
        return None
    commands = plain_commands(first[: found.start()])
    bare = "'" not in first[: found.start()] and '"' not in first[: found.start()]
    return commands[0] if commands is not None and len(commands) == 1 and bare else None


def is_reading(words: Sequence[str], *, git: bool = False) -> bool:
    """Whether a command is known as only reading. `git` counts `git status` and its like, as older versions do."""
    if not words:
        return False
    name, rest = posixpath.basename(words[0]), words[1:]
    if name == "base64":
        return not any(_BASE64_WRITES.fullmatch(word) for word in rest)
    if name == "find":
        return not _FIND_ACTS.intersection(rest)
    if name == "rg":
        return not any(_RG_ACTS.fullmatch(word) for word in rest)
    if name == "sed":
        return len(words) <= 4 and list(rest[:1]) == ["-n"] and _SED_LINES.fullmatch("".join(rest[1:2])) is not None
    if name == "git" and git:
        return _git_reads(list(rest))
    return name in READING


def _git_reads(rest: list[str]) -> bool:
    while rest[:1] == ["-C"] and len(rest) > 1:
        rest = rest[2:]
    if not rest or rest[0] not in _GIT_LOOKS or any(_GIT_ACTS.fullmatch(word) for word in rest[1:]):
        return False
    return rest[0] != "branch" or set(rest[1:]) <= _GIT_LISTS


def is_dangerous(argv: Sequence[str]) -> bool:
    """Whether a command is one that is asked about without a rule: `rm` with force, through what only starts it too."""
    if len(argv) == 3 and argv[1] in {"-lc", "-c"} and posixpath.basename(argv[0]) in _SHELLS:
        inside = simple_commands(argv[2])
        return inside is not None and any(is_dangerous(command.words) for command in inside)
    words = list(argv)
    while words and posixpath.basename(words[0]) in {"sudo", "env"}:
        words = words[1:]
        while words and (_ASSIGNMENT.match(words[0]) or words[0] == "-i"):
            words = words[1:]
    if not words or posixpath.basename(words[0]) != "rm":
        return False
    options = words[1 : words.index("--")] if "--" in words else words[1:]
    return any(one == "--force" or (one[:1] == "-" and one[1:2] != "-" and "f" in one) for one in options)
