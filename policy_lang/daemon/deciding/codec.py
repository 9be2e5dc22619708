"""Questions and answers between the service and its deciders, as JSON: the fields of the records in order, no classes.

Rules and verdicts, which many effects share, stand in tables once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...domain.decision import Answer, Effect, RuleRef, Verdict
from ...domain.request import Request
from ...domain.strict_json import Json

_DECIDES = (
    "action", "resource", "agent", "repo", "branch", "session", "context", "cwd", "workspace", "home", "tmp", "shell",
    "method", "resolved", "git", "lexical", "pattern", "now", "inner", "confined", "destination",
    "arguments",
)  # fmt: skip
"""What a decision hangs on, of a request that was bound to its caller."""


def question_json(request: Request) -> Json:
    """A request as far as it decides."""
    out: Json = {}
    for name in _DECIDES:
        value = getattr(request, name)
        if value is not None and value is not False:
            out[name] = _plain(value) if isinstance(value, Mapping) else value
    return out


def question_of(value: Json) -> Request:
    """The request that `question_json` wrote."""
    given = dict(value)
    for name in ("resource", "resolved"):
        if isinstance(given[name], list):
            given[name] = tuple(given[name])
    return Request(**given)


def _plain(value: Any) -> Any:
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def answers_json(answers: list[Answer]) -> Json:
    """Answers, without the resources of their requests, which whoever asked has."""
    rules: dict[int, int] = {}
    verdicts: dict[int, int] = {}
    out: Json = {"rules": [], "verdicts": [], "answers": []}

    def rule(one: RuleRef) -> int:
        if id(one) not in rules:
            rules[id(one)] = len(rules)
            out["rules"].append([one.id, one.effect, one.file, one.line, one.because, one.tier, one.layer])
        return rules[id(one)]

    def verdict(one: Verdict) -> int:
        if id(one) not in verdicts:
            verdicts[id(one)] = len(verdicts)
            deciding, support = [rule(r) for r in one.rules], [rule(r) for r in one.support]
            out["verdicts"].append(
                [one.effect, one.tiers, deciding, one.reasons, one.obligations, support, one.undecided]
            )
        return verdicts[id(one)]

    for answer in answers:
        parts = [
            [p.action, p.resource, verdict(p.verdict), p.start, p.end, p.note, p.opaque, p.remediation, p.free,
             p.method, p.supposed, p.file]
            for p in answer.parts
        ]  # fmt: skip
        out["answers"].append(
            [verdict(answer.verdict), answer.policy_digest, parts, answer.opaque, answer.pure, answer.files]
        )
    return out


def answers_of(value: Json, requests: list[Request]) -> list[Answer]:
    """The answers that `answers_json` wrote, to these requests."""
    rules = [RuleRef(*row) for row in value["rules"]]
    verdicts = [
        Verdict(
            effect, tuple(tiers), tuple([rules[r] for r in deciding]), tuple(reasons), tuple(obligations),
            tuple([rules[r] for r in support]), undecided,
        )
        for effect, tiers, deciding, reasons, obligations, support, undecided in value["verdicts"]
    ]  # fmt: skip
    out = []
    for request, row in zip(requests, value["answers"], strict=True):
        verdict, digest, parts, opaque, pure, files = row
        effects = tuple(
            [
                Effect(action, tuple(what) if isinstance(what, list) else what, verdicts[number], *rest)
                for action, what, number, *rest in parts
            ]
        )
        out.append(
            Answer(
                verdicts[verdict], digest, request.action, request.resource, effects, tuple(opaque), pure,
                tuple([(path, sha256) for path, sha256 in files]),
            )
        )  # fmt: skip
    return out
