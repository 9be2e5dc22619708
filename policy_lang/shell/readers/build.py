"""Compilers and what works on objects: which file is written where none is named.

From gcc(1) 12, rustc(1) 1.83, javac(1) and jar(1) of JDK 21, ar(1), objcopy(1) and strip(1) of GNU binutils 2.40.
"""

from __future__ import annotations

import re

from ..access import path
from ..call import ProgramCall
from ..profile import Parsed
from ..reading import Opaque
from ..roles import role
from ..values import UNKNOWN, Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_PRINTS = ("-E", "-M", "-MM", "--version", "--help", "-###", "-dumpversion", "-dumpmachine", "-print-search-dirs")


def compiler(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`gcc files`: `-o` names the result; without it that is `a.out`, or stands beside under the source's name."""
    for value in parsed.operands:
        if value.starts().startswith("@") or (value.text is None and not value.starts()):
            raise Opaque("a file of further options")
        path(shell.walk, "read", value)
    checks = any(
        g.value is not None and g.value.text == "syntax-only" for g in parsed.options if "-f" in g.option.names
    )
    prints = checks or any(parsed.has(n) for n in _PRINTS)
    named = parsed.has("-o")
    if not prints and not named and parsed.operands:
        if parsed.has("-c") or parsed.has("-S"):
            _beside(shell, parsed, ".o" if parsed.has("-c") else ".s")
        else:
            path(shell.walk, "write", literal("a.out"))
    if not prints and (parsed.has("-MD") or parsed.has("-MMD")) and not parsed.has("-MF"):
        _beside(shell, parsed, ".d")
    return True


def _beside(shell: ProgramHost, parsed: Parsed, suffix: str) -> None:
    """A file in the working folder with each source's name."""
    for value in parsed.operands:
        base = re.sub(r"\.[^.]*$", "", (value.text or "").rpartition("/")[2])
        path(shell.walk, "write", literal(f"./{base}{suffix}") if base else Value((Hole.NAME,)))


def linker(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`ld files`, `as files`: `a.out` unless `-o` names the result."""
    for value in parsed.operands:
        if value.starts().startswith("@"):
            raise Opaque("a file of further options")
        path(shell.walk, "read", value)
    if parsed.operands and not parsed.has("-o"):
        path(shell.walk, "write", literal("a.out"))
    return True


def cargo_fmt(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`cargo fmt [-- options of rustfmt]` writes the package's files, unless it only checks."""
    checks = parsed.has("--check") or any(v.text == "--check" for v in parsed.operands)
    role(shell, parsed, "read-tree" if checks else "edit-tree", literal("."), 0)
    return True


def rustc(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`rustc file`: what `--emit`, `-C` and the source's attributes write does not follow from its words."""
    for value in parsed.operands:
        path(shell.walk, "read", value)
    if parsed.operands:
        path(shell.walk, "write", UNKNOWN)
    return True


def javac(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`javac files`: classes go below `-d`, or beside their sources."""
    for value in parsed.operands:
        if value.starts().startswith("@") or value.many:
            raise Opaque("a file of further options")
        path(shell.walk, "read", value)
        if not parsed.has("-d"):
            folder = (value.text or "").rpartition("/")[0]
            where = joined([folder, "/", Hole.NAME, ".class"] if folder else ["./", Hole.NAME, ".class"])
            path(shell.walk, "write", UNKNOWN if value.text is None else where)
    return True


_JAR_MODES = {"--create": "c", "--extract": "x", "--list": "t", "--update": "u"}


def jar(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`jar cf archive files`, `jar --create --file archive files`."""
    texts = [v.text for v in call.argv[1:]]
    if None in texts:
        raise Opaque("an option that is not known")
    words = [t for t in texts if t is not None]
    if words[:1] in (["--version"], ["--help"], ["-h"]):
        return True
    letters, archive = "", ""
    if words and not words[0].startswith("--") and re.fullmatch(r"-?[ctxufvme0PMi]+", words[0]):
        letters = words.pop(0).lstrip("-")
        for letter in letters:
            if letter in "fme" and words:
                value = words.pop(0)
                archive = value if letter == "f" else archive
    rest: list[str] = []
    while words:
        word = words.pop(0)
        name, _, attached = word.partition("=")
        if word in _JAR_MODES:
            letters += _JAR_MODES[word]
        elif name in {"--file", "-f"}:
            archive = attached or (words.pop(0) if words else "")
        elif word in {"-v", "--verbose", "-0", "--no-compress", "-M", "--no-manifest"}:
            continue
        elif word == "-C" and len(words) > 1:
            rest += [f"{words.pop(0)}/{words.pop(0)}"]
        elif word.startswith(("-", "@")):
            raise Opaque(f"the profile of `jar` does not know the option `{word[:40]}`")
        else:
            rest.append(word)
    if "x" in letters:
        path(shell.walk, "write", literal("."), "new")
    writes = "c" in letters or "u" in letters
    if archive:
        path(shell.walk, "write" if writes else "read", literal(archive))
    for word in rest if writes else ():
        path(shell.walk, "read", literal(word), "existing")
    return True


def ar(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`ar rcs archive files`; `ranlib archive`."""
    operands = list(parsed.operands)
    if (call.argv[0].text or "").endswith("ranlib"):
        for value in operands:
            path(shell.walk, "write", value)
        return True
    keys = operands.pop(0).text if operands else None
    if keys in {"--version", "--help", "-V"}:
        return True
    if keys is None or not re.fullmatch(r"-?[dmpqrtxabciDfFNoOPsSTuUvV]+", keys):
        raise Opaque("what `ar` is to do is not known")
    letters = keys.lstrip("-")
    if re.search(r"[abiN]", letters) and operands:
        operands.pop(0)  # the member beside which others are put, or a count
    if not operands:
        return True
    path(shell.walk, "write" if re.search(r"[dmqrs]", letters) else "read", operands[0])
    if re.search(r"[qr]", letters):
        for value in operands[1:]:
            path(shell.walk, "read", value)
    elif "x" in letters:
        path(shell.walk, "write", literal("."), "new")
    return True


def rewrite(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`objcopy from [to]`: without a second file the first is changed."""
    for value in parsed.operands[:1]:
        path(shell.walk, "read", value)
    for value in parsed.operands[-1:]:
        path(shell.walk, "write", value)
    if len(parsed.operands) > 2:
        raise Opaque("it has more operands than its profile knows")
    return True


def rewrite_all(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`strip files`: each is changed, unless `-o` names another."""
    for value in parsed.operands:
        path(shell.walk, "read", value)
        if not parsed.has("-o"):
            path(shell.walk, "write", value)
    return True
