"""Probable meanings of patterns that would mean something else where their author may come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..domain.actions import COMMAND, HOST, PATH, REF, SORT_OF
from ..domain.record import record
from ..shell.profile import Profile, Profiles
from ..syntax.foreign import tool_name

_OWN = frozenset(
    ("apps", "backend", "build", "cmd", "config", "dist", "docs", "examples", "frontend", "internal", "node_modules",
     "packages", "pkg", "public", "scripts", "src", "test", "tests", "tools")
)  # fmt: skip
"""Folders that repositories have, and machines have not below `/`."""
_FILES = frozenset(("gemfile", "jenkinsfile", "justfile", "license", "makefile", "procfile", "rakefile", "readme"))
"""Names without an ending that are files."""


@record(frozen=True, slots=True)
class ProbableMeaning:
    """What a pattern may be meant as, how it is written, and requests that are then meant and not written."""

    note: str
    pattern: str
    example: str | tuple[str, ...]
    other: str | tuple[str, ...] = ()
    sure: bool = False
    """Nobody means the pattern as it stands: it is said also where nothing shows a difference now."""


def readings(action: str, effect: str, text: str, following: str, profiles: Profiles) -> Iterator[ProbableMeaning]:
    """What one pattern of a rule may be meant as; `following` is the pattern behind it, or empty."""
    sort = SORT_OF[action]
    if sort == PATH:
        yield from _path(action, effect, text)
    elif sort == COMMAND:
        yield from _command(effect, text, following, profiles)
    elif sort == HOST:
        yield from _url(text)
    elif sort == REF:
        yield from _ref(text)
    elif action == "call":
        yield from _tool(text)


_BRACKETS = re.compile(r"(?:^|(?<=/))\[{1,2}(?:\.\.\.)?(?!.-.\])[A-Za-z][A-Za-z0-9_-]+\]{1,2}(?=/|$)")
"""A folder or file that routers of web frameworks name in brackets: `[slug]`, `[...path]`, `[[lang]]`."""


def _path(action: str, effect: str, text: str) -> Iterator[ProbableMeaning]:
    found = _BRACKETS.search(text)
    if found:
        literal = _BRACKETS.sub(lambda m: m.group().replace("[", "\0").replace("\0", "[[]"), text)
        example = _instance(_BRACKETS.sub(lambda m: m.group().replace("[", "\0"), text)).replace("\0", "[")
        yield ProbableMeaning(
            f"`{found.group()}` is one character of a set, not a folder of that name", literal, example, sure=True
        )
    if text.startswith("/") and text.split("/")[1] in _OWN:
        yield ProbableMeaning("it begins at the machine's root, not at the workspace", text[1:], _instance(text[1:]))
    if text.endswith("/.*") or text == ".*":
        meant = text.removesuffix(".*") + "**"
        yield ProbableMeaning("`.*` is a hidden file, as in no regular expression", meant, _instance(meant))
    if effect == "deny" and action == "read" and text.startswith("*.") and "/" not in text:
        yield ProbableMeaning(
            "it is about files at the top of the workspace only", f"**/{text}", _instance(f"sub/{text}")
        )
    if effect == "deny" and re.fullmatch(r"[a-z][a-z_-]+", text, re.ASCII) and text not in _FILES:
        yield ProbableMeaning("it is the folder itself, and nothing in it", f"{text}/", f"{text}/a")


def _instance(text: str) -> str:
    return re.sub(r"\{([^,{}]*),[^{}]*\}", r"\1", text).replace("**", "a/b").replace("*", "a").replace("?", "a")


def _command(effect: str, text: str, following: str, profiles: Profiles) -> Iterator[ProbableMeaning]:
    words = text.split()
    if not words or any(c in text for c in "'\"{[?"):
        return
    profile = profiles(words[0])
    commands = _commands(profile, words[1:])
    if effect == "deny" and "**" not in words and not any(w.startswith("-") for w in words):
        bare = words[:-1] if words[-1] == "*" else words
        if bare and not any("*" in w for w in bare) and not commands:
            note = f"it is `{' '.join(bare)}` with {'one word' if len(bare) < len(words) else 'nothing'} behind it"
            yield ProbableMeaning(note, f"{' '.join(bare)} **", (*bare, "a", "b"), (*bare, "origin", "main"))
    stem = words[-1].removesuffix(":*")
    if stem != words[-1] and (len(words) == 1 or stem in _commands(profile, words[1:-1])):
        bare = [*words[:-1], stem]
        yield ProbableMeaning("`:*` belongs to the word before it", f"{' '.join(bare)} **", (*bare, "a"))
    if effect == "allow" and len(words) == 1 and commands and not (profile and profile.default):
        first = following.split()[:1]
        if first and first[0] in commands:
            yield ProbableMeaning("these are two commands", f"{text} {following}", (*words, *following.split()))
        elif len(commands) > 1:
            yield ProbableMeaning("it is the program with nothing behind it", f"{text} **", (text, min(commands)))


def _commands(profile: Profile | None, words: list[str]) -> Mapping[str, Profile]:
    """The sub-commands that may stand behind these words."""
    for word in words:
        profile = profile.commands.get(word) if profile is not None else None
    return profile.commands if profile is not None else {}


def _url(text: str) -> Iterator[ProbableMeaning]:
    if "://" in text and text.endswith("/*"):
        meant = f"{text[:-1]}**"
        yield ProbableMeaning("it is one part of a URL's path and no more", meant, _instance(meant))


def _ref(text: str) -> Iterator[ProbableMeaning]:
    remote, slash, branch = text.partition("/")
    if slash and remote in {"origin", "upstream"} and ":" not in text:
        yield ProbableMeaning(
            f"it is a branch that is called `{text}`; `{remote}:{branch}` is one of a remote",
            branch,
            _instance(branch),
            sure=True,
        )


def _tool(text: str) -> Iterator[ProbableMeaning]:
    if text.startswith("mcp__"):
        meant = tool_name(text)
    elif "." not in text and ("/" in text or ":" in text):
        meant = re.sub(r"[/:]+", ".", text)
    else:
        return
    yield ProbableMeaning("tools are called `server.tool`", meant, _instance(meant), sure=True)
