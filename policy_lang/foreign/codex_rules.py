"""Codex's rules for commands (`.rules`, Starlark) and those that requirements add: read, and checked as it does.

One fault in one file, a false example too, and it uses the rules of no file, but for those of requirements.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from itertools import product

from ..domain.errors import AuthorError, Span
from ..domain.record import field, record
from .located import Located
from .paths import absolute
from .starlark import Call, Unread, statements_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..domain.errors import Source
    from .located_toml import Toml
    from .starlark import Value

ALLOW, PROMPT, FORBIDDEN = "allow", "prompt", "forbidden"
DECISIONS = {ALLOW: 0, PROMPT: 1, FORBIDDEN: 2}
"""How strict they are: the strictest of all rules that match holds."""
PROTOCOLS = ("http", "https", "https_connect", "http-connect", "socks5_tcp", "socks5_udp")
_PARAMETERS = {
    "prefix_rule": ("pattern", "decision", "match", "not_match", "justification"),
    "host_executable": ("name", "paths"),
    "network_rule": ("host", "protocol", "decision", "justification"),
}
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\](?::\d+)?|[\w.-]+(?::\d+)?|[0-9A-Fa-f:.]+", re.ASCII)


@record(frozen=True, slots=True)
class CodexExample:
    """A command that a rule must match, or must not."""

    words: tuple[str, ...]
    text: Located
    matches: bool


@record(frozen=True, slots=True)
class PrefixRule:
    """One `prefix_rule`: for each of the first words of a command, the words that may stand there."""

    words: tuple[tuple[str, ...], ...]
    decision: str
    span: Span
    justification: str = ""
    examples: tuple[CodexExample, ...] = ()
    implied: bool = False
    """Whether the file names no decision."""
    required: bool = False
    """Whether it is one of an administrator's requirements."""

    @property
    def shown(self) -> str:
        """Its words, alternatives in braces."""
        parts = (
            shlex.quote(one[0]) if len(one) == 1 else f"{{{','.join(map(shlex.quote, one))}}}" for one in self.words
        )
        return " ".join(parts)

    def means(self, argv: Sequence[str], name: str) -> bool:
        """Whether a command begins with its words, where the program is called by this name."""
        if len(argv) < len(self.words) or name not in self.words[0]:
            return False
        return all(word in may for word, may in zip(argv[1:], self.words[1:], strict=False))

    def covers(self, other: PrefixRule) -> bool:
        """Whether it matches every command that another one does."""
        return len(self.words) <= len(other.words) and all(
            set(theirs) <= set(mine) for mine, theirs in zip(self.words, other.words, strict=False)
        )


@record(frozen=True, slots=True)
class NetworkRule:
    """One `network_rule`: a host that is granted or refused where Codex's own proxy is on."""

    host: str
    protocol: str
    decision: str
    span: Span
    justification: str = ""


@record(frozen=True, slots=True)
class Fault:
    """What keeps rules from being loaded."""

    text: str
    span: Span


@record(frozen=True, slots=True)
class RuleSet:
    """All rules that hold together. `paths` are those at which a program counts as the one of its name."""

    rules: tuple[PrefixRule, ...] = ()
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    network: tuple[NetworkRule, ...] = ()
    faults: tuple[Fault, ...] = ()
    unread: tuple[tuple[str, Span], ...] = ()
    hosts: tuple[tuple[str, tuple[str, ...], Span], ...] = ()

    @property
    def counted(self) -> tuple[PrefixRule, ...]:
        """The rules that are loaded."""
        return tuple(rule for rule in self.rules if rule.required) if self.faults else self.rules

    def matching(self, argv: Sequence[str], *, resolve: bool = True) -> list[PrefixRule]:
        """The rules that match a command. With `resolve` a path is its program's name where no rule names the path."""
        return list(self._among(self.counted, argv, resolve))

    def _among(self, rules: Iterable[PrefixRule], argv: Sequence[str], resolve: bool) -> list[PrefixRule]:
        if not argv:
            return []
        rules = list(rules)
        exact = [rule for rule in rules if rule.means(argv, argv[0])]
        if exact or not resolve or not argv[0]:
            return exact
        path = absolute(argv[0])
        name = posixpath.basename(path)
        if name in self.paths and path not in self.paths[name]:
            return []
        return [rule for rule in rules if rule.means(argv, name)]

    def decision(self, argv: Sequence[str], *, resolve: bool = True) -> str | None:
        """The strictest decision of the rules that match; None where none does."""
        return max((r.decision for r in self.matching(argv, resolve=resolve)), key=DECISIONS.__getitem__, default=None)

    def false_examples(self) -> Iterator[Fault]:
        """Examples that do not hold, each in the rule that it stands in."""
        for rule in self.rules:
            for example in rule.examples:
                if bool(self._among([rule], example.words, True)) != example.matches:
                    said = "is matched by no rule of the call" if example.matches else "is matched, and must not be"
                    at = Span(rule.span.source, example.text.start, example.text.end)
                    yield Fault(f"the example `{example.text}` {said}", at)


