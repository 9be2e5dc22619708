"""Patterns of other languages: `.gitignore`, shells, regular expressions, Windows, browsers, other agents' permissions.

Refused is only what cannot be meant as it would be read here; what may be is for the linter.
"""

from __future__ import annotations

import re

from ..domain.actions import COMMAND, HOST, METHODS, NAME, PATH, REF
from ..ir.scopes import PatternError
from ..syntax.foreign import CLAUDE_TOOLS, claude_rule

_TELLING = frozenset("!^|\\$%(:?/~= ")
"""Without one of these a pattern is none of another language."""
_EXPRESSION = re.compile(r"^\^|\\\.|\\[dws][*+]|\.[*+]\)?\$$|\)\$$|\(\?|\.\+(?=[/\\$]|$)", re.ASCII)
_CHOICE = re.compile(r"[@+?*!]?\(([^()|]*(?:\|[^()|]*)+)\)[?+*]?")
_WINDOWS = re.compile(r"[A-Za-z]:[/\\]|\\\\", re.ASCII)
_CLAUDE = re.compile(rf"({'|'.join(CLAUDE_TOOLS)})\((.*)\)")
_SETS = re.compile(r"\[[^]]*\]")
_VARIABLES = {
    "HOME": "~", "USERPROFILE": "~", "TMPDIR": "${tmp}", "TEMP": "${tmp}", "TMP": "${tmp}", "PWD": ".",
    "WORKSPACE": ".",
    "workspaceFolder": ".", "workspace": ".", "CLAUDE_PROJECT_DIR": ".", "GITHUB_WORKSPACE": ".",
}  # fmt: skip
_VARIABLE = re.compile(r"(?:\$\{(\w+)\}|\$(\w+)|%(\w+)%)(?=[/\\]|$)", re.ASCII)
_NO_EXPRESSION = "a pattern is no regular expression: `*` stands for any characters inside a part, `**` for any parts"


def refuse_foreign(sort: str, actions: tuple[str, ...], text: str) -> None:
    """Raises PatternError for a pattern that is plainly of another language, and says what it is here."""
    if sort != HOST and _TELLING.isdisjoint(text) and "**." not in text:
        return
    if text.startswith("!"):
        raise PatternError(
            "`!` takes nothing back in a pattern",
            f'write `except "{text[1:]}"` behind the patterns, or a rule of its own; `[!]` is the character `!`',
        )
    if found := _CLAUDE.fullmatch(text):
        raise PatternError("this is a whole rule of Claude Code", f"write `{claude_rule(found[1], found[2])}`")
    if sort == COMMAND and ("'" in text or '"' in text):
        return  # what is quoted may be anything, and the reader of commands says what else is wrong
    plain = _SETS.sub("", text)
    if choice := _CHOICE.search(plain):
        braces = "{" + choice[1].replace("|", ",") + "}"
        raise PatternError(f"`{choice[0]}` offers no choice", f"alternatives are written `{{a,b}}`: here `{braces}`")
    if _EXPRESSION.search(text) and not _WINDOWS.match(text):
        raise PatternError("this is a regular expression", f"{_NO_EXPRESSION}; perhaps `{_as_glob(sort, text)}`")
    if "|" in plain and sort != COMMAND:
        raise PatternError("`|` offers no choice", "alternatives are written `{a,b}`; `[|]` is the character `|`")
    {PATH: _path, HOST: _host, REF: _ref, COMMAND: _command, NAME: _name}[sort](actions, text)


def _as_glob(sort: str, text: str) -> str:
    """A regular expression as the pattern that it probably means."""
    text = re.sub(r"\[\^", "[!", text.removeprefix("^").removesuffix("$"))
    whole = "**" if sort in {PATH, COMMAND} else "*"
    text = re.sub(r"(^|[/ ])\.[*+](?=$|[/ ])", rf"\1{whole}", text)
    text = re.sub(r"(?<!\\)\.[*+]|\\[dwsDWS][*+]?", "*", text)
    text = re.sub(r"\\(.)", r"\1", text)
    if sort == HOST:
        text = re.sub(r"^\*\.?(?=[^.*])", "*.", text)
    return re.sub(r"\*{3,}", "**", text)


