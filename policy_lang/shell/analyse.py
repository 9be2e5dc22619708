"""The face of this package: a script or an argv in, acts out. Nothing that a script contains raises."""

from __future__ import annotations

from ..automata.pattern import MANY, Sequence
from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.regex import regex
from .acts import NO_REPOSITORY, Act, GitContext
from .call import ProgramCall
from .dialect import BASH, DIALECTS, DIFFERENT, UNTOLD, ZSH
from .interpret import Interpreter
from .profile import Profile, Profiles
from .reader import parse_script
from .reading import Opaque
from .recipes import Script
from .values import Hole, Value, literal
from .walk import Walk

_DECEPTIVE = regex(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xa0\xad\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ud800-\udfff]"
)


def no_profiles(name: str) -> Profile | None:
    """Knows no program."""
    return None


def read_acts(
    script: str, dialect: str | None = None, profiles: Profiles = no_profiles, context: GitContext = NO_REPOSITORY
) -> list[Act]:
    """The acts of a script. Raises RequestError when it is not text, too long, empty, or in an unknown dialect."""
    if not isinstance(script, str):
        raise RequestError("PLR001", "the command is neither a string nor an array of words")
    if dialect is not None and dialect not in DIALECTS:
        *known, last = DIALECTS
        raise RequestError("PLR052", f"unknown shell `{dialect[:20]}`; known are {', '.join(known)} and {last}")
    if len(script) > limit("script_bytes") or len(script.encode("utf-8", "surrogatepass")) > limit("script_bytes"):
        raise RequestError("PLR004", f"the script is longer than {limit('script_bytes')} bytes")
    bad = _DECEPTIVE.search(script)
    if bad:
        return [_opaque(f"it contains the invisible or control character U+{ord(bad[0]):04X}", bad.start(), bad.end())]
    if not script.strip(" \t\n"):
        raise RequestError("PLR051", "the command has no words")
    shell = Interpreter(Walk(UNTOLD if dialect is None else DIALECTS[dialect], context), profiles)
    acts = _acts(script, shell)
    if dialect is None and (shell.walk.differs or DIFFERENT.search(script)):
        seen = {_key(a) for a in acts}
        acts += [a for a in _acts(script, Interpreter(Walk(ZSH, context), profiles)) if _key(a) not in seen]
    return acts


def file_acts(script: Script, folder: str, profiles: Profiles, context: GitContext) -> list[Act]:
    """The acts of a script that stands in a file, run from a folder. One that cannot be read at all has none."""
    if _DECEPTIVE.search(script.text) or not script.text.strip(" \t\n"):
        return []
    walk = Walk(script.dialect, context)
    walk.state.args = script.words
    if folder:
        walk.state.enter(folder)
    return _acts(script.text, Interpreter(walk, profiles))


def _acts(script: str, shell: Interpreter) -> list[Act]:
    """The acts of a script, with those that come before the place where it cannot be read further."""
    try:
        shell.script(parse_script(script, shell.walk.dialect), shell.walk.state)
    except Opaque as fault:
        at = min(fault.at, len(script))
        return [*shell.walk.acts, _opaque(fault.why, at, min(at + 1, len(script)), fault.remediation)]
    except RecursionError:
        return [_opaque("it is nested too deeply", 0, len(script))]
    acts = shell.walk.acts
    if not any(not a.free for a in acts):
        acts.append(Act("run", Value(()), 0, len(script), (literal(":"),)))
    return acts


def _key(act: Act) -> tuple[object, ...]:
    return act.action, act.value, act.argv, act.folders, act.tree, act.opaque, act.free, act.method, act.supposed


def argv_acts(
    argv: tuple[str, ...], profiles: Profiles = no_profiles, context: GitContext = NO_REPOSITORY
) -> list[Act]:
    """The acts of an array of words."""
    shell = Interpreter(Walk(BASH, context), profiles)
    try:
        shell.programs.command(ProgramCall(tuple(literal(w) for w in argv)))
    except Opaque as fault:
        shell.walk.opaque(fault.why, fault.remediation, tuple(literal(w) for w in argv))
    return shell.walk.acts


def pattern_acts(sequence: Sequence, profiles: Profiles, context: GitContext) -> list[Act]:
    """The acts of a partly known command; its program must be known."""
    values: list[Value] = []
    for label in sequence:
        if isinstance(label, str):
            values.append(literal(label))
        else:
            values.append(Value((Hole.ANY,), label is MANY, "a part of the pattern"))
    shell = Interpreter(Walk(BASH, context), profiles)
    shell.programs.command(ProgramCall(tuple(values)))
    return shell.walk.acts


def _opaque(why: str, start: int, end: int, remediation: str = "") -> Act:
    return Act("run", Value(()), start, end, opaque=why, remediation=remediation)