def rules_of(sources: Iterable[Source]) -> RuleSet:
    """The rules of some files. Raises PolicyError for what is no Starlark; other faults are kept."""
    reading = _Reading()
    for source in sources:
        for statement in statements_of(source, _PARAMETERS):
            reading.add(source, statement)
    made = RuleSet(
        tuple(reading.rules), reading.paths, tuple(reading.network), tuple(reading.faults), tuple(reading.unread),
        tuple(reading.hosts),
    )  # fmt: skip
    return RuleSet(
        made.rules, made.paths, made.network, (*made.faults, *made.false_examples()), made.unread, made.hosts
    )


def required_rules(file: Toml) -> tuple[tuple[PrefixRule, ...], tuple[Fault, ...]]:
    """The rules of requirements: `[rules] prefix_rules`."""
    table = file.value.get("rules", {})
    listed = table.get("prefix_rules", []) if isinstance(table, dict) else []
    rules: list[PrefixRule] = []
    faults: list[Fault] = []
    for i, one in enumerate(listed if isinstance(listed, list) else []):
        span = file.place("rules", "prefix_rules", i)
        found = _required(one, span) if isinstance(one, dict) else None
        if found is None:
            faults.append(Fault("a rule of requirements has a `pattern` of tokens, and forbids or prompts", span))
        else:
            rules.append(found)
    return tuple(rules), tuple(faults)


def _required(one: dict[str, object], span: Span) -> PrefixRule | None:
    pattern, decision = one.get("pattern"), one.get("decision")
    if not isinstance(pattern, list) or decision not in {PROMPT, FORBIDDEN}:
        return None
    words = []
    for token in pattern:
        may = [token.get("token")] if isinstance(token, dict) and "token" in token else None
        may = token.get("any_of") if isinstance(token, dict) and may is None else may
        if not isinstance(may, list) or not may or not all(isinstance(word, str) for word in may):
            return None
        words.append(tuple(may))
    if not words:
        return None
    return PrefixRule(tuple(words), str(decision), span, str(one.get("justification", "")), required=True)


class _RefusedError(AuthorError):
    """A call that is not loaded, and why."""


class _Reading:
    """What files have said so far."""

    def __init__(self) -> None:
        self.rules: list[PrefixRule] = []
        self.paths: dict[str, tuple[str, ...]] = {}
        self.network: list[NetworkRule] = []
        self.faults: list[Fault] = []
        self.unread: list[tuple[str, Span]] = []
        self.hosts: list[tuple[str, tuple[str, ...], Span]] = []

    def add(self, source: Source, statement: Call | Unread) -> None:
        span = Span(source, statement.start, statement.end)
        if isinstance(statement, Unread):
            self.unread.append((statement.text, span))
            return
        try:
            given = _arguments(statement)
            if statement.name == "prefix_rule":
                self.rules.append(_rule(given, span))
            elif statement.name == "host_executable":
                name, paths = _program(given)
                self.paths[name] = paths
                self.hosts.append((name, paths, span))
            else:
                self.network.append(_network(given, span))
        except _RefusedError as error:
            self.faults.append(Fault(str(error), span))


def _arguments(call: Call) -> dict[str, Value]:
    names = _PARAMETERS[call.name]
    out: dict[str, Value] = dict(zip(names, call.given, strict=False))
    unknown = [name for name in call.named if name not in names]
    if unknown or len(call.given) > len(names):
        raise _RefusedError(f"`{call.name}` has no such argument" + (f": `{unknown[0][:40]}`" if unknown else ""))
    return {**out, **call.named}