def _path(_actions: tuple[str, ...], text: str) -> None:
    if "://" in text:
        scheme, _, rest = text.partition("://")
        if scheme == "file":
            raise PatternError("a path is no URL", f"write `/{rest.lstrip('/')}`")
        raise PatternError("a path is no URL", f'URLs are reached by `connect`: `connect "{text}"`')
    if found := _VARIABLE.match(text):
        folder = _VARIABLES.get(found[1] or found[2] or found[3], "")
        rest = text[found.end() :].replace("\\", "/")
        meant = (rest[1:] or "./") if folder == "." else folder + rest if folder else ""
        if not text.startswith("${tmp}"):
            raise PatternError(
                "variables are not expanded in a pattern",
                f"write `{meant}`" if meant else "only `${tmp}/` at the beginning is known",
            )
    if _WINDOWS.match(text):
        raise PatternError(
            "paths of Windows are not known", "write it below the workspace (`src/**`), the home (`~/...`) or `/`"
        )
    if "\\" in text:
        raise PatternError(
            "a path pattern cannot contain a backslash",
            f"folders are separated with `/`: `{text.replace(chr(92), '/')}`; `[*]` is the character `*`",
        )
    if found := re.match(r"~(\w[\w.-]*)(/.*)?$", text):
        home = "/root" if found[1] == "root" else f"/home/{found[1]}"
        raise PatternError(
            "`~user` is not supported", f"write `{home}{found[2] or ''}`, or `~/...` for the agent's own home"
        )
    if text.endswith("/...") or text == "...":
        raise PatternError("`...` is not everything below", f"write `{text.removesuffix('...')}`")
    if found := re.search(r"(?:^|/)\*\*(?=[\w.-])", text):
        meant = f"{text[: found.end()]}/*{text[found.end() :]}"
        raise PatternError("`**` must be a whole segment", f"write `{meant}`")
    if text.startswith("//"):
        raise PatternError("the path has an empty segment", f"write `{text[1:]}`")
    if text.startswith("./") and len(text) > 2:
        raise PatternError("a path pattern cannot begin with `./`", f"write `{text[2:]}`; it is below the workspace")


def _host(_actions: tuple[str, ...], text: str) -> None:
    scheme, named, rest = text.partition("://")
    method, spaced, url = text.partition(" ")
    if spaced and method in METHODS:
        raise PatternError("a method stands before the pattern", f'write `connect {method} "{url.strip()}"`')
    if named and scheme in {"tcp", "udp", "tls", "ssl", "postgres", "postgresql", "mysql", "redis", "amqp", "mongodb"}:
        raise PatternError(f"unknown scheme `{scheme}`", f"write host and port: `{rest.partition('/')[0]}`")
    if named and scheme in {"*", "http*", "http?"}:
        host = rest.partition("/")[0]
        raise PatternError(f"unknown scheme `{scheme}`", f"write `{host}` for https, or `{host}:*` for every port")
    if text.startswith("domain:"):
        raise PatternError("a host is written alone", f"write `{text.removeprefix('domain:')}`")
    if text.startswith(".") and not text.startswith(".."):
        raise PatternError("the host has an empty label", f"write `**{text}` for the host and its subdomains")
    if found := re.fullmatch(r"(\d+)\.(?:(\d+)\.)?(?:(\d+)\.)?\*(?:\.\*)*(:.*)?", text, re.ASCII):
        parts = [p for p in found.groups()[:3] if p]
        network = ".".join([*parts, *["0"] * (4 - len(parts))])
        raise PatternError("a network is no name", f"write `{network}/{8 * len(parts)}{found[4] or ''}`")
    if named and "?" in rest:
        raise PatternError("queries are not matched", f"write the URL without one: `{text.partition('?')[0]}`")


def _ref(_actions: tuple[str, ...], text: str) -> None:
    remote, spaced, ref = text.partition(" ")
    if spaced:
        raise PatternError("a ref has no spaces", f"write `{ref.strip()}`, or `{remote}:{ref.strip()}` for one remote")
    if text.startswith(("HEAD:", "@:")):
        ref = text.partition(":")[2]
        raise PatternError("what is before `:` is the remote", f"write `{ref}`: a rule is about the ref that changes")
    if "://" in text or text.startswith("git@"):
        raise PatternError("a remote is named as git has it here", "write `REMOTE:REF`, such as `origin:main`")


def _command(_actions: tuple[str, ...], text: str) -> None:
    parts = [p.strip() for p in re.split(r"&&|\|\||;|\|", text) if p.strip()]
    if len(parts) > 1:
        listed = ", ".join(f'"{p}"' for p in parts)
        raise PatternError("a pattern is about a single command", f"write one for each: `{listed}`")
    for sign, verb in ((">", "write"), ("<", "read")):
        if sign in text:
            file = text.rpartition(sign)[2].strip()
            raise PatternError(
                "a pattern is about a single command", f'leave the redirection out; it needs `{verb} "{file}"`'
            )


def _name(actions: tuple[str, ...], text: str) -> None:
    if not {"use", "setenv"} & set(actions):
        return
    if text.startswith("$"):
        raise PatternError("a name is written without `$`", f"write `{text.strip('${}')}`")
    if "=" in text and "setenv" in actions:
        raise PatternError("a rule is about the variable's name", f"write `{text.partition('=')[0]}`")
