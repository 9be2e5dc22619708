"""The permission flags of GitHub Copilot CLI, as a line of a shell holds them, and the URL lists of its settings.

docs.github.com, copilot-cli-reference/cli-command-reference.
"""

from __future__ import annotations

import re
import shlex

from ..domain.actions import ALLOW, DENY
from ..domain.errors import Span
from ..domain.record import record
from .located import Located, json_of, span_of, strings_in, unreadable
from .shell_text import SimpleText, simple_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..domain.errors import Source

ALL = {
    "--allow-all-tools": ("tools",),
    "--allow-all-paths": ("paths",),
    "--allow-all-urls": ("urls",),
    "--allow-all": ("tools", "paths", "urls"),
    "--yolo": ("tools", "paths", "urls"),
}
"""Flags that permit all there is of something."""
_LISTS = {
    "--allow-tool": ("tool", ALLOW),
    "--deny-tool": ("tool", DENY),
    "--allow-url": ("url", ALLOW),
    "--deny-url": ("url", DENY),
    "--add-dir": ("dir", ALLOW),
    "--available-tools": ("available", DENY),
    "--excluded-tools": ("excluded", DENY),
}
_PROMPTS = frozenset({"-p", "--prompt"})
_NAMES = frozenset({"copilot", "@github/copilot", "copilot-cli"})
_BEFORE = frozenset({"exec", "env", "command", "npx", "time", "nohup", "sudo", "gh"})
"""What may stand before the program's name."""
_PATTERN = re.compile(r"(?P<kind>[^()]+?)\s*(?:\((?P<argument>.*)\))?", re.DOTALL)
_SETTINGS = {"allowedUrls": ALLOW, "deniedUrls": DENY}
_PARTS = re.compile(r"[^,()]*(?:\([^()]*\)[^,()]*)*,?")


@record(frozen=True, slots=True)
class Flag:
    """One value of one flag. `about` is what it is about: `tool`, `url`, `dir`, a list of tools shown, or `all`."""

    about: str
    effect: str
    text: str
    span: Span | None
    shown: str
    dead: str = ""

    @property
    def kind(self) -> str:
        """What kind of tool it names."""
        found = _PATTERN.fullmatch(self.text.strip())
        return found["kind"].strip() if found is not None else self.text

    @property
    def argument(self) -> str | None:
        """What stands in its parentheses; None without any."""
        found = _PATTERN.fullmatch(self.text.strip())
        return found["argument"] if found is not None else None


@record(frozen=True, slots=True)
class CopilotSettings:
    """Flags and lists; whether nobody can be asked (`-p`); whether the folder for temporary files is closed."""

    flags: tuple[Flag, ...]
    headless: bool
    no_temporary: bool
    remarks: tuple[tuple[str, Span | None], ...]

    def of(self, about: str, effect: str | None = None) -> tuple[Flag, ...]:
        """The flags about something that have an effect."""
        return tuple(f for f in self.flags if f.about == about and not f.dead and effect in {None, f.effect})

    def all_of(self, what: str) -> bool:
        """Whether all of something is permitted: `tools`, `paths` or `urls`."""
        return any(what in ALL[flag.text] for flag in self.of("all"))


def read_settings(sources: Sequence[Source]) -> CopilotSettings:
    """What flags and settings say. Raises PolicyError."""
    flags: list[Flag] = []
    remarks: list[tuple[str, Span | None]] = []
    headless = no_temporary = closed = False
    for source in sources:
        if not source.text.strip():
            continue
        if source.path.endswith(".json"):
            closed |= _lists(source, flags, remarks)
            continue
        words = _words(source, remarks)
        headless |= any(word.partition("=")[0] in _PROMPTS for word in words)
        no_temporary |= "--disallow-temp-dir" in words
        _read(source, words, flags, remarks)
    if closed:
        dead = "settings say `disableBypassPermissionsMode`"
        flags = [Flag(f.about, f.effect, f.text, f.span, f.shown, dead) if f.about == "all" else f for f in flags]
    return CopilotSettings(tuple(flags), headless, no_temporary, tuple(remarks))


# the line