def _text(given: dict[str, Value], name: str, otherwise: str | None = None) -> str:
    value = given.get(name, otherwise)
    if not isinstance(value, str):
        raise _RefusedError(f"`{name}` is a string")
    return value


def _list(given: dict[str, Value], name: str, otherwise: Value = None) -> list[Value]:
    value = given.get(name, otherwise)
    if not isinstance(value, list):
        raise _RefusedError(f"`{name}` is a list")
    return value


def _justification(given: dict[str, Value]) -> str:
    if "justification" not in given:
        return ""
    text = _text(given, "justification")
    if not text.strip():
        raise _RefusedError("justification cannot be empty")
    return text


def _rule(given: dict[str, Value], span: Span) -> PrefixRule:
    words: list[tuple[str, ...]] = []
    for token in _list(given, "pattern"):
        may = token if isinstance(token, list) else [token]
        if not may:
            raise _RefusedError("pattern alternatives cannot be empty")
        if not all(isinstance(word, str) for word in may):
            raise _RefusedError("a pattern holds strings, and lists of strings")
        words.append(tuple(dict.fromkeys(str(word) for word in may)))
    if not words:
        raise _RefusedError("pattern cannot be empty")
    decision = _text(given, "decision", ALLOW)
    if decision not in DECISIONS:
        raise _RefusedError(f"invalid decision: `{decision[:40]}`; it is `allow`, `prompt` or `forbidden`")
    examples = [_example(one, span, True) for one in _list(given, "match", [])]
    examples += [_example(one, span, False) for one in _list(given, "not_match", [])]
    return PrefixRule(
        tuple(words), decision, span, _justification(given), tuple(examples), implied="decision" not in given
    )


def _example(value: Value, span: Span, matches: bool) -> CodexExample:
    if isinstance(value, Located):
        try:
            words = shlex.split(value)
        except ValueError:
            words = []
        text = value
    elif isinstance(value, list) and all(isinstance(word, Located) for word in value):
        words = [str(word) for word in value]
        text = Located.at(shlex.join(words), *((value[0].start, value[-1].end) if value else (span.start, span.end)))
    else:
        raise _RefusedError("an example is a string, or a list of strings")
    if not words:
        raise _RefusedError("an example cannot be empty, and its quotes must be closed")
    return CodexExample(tuple(words), text, matches)


def _program(given: dict[str, Value]) -> tuple[str, tuple[str, ...]]:
    name = _text(given, "name")
    if not name or "/" in name:
        raise _RefusedError("host_executable name must be a bare executable name")
    paths: list[str] = []
    for path in _list(given, "paths"):
        if not isinstance(path, str) or not path.startswith("/"):
            raise _RefusedError("host_executable paths must be absolute")
        if posixpath.basename(path) != name:
            raise _RefusedError(f"host_executable path `{path[:60]}` must have basename `{name[:60]}`")
        paths.append(str(path))
    return str(name), tuple(dict.fromkeys(paths))


def _network(given: dict[str, Value], span: Span) -> NetworkRule:
    host, protocol = _text(given, "host").strip(), _text(given, "protocol")
    if "*" in host:
        raise _RefusedError("network_rule host must be a specific host; wildcards are not allowed")
    if not _HOST.fullmatch(host):
        raise _RefusedError("network_rule host must be a hostname or an address, without scheme and path")
    if protocol not in PROTOCOLS:
        raise _RefusedError(f"network_rule protocol must be one of {', '.join(PROTOCOLS)}")
    decision = _text(given, "decision")
    if decision not in {*DECISIONS, "deny"}:
        raise _RefusedError(f"invalid decision: `{decision[:40]}`")
    return NetworkRule(
        host, str(protocol), FORBIDDEN if decision == "deny" else str(decision), span, _justification(given)
    )


def spelled(rule: PrefixRule, most: int) -> list[tuple[str, ...]] | None:
    """The first words of the commands that a rule matches, one for each choice; None for more than `most`."""
    count = 1
    for may in rule.words:
        count *= len(may)
        if count > most:
            return None
    return list(product(*rule.words))
