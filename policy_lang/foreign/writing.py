"""A policy as permissions of a client: what its format can say and lies inside the policy, proved by the engine.

What is written is imported again. Of the policy that this comes to, no path, host, tool or operation may be allowed
that the policy does not allow, over all requests; and no command, for which the policy decides every member of the
pattern. What would be is left out, and so is a grant that means more than what of it could be compared, or
at whose boundary a model of the client allows more.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property

from ..analysis.diff import diff
from ..analysis.spaces import Layout
from ..automata.glob import GlobError
from ..automata.pattern import expand_braces
from ..domain.actions import ALLOW, ASK
from ..domain.conditions import CONFINED
from ..domain.errors import Source
from ..domain.limits import limit
from ..domain.record import record, replace
from ..domain.wording import counted
from ..engine.prepare import engine_of
from ..exports.comparing import ExportComparison, unasked
from ..exports.settled import settled
from ..policy import Policy
from ..syntax import emit
from ..walls.losses import NOT_HELD, STRICTER, Loss
from .compare import SEARCHED, decided
from .formats import ClientWriter, Format
from .permissions import EXACT, IDLE, ClientRequest
from .translate import Translated, translated
from .unfloored import floor_rules, with_floor_as_rules, without_floor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..analysis.rows import DiffRow
    from ..domain.decision import RuleRef, Verdict
    from ..domain.errors import Span
    from ..domain.request import Request
    from ..engine.pdp import Engine
    from ..ir.model import PolicySet, Rule
    from ..syntax.tree import RuleNode
    from .permissions import Permission

ACTIONS = ("run", "read", "write", "connect", "call", "do")
"""What the permissions of clients are about."""
CODES = {
    "read": "reads", "write": "writes", "connect": "hosts", "call": "calls", "do": "operations", "run": "commands",
}  # fmt: skip
"""The code of what is not held of an action; with `fewer-` in front, of what is held more strictly."""
_OWN = "the client's hook, or walls, hold the policy where its own permissions do not"
_LESS = "a person answers; the hook answers by the policy"
_UNHEARD_OF = "--unheard-of"
"""An option that no program has."""
_MOST_ROUNDS = limit("export_rounds")
_SHOWN = 20
"""Grants that are named which the client would take for more."""


@record(frozen=True, slots=True)
class ClientExport:
    """A file for a client, and what of the policy it does not hold. `left` are grants that are not in it."""

    kind: Format
    text: str
    entries: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str], ...]
    losses: tuple[Loss, ...]

    def not_accepted(self, accepted: frozenset[str]) -> list[Loss]:
        """The losses that keep it from being used."""
        return [loss for loss in self.losses if loss.held == NOT_HELD and loss.code not in accepted]


def exported_permissions(
    kind: Format, writer: ClientWriter, policy: Policy, like: Request, path: str, there: str = ""
) -> ClientExport:
    """A policy as a client's permissions. Raises SearchLimitError, and PolicyError when what is there cannot be read.

    `like` says for whom and where; `path` is the file that it is for, whose place may say what its patterns mean, and
    `there` its text.
    """
    inside = _Inside(kind, writer, policy, replace(like, lexical=True, confined=False), path, there)
    return inside.exported()


@record(frozen=True, slots=True)
class _Restriction:
    """One pattern that a rule of the policy restricts, as a rule of its own, and what the format says of it."""

    node: RuleNode
    rule: str
    anchor: str
    said: tuple[tuple[str, str], ...]


class _Inside:
    """One export."""

    def __init__(
        self, kind: Format, writer: ClientWriter, policy: Policy, like: Request, path: str, there: str
    ) -> None:
        self._kind, self._writer, self._policy, self._like = kind, writer, policy, like
        self._path, self._there = path, there
        self._compared: tuple[Translated | None, tuple[DiffRow, ...]] = None, ()
        self._layout = Layout(like.workspace, like.home, like.tmp)
        self._engine, self._standing = ExportComparison(policy, like).at_any_time(ACTIONS)
        rules = [rule for layer in self._standing.layers for rule in layer.rules]
        self._rules = [*sorted(rules, key=lambda one: one.effect == ALLOW), *floor_rules(self._standing)]

    def exported(self) -> ClientExport:
        """The file. What its grants would permit beyond the policy is restricted, where a rule says so, or left out."""
        entries, no_room = self._begun()
        left: list[tuple[str, str]] = []
        for _ in range(_MOST_ROUNDS):
            made = self._imported(entries)
            more, fewer = self._corrected(made, entries)
            if not more and not fewer:
                break
            left += [one for one in entries if one in fewer]
            entries = [one for one in (*entries, *more) if one not in fewer]
        else:  # nothing is granted that was not proved
            left += [one for one in entries if one[0] == ALLOW]
            entries = [one for one in entries if one[0] != ALLOW]
            made = self._imported(entries)
        losses = [*self._not_held(made), *self._stricter(made, left)]
        if no_room:
            about = (
                f"{counted(len(no_room), 'grant')} would come on top of as many as can be compared, and are not written"
            )
            losses.append(Loss("fewer-permissions", STRICTER, about, _LESS))
        left += no_room
        text = self._writer.text(entries, self._there)
        return ClientExport(self._kind, text, tuple(entries), tuple(left), tuple(losses))

    def _begun(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """What is said at first, and grants that there is no room for: the policy's own come before those it imports.

        Half of what may be read again is kept free for restrictions.
        """
        name = self._standing.layers[0].name
        rules = sorted(filter(self._is_own, self._rules), key=lambda rule: rule.effect == ALLOW and rule.module != name)
        said = [*dict.fromkeys(one for rule in rules for one in self._said(rule))]
        grants = [one for one in said if one[0] == ALLOW]
        others = [one for one in said if one[0] != ALLOW]
        room = max(0, self._most // 2 - len(others))
        return [*others, *grants[:room]], grants[room:]

    @property
    def _most(self) -> int:
        """How many permissions are read again."""
        return limit(self._writer.most)

    def _is_own(self, rule: Rule) -> bool:
        """Whether a rule is always said: every grant, and what the policy itself restricts, not what it imports."""
        return rule.effect == ALLOW or rule.module == self._standing.layers[0].name

    def _said(self, rule: Rule) -> Iterator[tuple[str, str]]:
        """What the format says of a rule. What a grant excepts is asked about: nothing takes a part out of a grant."""
        for action in rule.actions:
            for effect, patterns in ((rule.effect, rule.include), (ASK, rule.exclude if rule.effect == ALLOW else ())):
                for text in (t for pattern in patterns for t in _alternatives(pattern.text)):
                    yield from ((effect, said) for said in self._writer.spell(effect, action, text, rule))

    def _corrected(
        self, made: Translated, entries: Sequence[tuple[str, str]]
    ) -> tuple[list[tuple[str, str]], set[tuple[str, str]]]:
        """Restrictions that are needed besides, and grants that permit what no restriction takes back."""
        granted = [one for one in made.permissions.entries if one.span is not None and one.effect == ALLOW]
        fewer = {
            one.text for one in granted if one.fit not in {EXACT, IDLE} or self._runs(one) or self._answers(made, one)
        }
        more: list[tuple[str, str]] = []
        for row in (one for one in self._differences(made) if one.kind == "widened"):
            said = [one for one in self._restrictions(row) if one not in entries]
            if len(entries) + len(more) + len(said) <= self._most:
                more += said
            else:  # what takes more back than people can read is not granted
                said = []
            if not said:
                fewer |= {entry.text for entry in self._owners(made, row) if entry.span is not None}
        return list(dict.fromkeys(more)), {
            one for one in entries if one[0] == ALLOW and self._writer.name(*one) in fewer
        }

    def _restrictions(self, row: DiffRow) -> Iterator[tuple[str, str]]:
        """What the format says of a restriction that is about a row's witness, and of its rule's others like it.

        Like it are those with the same anchor: a difference shows one request of a rule, and the next ones are alike.
        """
        guard, known = self._guard
        explained = guard.explain(row.witness.request(guard.policy_set)).rules
        met = {answer.rule.id for answer in explained if answer.holds != "no"}
        found = min((one for name, one in known.items() if name in met), key=lambda one: len(one.anchor), default=None)
        if found is not None:
            alike = (one for one in known.values() if (one.rule, one.anchor) == (found.rule, found.anchor))
            yield from (text for one in alike for text in one.said)

    @cached_property
    def _guard(self) -> tuple[Policy, dict[str, _Restriction]]:
        """A guardrail of all these rules, and which rule of it stands for which."""
        each = self._one_by_one
        guard = Policy.loads(emit.text([emit.header("each", "guardrail"), *(one.node for one in each)]), "each.policy")
        return guard, {rule.id: one for rule, one in zip(guard.policy_set.layers[0].rules, each, strict=True)}

    @cached_property
    def _one_by_one(self) -> list[_Restriction]:
        """A rule for each pattern that the policy restricts, with what the format says of it."""
        out = []
        for rule in self._rules:
            for action in rule.actions if rule.effect != ALLOW else ():
                for text in (t for p in rule.include for t in _alternatives(p.text) if action in SEARCHED):
                    said = tuple((rule.effect, one) for one in self._writer.spell(rule.effect, action, text, rule))
                    if said:
                        anchor = text[: text.find("/") + 1] if text[:1] in "/~$" else ""
                        out.append(_Restriction(emit.rule("deny", [action], [text]), rule.id, anchor, said))
        return out

    def _imported(self, entries: Sequence[tuple[str, str]]) -> Translated:
        source = Source(self._path, self._writer.text(entries, self._there))
        return translated(self._kind.read([source]), self._kind.name)

    def _runs(self, entry: Permission) -> str:
        """A command pattern of a grant of which the policy does not allow every member; empty where it does."""
        for rule in entry.rules if entry.effect == ALLOW else ():
            if rule.actions[0][0].text != "run" or any(clause.kind == "when" for clause in rule.clauses):
                continue
            for pattern in rule.patterns:
                asked = replace(self._like, action="run", resource=pattern.text, pattern=True)
                if self._engine.decide(asked).effect != ALLOW:
                    return pattern.text
        return ""

    def _answers(self, made: Translated, entry: Permission) -> bool:
        """Whether at a grant's boundary the client, by its model, allows what the policy does not."""
        model = made.permissions.model
        allowed = (one for one in entry.tries if model(one) == ALLOW and self._bare(one) != ALLOW)
        return any(decided(self._policy, one).effect != ALLOW for one in allowed)

    @cached_property
    def _bare(self) -> Callable[[ClientRequest], str]:
        """The client's answers with nothing of the policy in its file."""
        return self._kind.read([Source(self._path, self._writer.text((), self._there))]).model

    def _differences(self, made: Translated) -> tuple[DiffRow, ...]:
        """Where one of the two allows what the other does not; what people are asked about is not allowed."""
        if made is self._compared[0]:
            return self._compared[1]
        theirs, ours = made.policy.policy_set, self._standing
        alike = dataclasses.replace(theirs, attributes=ours.attributes, profiles=ours.profiles, trusts=ours.trusts)
        old, new = self._without_asking(with_floor_as_rules(ours)), self._without_asking(without_floor(alike))
        self._compared = made, tuple(diff(old, new, self._layout, whole=False).rows)
        return self._compared[1]

    def _without_asking(self, policy: PolicySet) -> Engine:
        known = {CONFINED: False}
        return engine_of(unasked(settled(policy, known, None, SEARCHED)), profiles=self._policy.engine.profiles)

    def _owners(self, made: Translated, row: DiffRow) -> list[Permission]:
        """The entries by which the client allows a row's witness."""
        asked = row.witness.request(made.policy.policy_set)
        found = [made.entry_at(span.start) for span in self._spans(made, asked)]
        return [entry for entry in found if entry is not None and entry.effect == ALLOW]

    def _spans(self, made: Translated, asked: Request) -> list[Span]:
        granting = {rule.id: rule.span for layer in made.policy.policy_set.layers for rule in layer.rules}
        explained = made.policy.explain(asked)
        return [granting[one.rule.id] for one in explained.rules if one.holds == "yes" and one.rule.id in granting]

    # what is not held

    def _not_held(self, made: Translated) -> Iterator[Loss]:
        """What the client allows by itself, and the policy does not."""
        for row in self._differences(made):
            if row.kind == "widened":
                about = f"{self._kind.title} allows by itself what the policy does not"
                yield Loss(CODES[row.action], NOT_HELD, about, _OWN, self._asked(row), _first(row.old))
        for entry in made.permissions.entries:
            if entry.span is None and (text := self._runs(entry)):
                asked = replace(self._like, action="run", resource=text, pattern=True)
                about = f"{self._kind.title} runs by itself what the policy does not: {entry.text}"
                yield Loss(CODES["run"], NOT_HELD, about, _OWN, asked)
            elif entry.span is None and (ran := self._tried(made, entry)) is not None:
                about = f"{self._kind.title} runs by itself what the policy does not"
                yield Loss(CODES["run"], NOT_HELD, about, _OWN, ran)

        if (beyond := self._beyond_profiles(made)) is not None:
            about = f"{self._kind.title} runs commands with options that the policy does not know"
            yield Loss(CODES["run"], NOT_HELD, about, _OWN, beyond)

    def _beyond_profiles(self, made: Translated) -> Request | None:
        """A command of a grant with an option that its profile does not know: it is opaque to the policy alone."""
        model = made.permissions.model
        granted = (e for e in made.permissions.entries if e.span is not None and e.effect == ALLOW)
        patterns = (p.text for e in granted for r in e.rules if r.actions[0][0].text == "run" for p in r.patterns)
        for text in patterns:
            words = f"{text.removesuffix(' **')} {_UNHEARD_OF}"
            if text.endswith(" **") and model(ClientRequest("run", words)) == ALLOW:
                asked = replace(self._like, action="run", resource=words)
                if self._engine.decide(asked).effect != ALLOW:
                    return asked
        return None

    def _tried(self, made: Translated, entry: Permission) -> Request | None:
        """A command at an entry's boundary that the client, by its model, runs and the policy does not."""
        runs = (one for one in entry.tries if one.action == "run" and made.permissions.model(one) == ALLOW)
        asked = (replace(self._like, action="run", resource=one.resource) for one in runs)
        return next((one for one in asked if self._engine.decide(one).effect != ALLOW), None)

    def _stricter(self, made: Translated, left: Sequence[tuple[str, str]]) -> Iterator[Loss]:
        """What the policy allows, and the client asks about."""
        seen: set[str] = set()
        for row in self._differences(made):
            rule = _first(row.old)
            key = f"{row.action} {rule.id if rule is not None else ''}"
            if row.kind == "narrowed" and key not in seen:
                seen.add(key)
                about = f"{self._kind.title} asks about what the policy allows"
                yield Loss(f"fewer-{CODES[row.action]}", STRICTER, about, _LESS, self._asked(row), rule)
        for effect, text in left[:_SHOWN]:
            about = f"`{effect} {text}` would allow more than the policy does, and is not written"
            yield Loss("fewer-permissions", STRICTER, about, _LESS)
        if len(left) > _SHOWN:
            about = f"so would {counted(len(left) - _SHOWN, 'further grant')}"
            yield Loss("fewer-permissions", STRICTER, about, _LESS)

    def _asked(self, row: DiffRow) -> Request:
        asked = row.witness.request(self._policy.policy_set)
        return replace(asked, agent=self._like.agent, workspace=self._like.workspace, home=self._like.home)


def _first(verdict: Verdict) -> RuleRef | None:
    return next(iter((*verdict.rules, *verdict.support)), None)


def _alternatives(text: str) -> list[str]:
    """The texts that a pattern with braces stands for; none where they are too many."""
    try:
        return expand_braces(text, limit("pattern_alternatives"))
    except GlobError:
        return []
