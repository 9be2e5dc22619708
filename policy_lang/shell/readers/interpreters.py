"""Interpreters: which code they run. Inline code must be named by the rule that grants it."""

from __future__ import annotations

from ..call import ProgramCall
from ..operands import added_word, operand_roles
from ..profile import Parsed, parse_argv
from ..reading import Opaque
from ..roles import role
from ..values import Value, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def interpreter(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`python file`, `python -c code`, `python -m module`, `node file`: all but the code are data."""
    if parsed.profile.name == "python" and parsed.has("-m"):
        return _module(shell, call, parsed)
    informs = any(
        parsed.has(n) for n in ("--version", "-V", "--help", "-h", "-v") if parsed.profile.name != "python" or n != "-v"
    )
    if any(g.option.role.rstrip("!") == "code" for g in parsed.options) or informs:
        return True
    if parsed.operands and parsed.operands[0].text != "-":
        if parsed.operands[0].many:
            raise Opaque("which file it runs is not known")
        role(shell, parsed, "code-file", parsed.operands[0], parsed.indexes[0])
        return True
    parsed.named.add(parsed.indexes[0] if parsed.operands else 0)
    return True


def _module(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`python -m module words`: the module's own program, where there is a profile of it (python(1))."""
    given = next(g for g in parsed.options if "-m" in g.option.names)
    name = given.value.text if given.value is not None else None
    if name is None:
        raise Opaque("which module it runs is not known")
    rest = [v for v, i in zip(parsed.operands, parsed.indexes, strict=True) if i > given.index]
    run_module(shell, call, literal(name), rest)
    return True


STANDARD = frozenset({
    "json.tool", "zipfile", "tarfile", "gzip", "base64", "py_compile", "compileall", "venv", "http.server", "tabnanny", "tokenize", "ast", "dis", "pickletools",
    "cProfile", "profile", "trace", "pdb", "timeit", "doctest", "unittest", "zipapp", "quopri", "uu", "mimetypes", "calendar", "platform", "site", "sysconfig",
})  # fmt: skip
"""Modules of Python's own library that have a profile: what they do, and no program of that name, is granted."""


def run_module(shell: ProgramHost, call: ProgramCall, module: Value, rest: list[Value]) -> None:
    """Record what `python -m module` does with its words. Raises Opaque."""
    profile = shell.profiles(module.text or "")
    if profile is None:
        return
    if module.text not in STANDARD:
        shell.run([module, *rest], call.stdin)
        return
    words = (module, *rest)
    parsed = parse_argv(profile, words)
    for given in parsed.options:
        if given.value is not None:
            role(shell, parsed, given.option.role.rstrip("!"), given.value, 0)
    operand_roles(shell, parsed)
    for added in (*parsed.profile.acts, *parsed.changes.acts):
        role(shell, parsed, added.role, added_word(added.word), 0)


def deno_run(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`deno run file`: a file or a URL."""
    if parsed.operands:
        target: Value = parsed.operands[0]
        kind = "url" if "://" in target.starts() else "code-file"
        role(shell, parsed, kind, target, parsed.indexes[0])
    return True
