"""sed, awk, dd: small languages that can read, write and run.

From sed(1) of GNU sed 4.9, mawk(1), gawk(1) and dd(1).
"""

from __future__ import annotations

import re

from ...domain.regex import regex
from ..access import path
from ..call import ProgramCall
from ..operands import operand_roles
from ..profile import Parsed
from ..reading import Opaque
from ..values import ENVIRONMENT, UNKNOWN, UNKNOWN_MANY, Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_ADDRESS = regex(
    r"(?:[0-9]+(?:~[0-9]+)?|\$|/(?:[^/\\\n]|\\.)*/[IM]*)(?:,[ \t]*(?:[+~]?[0-9]+|\$|/(?:[^/\\\n]|\\.)*/[IM]*))?[ \t]*!?[ \t]*"
)
_FLAGS = regex(r"[gpiIm0-9]*")


def sed(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The script is `-e`, `-f` or the first operand; `-i` writes the files."""
    scripts = [g.value for g in parsed.options if "-e" in g.option.names and g.value is not None]
    operands = list(parsed.operands)
    if not scripts and not parsed.has("-f"):
        if not operands or operands[0].many:
            raise Opaque("the script of `sed` is not known", "quote it")
        scripts = [operands.pop(0)]
    for script in scripts:
        if script.text is None:
            if not _harmless_holes(script):
                raise Opaque("the script of `sed` is not known", "write it in single quotes")
            continue
        for action, file in sed_script(script.text):
            path(shell.walk, action, literal(file))
    for value in operands:
        path(shell.walk, "read", value)
        if parsed.has("-i"):
            path(shell.walk, "write", value)
    return True


def _harmless_holes(script: Value) -> bool:
    """`"${n}p"` and its like: digits cannot change what the script does."""
    text = "".join(p if isinstance(p, str) else "1" for p in script.parts)
    if any(not isinstance(p, str) and p.value != "digits" for p in script.parts):
        return False
    return not sed_script(text)


def sed_script(text: str) -> list[tuple[str, str]]:
    """The files that a sed script reads or writes, as (action, path). Raises Opaque for what it cannot read."""
    done: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        if text[at] in " \t\n;{}":
            at += 1
            continue
        address = _ADDRESS.match(text, at)
        at = address.end() if address else at
        command = text[at : at + 1]
        at += 1
        if command in ("{", "}"):
            continue
        if command == "#":
            at = _line_end(text, at)
        elif command in "=dDgGhHnNpPxzF" and command:
            continue
        elif command in ("s", "y") and command:
            at = _substitution(text, at, command, done)
        elif command in ("a", "i", "c") and command:
            at = _line_end(text, at)
            while at < len(text) and text[at - 1] == "\\":
                at = _line_end(text, at + 1)
        elif command in (":", "b", "t", "T") and command:
            match = re.compile(r"[ \t]*[A-Za-z0-9_]*[ \t]*").match(text, at)
            at = match.end() if match else at
        elif command in ("q", "Q", "l", "L") and command:
            match = re.compile(r"[ \t]*[0-9]*").match(text, at)
            at = match.end() if match else at
        elif command in ("r", "R", "w", "W") and command:
            end = _line_end(text, at)
            done.append(("read" if command in "rR" else "write", text[at:end].strip()))
            at = end
        else:
            raise Opaque(
                f"the command `{command}` in a script of `sed`" if command.isprintable() else "a script of `sed`"
            )
    return done


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _substitution(text: str, at: int, command: str, done: list[tuple[str, str]]) -> int:
    mark = text[at : at + 1]
    if not mark or mark in "\\\n":
        raise Opaque("a script of `sed` that ends too early")
    at += 1
    for _ in range(2):
        while at < len(text) and text[at] != mark:
            at += 2 if text[at] == "\\" else 1
        if at >= len(text):
            raise Opaque("a script of `sed` that ends too early")
        at += 1
    if command == "y":
        return at
    flags = _FLAGS.match(text, at)
    at = flags.end() if flags else at
    following = text[at : at + 1]
    if following == "w":
        end = _line_end(text, at)
        done.append(("write", text[at + 1 : end].strip()))
        return end
    if following and following not in " \t\n;}#":
        raise Opaque(
            "a substitution of `sed` that runs its result" if following == "e" else "an unusual substitution of `sed`"
        )
    return at


_AWK_STRING = regex(r'"(?:[^"\\\n]|\\.)*"')
_AWK_DANGER = regex(r"\bsystem\b|\bgetline\b|(?<!\|)\|(?!\|)|@|\bARGV\b|\bARGC\b|\bfflush\b|\bprintf?\b[^;}]*>")


def awk(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The program is `-f` or the first operand. One that runs, reads or writes more than its files is opaque."""
    operands = list(parsed.operands)
    if not parsed.has("-f"):
        if not operands or operands[0].text is None:
            raise Opaque("the program of `awk` is not known", "write it in single quotes, values with `-v`")
        whole = operands.pop(0).text or ""
        program = _AWK_STRING.sub('""', whole)
        hides = re.search(r'/[^/\n]*"[^/\n]*/', whole)  # a quote inside a regular expression
        if _AWK_DANGER.search(program) or (hides and _AWK_DANGER.search(whole)):
            raise Opaque("the program of `awk` runs commands, reads or writes files")
        if "ENVIRON" in program:
            shell.walk.act("use", ENVIRONMENT)
    for value in operands:
        if not re.match(r"[A-Za-z_][A-Za-z0-9_]*=", value.starts()):
            path(shell.walk, "read", value)
    return True


_DD_TEXT = frozenset(
    {"bs", "cbs", "conv", "count", "ibs", "iflag", "obs", "oflag", "seek", "skip", "status", "iseek", "oseek"}
)


def dd(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`dd if=file of=file` (dd(1))."""
    for value in parsed.operands:
        key, equals, rest = value.starts().partition("=")
        target = Value((rest, *value.parts[1:]) if rest else value.parts[1:], False, value.why)
        if not equals or value.many:
            raise Opaque("an operand of `dd` that is not known")
        if key == "if":
            path(shell.walk, "read", target)
        elif key == "of":
            path(shell.walk, "write", target)
        elif key not in _DD_TEXT:
            raise Opaque(f"the profile of `dd` does not know the operand `{key[:20]}=`")
    return True


def patch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """A patch names the files that it changes; one may be given instead (patch(1))."""
    if parsed.operands:
        path(shell.walk, "read", parsed.operands[0])
        path(shell.walk, "write", parsed.operands[0])
        for value in parsed.operands[1:]:
            path(shell.walk, "read", value)
        return True
    text = call.stdin.text if call.stdin is not None else None
    level = parsed.value_of("-p")
    strip = level.text if level is not None else None
    if text is not None and strip is not None and strip.isdigit() and not parsed.has("-i"):
        from .git import patched

        for file in patched(text, int(strip)):
            path(shell.walk, "write", literal(file))
            path(shell.walk, "delete", literal(file))
    elif not parsed.has("--dry-run") and not parsed.has("--output"):
        path(shell.walk, "write", literal("."), "new")
    return True


_PATCH_MARKS = {"add file": "write", "update file": "write", "delete file": "delete", "move to": "write"}
_PATCH_ENDS = frozenset({"begin patch", "end patch", "end of file"})


def apply_patch(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The patch names every file that it changes; it is the one operand, or standard input."""
    given = parsed.operands[0] if parsed.operands else call.stdin
    text = given.text if given is not None else None
    if text is None or "*** Begin Patch" not in text:
        raise Opaque("the patch is not known")
    last = ""
    for raw in text.split("\n"):
        line = raw.strip()  # Codex 0.169 takes a mark with blanks around it (measured)
        if not line.startswith("***"):
            continue
        mark, colon, name = line[3:].partition(":")
        word = " ".join(mark.lower().split())
        if word in _PATCH_ENDS and not colon:
            continue
        action = _PATCH_MARKS.get(word)
        if action is None or not name.strip():
            raise Opaque(f"`{line[:40]}` is not a known mark of a patch")
        path(shell.walk, action, literal(name.strip()))
        if word == "move to" and last:
            path(shell.walk, "delete", literal(last))
        last = name.strip()
    return True


def jq(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The filter is the first operand unless `-f` gives it; `env` and `$ENV` in it show the environment."""
    operands = list(parsed.operands)
    if not parsed.has("-f") and operands:
        text = operands.pop(0).text
        if text is None or re.search(r"\benv\b|\$ENV\b", text):
            shell.walk.act("use", ENVIRONMENT)
    if not parsed.has("--args") and not parsed.has("--jsonargs"):
        operand_roles(shell, parsed, operands)
    return True


def editor(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`vim +10 file`: what stands behind a `+` is a line, a search, or a command of the editor (vim(1))."""
    for value in parsed.operands:
        if value.starts().startswith("+") and not re.fullmatch(r"\+(?:[0-9,]*|/.*)", value.text or "+?", re.DOTALL):
            raise Opaque("a command of the editor")
    operand_roles(shell, parsed, [v for v in parsed.operands if not v.starts().startswith("+")])
    return True


_YQ_WORDS = frozenset({"e", "eval", "ea", "eval-all"})


def yq(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The expression is the first word unless an option gives it; one that loads files or the environment is opaque."""
    operands = list(parsed.operands)
    if operands and operands[0].text in _YQ_WORDS:
        operands.pop(0)
    given = parsed.value_of("--expression")
    if parsed.has("-s"):  # one yq splits by an expression, another has no value here
        given = None
    elif given is None and not parsed.has("--from-file") and operands:
        given = operands.pop(0)
    if given is not None and (given.text is None or re.search(r"\bload|\benv|\bstrenv|\$ENV|\bsystem\b", given.text)):
        raise Opaque("the expression of `yq` is not known, or loads files or variables")
    for value in operands:
        path(shell.walk, "read", value)
        if parsed.has("-i"):
            path(shell.walk, "write", value)
    return True


def print_env(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Variables by name, or all."""
    for value in parsed.operands or [UNKNOWN_MANY]:
        shell.walk.act("use", value if value.text else UNKNOWN)
    return True
