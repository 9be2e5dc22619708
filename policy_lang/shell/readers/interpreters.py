"""Interpreters: which code they run. Inline code must be named by the rule that grants it."""

from __future__ import annotations

from ..profile import Parsed
from ..programs import ProgramCall, reader, role
from ..reading import Opaque
from ..values import Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..interpret import Machine


@reader("interpreter")
def interpreter(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """`python file`, `python -c code`, `python -m module`, `node file`: all but the code are data."""
    if parsed.profile.name == "python" and parsed.has("-m"):
        return _module(machine, call, parsed)
    informs = any(
        parsed.has(n) for n in ("--version", "-V", "--help", "-h", "-v") if parsed.profile.name != "python" or n != "-v"
    )
    if any(g.option.role.rstrip("!") == "code" for g in parsed.options) or informs:
        return True
    if parsed.operands and parsed.operands[0].text != "-":
        if parsed.operands[0].many:
            raise Opaque("which file it runs is not known")
        role(machine, parsed, "code-file", parsed.operands[0], parsed.indexes[0])
        return True
    parsed.named.add(parsed.indexes[0] if parsed.operands else 0)
    return True


def _module(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """`python -m module words`: the module's own program, where there is a profile of it (python(1))."""
    given = next(g for g in parsed.options if "-m" in g.option.names)
    name = given.value.text if given.value is not None else None
    if name is None:
        raise Opaque("which module it runs is not known")
    rest = [v for v, i in zip(parsed.operands, parsed.indexes, strict=True) if i > given.index]
    if machine.profiles(name) is not None:
        machine.program([literal(name), *rest], call.stdin)
    return True


@reader("deno-run")
def deno_run(machine: Machine, call: ProgramCall, parsed: Parsed) -> bool:
    """`deno run file`: a file or a URL."""
    if parsed.operands:
        target: Value = parsed.operands[0]
        kind = "url" if "://" in target.starts() else "code-file"
        role(machine, parsed, kind, target, parsed.indexes[0])
    return True
