"""Archives: tar in its three spellings, zip. What an archive puts where cannot be seen.

From tar(1) of GNU tar 1.34, zip(1) and unzip(1).
"""

from __future__ import annotations

from ..access import change_folder, path
from ..call import ProgramCall
from ..profile import Parsed, parse_argv
from ..reading import Opaque
from ..roles import role
from ..values import UNKNOWN, Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

_VALUED = "bCfFgHIKLNTVX"


def tar(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`tar -x`, `tar xf file`: which mode, which archive, which folder."""
    first = call.argv[1].text if len(call.argv) > 1 else None
    if first and not first.startswith("-"):
        parsed = parse_argv(parsed.profile, _old_style(call.argv, first))
        for given in parsed.options:
            if given.value is not None and 0 < given.index <= 2 * len(first):
                role(shell, parsed, given.option.role, given.value, 0)
    archive = parsed.value_of("-f")
    writes = parsed.has("-c") or parsed.has("-r") or parsed.has("-u") or parsed.has("-A")
    if archive is not None:
        role(shell, parsed, "write" if writes else "read", archive, 0)
    folders = [g.value for g in parsed.options if "-C" in g.option.names and g.value is not None]
    if len(folders) > 1:
        raise Opaque("`tar` with several folders")
    for folder in folders:
        path(shell.walk, "read", folder)
        change_folder(shell.walk, folder)
    if parsed.has("-x"):
        if not parsed.has("-O"):
            path(shell.walk, "write", UNKNOWN if parsed.has("-P") else literal("."), "new")
    elif writes:
        for value in parsed.operands:
            role(shell, parsed, "read-tree", value, 0)
        if parsed.has("-T"):
            role(shell, parsed, "read", UNKNOWN, 0)
        if parsed.has("--remove-files"):
            for value in parsed.operands:
                role(shell, parsed, "delete-tree", value, 0)
    elif not any(parsed.has(n) for n in ("-t", "-d", "--version", "--help")):
        raise Opaque("what `tar` is to do is not known")
    return True


def _old_style(argv: tuple[Value, ...], letters: str) -> tuple[Value, ...]:
    """`tar xzfC a b` as `tar -x -z -f a -C b`."""
    rest = list(argv[2:])
    words: list[Value] = [argv[0]]
    for letter in letters:
        words.append(literal(f"-{letter}"))
        if letter in _VALUED:
            if not rest or rest[0].many:
                raise Opaque("the value of an option of `tar` is missing or not known")
            words.append(rest.pop(0))
    return (*words, *rest)


def unzip(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The first operand is the archive, the others are its members."""
    if parsed.operands:
        role(shell, parsed, "read", parsed.operands[0], 0)
    if not any(parsed.has(n) for n in ("-l", "-t", "-p", "-c", "-v", "-Z", "-z")):
        path(shell.walk, "write", parsed.value_of("-d") or literal("."), "new")
    return True
