"""What a restriction on commands means: pattern and command are read by the program's profile, or in every way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .patterns import NO, OPEN, YES, braces, every, glob, most, sequence


@dataclass
class Profile:
    """A program, or a sub-command: its options (all spellings, takes a value), its sub-commands by every name."""

    options: list[tuple[list[str], bool]] = field(default_factory=list)
    commands: dict[str, tuple[str, Profile]] = field(default_factory=dict)  # name as written -> canonical, profile


Option = tuple[list[str], str]  # its spellings; its value as a glob, "" for any
Reading = tuple[list[str], list[Option]]  # words without options, and the options

_HELM = [(["-n", "--namespace"], True), (["--set"], True), (["-A", "--all-namespaces"], False), (["-q"], False)]
_HELM += [(["--force"], False), (["-a", "--all"], False)]
_NAMES = (["uninstall", "delete", "del", "un"], ["list", "ls"])
PROFILES = {"helm": Profile(_HELM, {word: (n[0], Profile(_HELM)) for n in _NAMES for word in n})}  # the one known here


def spell(text: str, profile: Profile | None) -> list[tuple[list[Option], int]]:
    """The ways to read a word that begins with `-`: its options, and how many words behind it the last one takes."""
    name, equals, value = text.partition("=")
    if set(name) & set("*?["):
        return [([([f"glob {name}"], value)], 0)]
    known = {n: (names, valued) for names, valued in profile.options for n in names} if profile else {}
    if name in known and not (equals and not known[name][1]):
        return [([(known[name][0], value)], int(known[name][1] and not equals))]
    if known and name[:2] != "--" and all(f"-{c}" in known for c in bundle(text, known)[0]):
        letters, rest = bundle(text, known)
        options = [(known[f"-{c}"][0], "") for c in letters]
        return [([*options[:-1], (options[-1][0], rest)], int(known[f"-{letters[-1]}"][1] and not rest))]
    out: list[tuple[list[Option], int]] = [([([name], value)], n) for n in ([0] if equals else [0, 1])]
    return out + ([([([name[:2]], text[2:])], 0)] if name[1] != "-" and len(name) > 2 else [])


def bundle(text: str, known: dict[str, tuple[list[str], bool]]) -> tuple[str, str]:
    """The letters of a word of short options, and the value behind the last of them."""
    for i, letter in enumerate(text[1:], 2):
        if known.get(f"-{letter}", ([], False))[1]:
            return text[1:i], text[i:]
    return text[1:], ""


def readings(words: list[str], pattern: bool) -> list[Reading]:
    """Every way to read a command, or a pattern of commands."""

    def rest(at: int, profile: Profile | None, ended: bool) -> list[Reading]:
        if at >= len(words):
            return [([], [])]
        word = words[at]
        if ended or word[:1] != "-" or len(word) < 2:
            name, below = word, profile
            if profile is None or not profile.commands:
                pass
            elif word in profile.commands:
                name, below = profile.commands[word]
            else:  # any other name; a wildcard may be each of them
                below = None if set(word) & set("*?[") else Profile(profile.options)
            return [([name, *labels], options) for labels, options in rest(at + 1, below, ended)]
        if word == "--":
            return rest(at + 1, profile, True)
        out: list[Reading] = []
        for options, takes in spell(word, profile):
            last = options[-1]
            took = bool(takes) and at + 1 < len(words) and not (pattern and words[at + 1] == "**")
            if took:
                last = (last[0], "" if pattern and words[at + 1] == "*" else words[at + 1])
            for labels, more in rest(at + 1 + took, profile, False):
                out.append((labels, [*options[:-1], last, *more]))
        return out

    return [([words[0], *labels], options) for labels, options in rest(1, PROFILES.get(words[0]), False)]


def option(names: list[str], words: Any) -> str:
    """Whether a command has one of the options that `with` names."""
    return most([given(([n.partition("=")[0]], n.partition("=")[2]), words) for n in names])


def given(wanted: Option, words: Any) -> str:
    if isinstance(words, str):
        return OPEN
    names, value = wanted
    known = PROFILES.get(words[0])
    found = exactly(wanted, words) if known else [x for n in names for x in possibly(n, value, words)]
    if value:
        return NO if all(x == NO for x in found) else YES if all(x == YES for x in found) else OPEN
    if not found and names[0][:1] == "-" and names[0][:2] != "--" and len(names[0]) > 2 and len(names) == 1:
        letters = [given(([f"-{c}"], ""), words) for c in names[0][1:]]
        return every(letters) if known else NO if NO in letters else OPEN
    return most(found)


def exactly(wanted: Option, words: list[str]) -> list[str]:
    """For each option of a command that its profile reads and that is meant: has it the value?"""
    out = []
    for names, value in readings(words, False)[0][1]:
        if any(n in names or (n[:5] == "glob " and any(glob(n[5:], x) for x in names)) for n in wanted[0]):
            out.append(YES if not wanted[1] or glob(wanted[1], value) else NO)
    return out


def possibly(name: str, value: str, words: list[str]) -> list[str]:
    """For each word that may spell an option which no profile knows: is it surely that, with the value?"""
    out: list[str] = []
    ended = False
    for i, word in enumerate(words[1:], 1):
        after_option = i > 1 and words[i - 1].startswith("-")
        if word == "--" and not after_option:
            return out
        ended = ended or word == "--"
        sure = not after_option and not ended
        head, equals, attached = word.partition("=")
        if name[:5] == "glob ":
            if word[:1] == "-" and len(word) > 1 and glob(name[5:], head):
                out.append(YES if sure and not value else OPEN)
            continue
        exact = word == name or (name.startswith("--") and word.startswith(name + "="))
        short = len(name) == 2 and word.startswith("-") and not word.startswith("--") and name[1] in word
        dashes = head[: len(head) - len(head.lstrip("-"))]
        short_name, whole = head.lstrip("-"), name.lstrip("-")
        begins = len(short_name) > (not name.startswith("--")) and whole.startswith(short_name)
        begins = begins and (len(dashes) >= 2) == name.startswith("--")
        long = len(name) > 2 and len(dashes) > 0 and len(word) > 1 and (short_name == whole or begins)
        if not (exact or short or long):
            continue
        if not value:
            out.append(YES if exact and sure else OPEN)
        elif exact and equals:
            out.append(NO if not glob(value, attached) else YES if sure else OPEN)
        else:
            values = [attached] if equals else words[i + 1 : i + 2]
            if len(name) == 2:
                behind = word.partition(name[1])[2]
                values = values + ([behind, behind.removeprefix("=")] if behind else [])
            out.append(OPEN if any(glob(value, v) for v in values) else NO)
    return out


def bare(pattern: str, command: Any, grants: bool) -> str:
    """Restrictions about commands: their options count wherever they stand, and other options do not matter."""
    if isinstance(command, str):
        return NO
    answers = []
    for text in braces(pattern):
        for labels, options in readings(text.split(), True):
            met = [sequence(labels, words) for words, _ in readings(command, False)]
            value = every([given(o, command) for o in options]) if any(met) else NO
            unsure = not all(met) or (grants and labels[-1] != "**")
            answers.append(OPEN if value == YES and unsure else value)
    return most(answers)