def _words(source: Source, remarks: list[tuple[str, Span | None]]) -> list[Located]:
    """The words behind the program's name, in the first line of a script that starts it."""
    found = [words for start, line in _lines(source.text) if (words := _started(line, start))]
    if not found:
        example = "copilot --allow-tool 'shell(git:*)'"
        raise unreadable(
            source, 0, "no line of it starts `copilot`", f"write the line as a shell has it, such as `{example}`"
        )
    if len(found) > 1:
        text = "this script starts it more than once: the policy is of the first"
        remarks.append((text, Span(source, found[1][0].start, found[1][0].end)))
    return found[0][1:]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a script with those that go on behind a backslash, and where they begin."""
    at = 0
    while at < len(text):
        end = at
        while True:
            cut = text.find("\n", end)
            if cut < 0:
                end = len(text)
                break
            end = cut + 1
            if not text[:cut].endswith("\\"):
                break
        yield at, text[at:end]
        at = end


def _started(line: str, start: int) -> list[Located]:
    """The name and the words behind it, where a line starts the program, or is nothing but its flags."""
    if line.lstrip().startswith("#") or not ("copilot" in line or line.lstrip().startswith("--")):
        return []
    commands = simple_commands(line) or _plainly(line)
    for command in commands:
        place = next(
            (i for i, word in enumerate(command.words) if word.rpartition("/")[2] in _NAMES or word in _NAMES), -1
        )
        if command.words and command.words[0].startswith("--"):
            place = 0
        if place < 0 or (place and command.words[0] not in _BEFORE):
            continue
        at, out = 0, []
        for text, word in zip(command.texts, command.words, strict=True):
            found = line.find(text, at)
            at = max(found, at) + len(text)
            out.append(Located.at(word, start + max(found, 0), start + at))
        return out[place:] if not command.words[0].startswith("--") else [out[0], *out]
    return []


def _plainly(line: str) -> tuple[SimpleText, ...]:
    """The words of a line that is no whole script, such as the beginning of a block."""
    try:
        texts = tuple(shlex.split(line.replace("\\\n", " "), comments=True))
    except ValueError:
        return ()
    return (SimpleText(texts, texts, (), (), ()),)


def _read(source: Source, words: Sequence[Located], flags: list[Flag], remarks: list[tuple[str, Span | None]]) -> None:
    """The permissions of a line's words."""
    at = 0
    while at < len(words):
        word = words[at]
        span = Span(source, word.start, word.end)
        name, equals, value = word.partition("=")
        at += 1
        if word in ALL:
            flags.append(Flag("all", ALLOW, str(word), span, str(word)))
        elif name in _LISTS and equals:
            flags += _values(source, name, Located.at(value, word.start, word.end))
        elif name in _LISTS and at < len(words):
            flags += _values(source, name, words[at])
            at += 1
            while at < len(words) and _LISTS[name][1] == DENY and not words[at].startswith(("-", "$")):
                flags += _values(source, name, words[at])
                at += 1
        elif name in _PROMPTS:
            at += 0 if equals else 1
        elif word.startswith("$"):
            remarks.append((f"what `{word[:40]}` adds is not known: the policy is of the other words", span))


def _values(source: Source, name: str, value: Located) -> Iterator[Flag]:
    """The parts of one value, which commas separate outside of parentheses."""
    about, effect = _LISTS[name]
    for found in _PARTS.finditer(value):
        text = found.group().rstrip(",").strip()
        if text:
            yield Flag(about, effect, text, Span(source, value.start, value.end), f"{name} {text}")


# settings


def _lists(source: Source, flags: list[Flag], remarks: list[tuple[str, Span | None]]) -> bool:
    """The URL lists of a settings file, and saved answers; true where it forbids flags that permit everything."""
    settings = json_of(source)
    if not isinstance(settings, dict):
        raise unreadable(source, 0, "settings of Copilot CLI are a JSON object")
    of_repository = ".github/copilot/" in source.path
    for key, effect in _SETTINGS.items():
        value = list(strings_in(source, settings, key))
        dead = (
            "settings of a repository permit no URLs: they only deny them" if of_repository and effect == ALLOW else ""
        )
        flags += [Flag("url", effect, str(one), span_of(source, one), f"{key} {one}", dead) for one in value]
    for text in _saved(settings):
        remarks.append(
            (f"the answer saved for `{text[:60]}` is of one folder: it is not taken over", span_of(source, text))
        )
    permissions = settings.get("permissions", {})
    return isinstance(permissions, dict) and "disableBypassPermissionsMode" in permissions


def _saved(value: object) -> Iterator[Located]:
    """The commands that a person has said yes to for good."""
    if isinstance(value, dict):
        for key, given in value.items():
            if key == "commandIdentifiers" and isinstance(given, list):
                yield from (one for one in given if isinstance(one, Located))
            else:
                yield from _saved(given)
    elif isinstance(value, list):
        for one in value:
            yield from _saved(one)
