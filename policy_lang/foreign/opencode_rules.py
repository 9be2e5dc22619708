"""opencode's `permission`: rules in an order in which the last that fits decides (opencode.ai/docs/permissions).

The rules of several files are one object, later files' values at the places of earlier ones. Keys with a star are
looked at before the others, wherever they stand (since 1.14.20). What opencode permits by itself stands before them.
"""

from __future__ import annotations

import re

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.errors import Span
from ..domain.record import record
from .located import Located, json_of, misplaced, object_in, span_of, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..domain.errors import Source

EFFECTS = frozenset({ALLOW, ASK, DENY})
DEFAULT_AGENT = "build"
_SECOND_NAMES = {"shell": "bash", "subagent": "task"}
"""The second format's names of actions that the first calls otherwise."""
_MERGED = {"write": "edit", "patch": "edit", "multiedit": "edit", "apply_patch": "edit"}
"""Names in the old `tools` that became one permission."""
_INTEGER = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_SCOPES = ("/.config/opencode/", "opencode.json", "/.opencode/", "/etc/opencode/", "/Library/")
_Table = dict[str, tuple["Source", Located | None, object]]
"""Keys with the place of the last that said them, and what it said: an effect, or a table of patterns."""


@record(frozen=True, slots=True)
class OpencodeRule:
    """One rule: globs over a permission's name and over what it is asked for. Without a span it is built in."""

    key: str
    pattern: str
    effect: str
    span: Span | None = None
    text: str = ""

    @property
    def place(self) -> str:
        """The rule as other rules' explanations name it."""
        return f"`{self.text}` in line {self.span.line}" if self.span is not None else "what opencode does by itself"


BUILT_IN = (
    OpencodeRule("*", "*", ALLOW),
    OpencodeRule("external_directory", "*", ASK),
    OpencodeRule("read", "*", ALLOW),
    OpencodeRule("read", "*.env", ASK),
    OpencodeRule("read", "*.env.*", ASK),
    OpencodeRule("read", "*.env.example", ALLOW),
)
"""What holds before a file's rules."""
SECOND_BUILT_IN = (OpencodeRule("*", "*", ASK),)
"""The same of the second format, where nothing is permitted that no rule permits."""


@record(frozen=True, slots=True)
class OpencodeSettings:
    """Rules in their order, the built-in ones first; those of other agents than the one that is started."""

    rules: tuple[OpencodeRule, ...]
    others: tuple[tuple[str, OpencodeRule], ...]
    agent: str


def read_settings(sources: Sequence[Source]) -> OpencodeSettings:
    """The permissions of some files. Raises PolicyError."""
    permission: _Table = {}
    agents: dict[str, _Table] = {}
    second: list[OpencodeRule] = []
    agent = DEFAULT_AGENT
    for source in sorted(sources, key=_scope):
        config = json_of(source)
        if not isinstance(config, dict):
            raise unreadable(source, 0, "a configuration of opencode is a JSON object")
        _merge(permission, _table(source, config))
        second += _second(source, config)
        named = config.get("default_agent", agent)
        agent = str(named) if isinstance(named, str) else agent
        for part in ("mode", "agent"):
            for name, given in object_in(source, config, part).items():
                if not isinstance(given, dict):
                    raise unreadable(source, _start(name), f"the agent `{name}` is not an object")
                _merge(agents.setdefault(str(name), {}), _table(source, given))
    first = [*_rules(permission), *_rules(agents.pop(agent, {}))]
    others = tuple((name, rule) for name, table in agents.items() for rule in _rules(table))
    built_in = SECOND_BUILT_IN if second and not first else BUILT_IN
    return OpencodeSettings((*built_in, *first, *second), others, agent)


def _scope(source: Source) -> int:
    path = source.path
    return max((i for i, part in enumerate(_SCOPES) if part in path and (i != 1 or _SCOPES[0] not in path)), default=1)


def _start(value: object) -> int:
    return value.start if isinstance(value, Located) else 0


def _table(source: Source, config: dict[str, object]) -> _Table:
    """The rules of one part of a file: the old `tools` first, and `permission`."""
    out: _Table = {}
    for name, given in object_in(source, config, "tools").items():
        if not isinstance(given, bool):
            raise unreadable(source, _start(name), f"`{name}` in `tools` is neither `true` nor `false`")
        out[_MERGED.get(name, str(name))] = (source, name, Located.at(ALLOW if given else DENY, name.start, name.end))
    written = config.get("permission", {})
    if isinstance(written, Located):
        out["*"] = (source, None, _effect(source, written, written))
        return out
    for name, given in object_in(source, config, "permission").items():
        if isinstance(given, dict):
            inner: _Table = {str(p): (source, p, _effect(source, p, e)) for p, e in given.items()}
            out[str(name)] = (source, name, inner)
        else:
            out[str(name)] = (source, name, _effect(source, name, given))
    return out


def _effect(source: Source, at: Located, value: object) -> Located:
    if not isinstance(value, Located) or value not in EFFECTS:
        raise unreadable(source, at.start, f"`{at[:60]}` is neither `allow`, `ask` nor `deny`", end=at.end)
    return value


def _merge(into: _Table, table: _Table) -> None:
    """A later file's values in an earlier one's order; what is new comes behind."""
    for key, (source, name, given) in table.items():
        before = into[key][2] if key in into else None
        if isinstance(before, dict) and isinstance(given, dict):
            _merge(before, given)
        else:
            into[key] = (source, name, given)


def _rules(table: _Table) -> Iterator[OpencodeRule]:
    """The rules of a table, names with a star first, and before them in each table what looks like a number."""
    for key in sorted(_ordered(table), key=lambda key: "*" not in key):
        source, name, given = table[key]
        if isinstance(given, dict):
            for pattern in _ordered(given):
                origin, place, effect = given[pattern]
                span = span_of(origin, place)
                yield OpencodeRule(key, pattern, str(effect), span, f"{key} {pattern}: {effect}")
        else:
            yield OpencodeRule(
                key, "*", str(given), span_of(source, given if name is None else name), f"{key}: {given}"
            )


def _ordered(table: _Table) -> list[str]:
    """Keys as JavaScript has them: those that are array indices first, by their number."""
    return sorted(table, key=lambda key: (0, int(key)) if _INTEGER.fullmatch(key) else (1, 0))


def _second(source: Source, config: dict[str, object]) -> Iterator[OpencodeRule]:
    """The rules of the second format: a list of actions, resources and effects."""
    value = config.get("permissions", [])
    if not isinstance(value, list):
        raise misplaced(source, config, "permissions", "`permissions` is not a list")
    for i, one in enumerate(value):
        parts = [one.get(name) for name in ("action", "resource", "effect")] if isinstance(one, dict) else [None]
        if not all(isinstance(part, Located) for part in parts):
            message = "a rule of `permissions` has an `action`, a `resource` and an `effect`"
            raise misplaced(source, value, i, message)
        action, resource, effect = (part for part in parts if isinstance(part, Located))
        _effect(source, effect, effect)
        key = _SECOND_NAMES.get(action, str(action))
        yield OpencodeRule(key, str(resource), str(effect), span_of(source, resource), f"{action} {resource}: {effect}")
