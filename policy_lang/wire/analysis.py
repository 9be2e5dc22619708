"""Differences, proofs and answers as JSON values, and as SARIF."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from ..analysis.diff import Diff
from ..analysis.facts import Fact
from ..analysis.prove import Proof
from ..analysis.query import QueryAnswer
from ..analysis.rows import DiffRow
from ..analysis.witness import Witness
from ..domain.conditions import ARGUMENT, DESTINATION
from ..domain.decision import Verdict
from ..domain.serialize import rule_json
from ..domain.strict_json import Json

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {
    "widened": ("error", "a request is newly permitted"),
    "lowered": ("warning", "a request needs less approval"),
    "unlogged": ("warning", "a grant is no longer flagged in the log"),
    "narrowed": ("note", "a request is no longer permitted"),
    "raised": ("note", "a request needs more approval"),
    "logged": ("note", "a grant is newly flagged in the log"),
    "undecided": ("warning", "a difference could not be decided within limits"),
}


def witness_json(witness: Witness) -> Json:
    """A request in the wire form that `policy check --requests` takes; `moment_json` says when it is asked."""
    given = {k: v for k, v in witness.given.items() if v is not None}
    out: Json = {
        "action": witness.action,
        "resource": list(witness.resource) if isinstance(witness.resource, tuple) else witness.resource,
    }
    given.pop("now", None)
    out |= {name: True for name in ("confined", "versioned") if given.pop(name, False)}
    out |= {k: given.pop(k) for k in ("agent", "repo", "branch", "session") if k in given}
    if DESTINATION in given:
        out["destination"] = given.pop(DESTINATION)
    given = {k: v for k, v in given.items() if not k.startswith(ARGUMENT)}
    if given:
        out["context"] = given
    if witness.arguments is not None:
        out["arguments"] = witness.arguments
    if witness.method:
        out["method"] = witness.method
    if witness.resolved:
        out["resolved"] = list(witness.resolved)
    layout = witness.layout
    out |= {k: v for k, v in (("workspace", layout.workspace), ("home", layout.home), ("tmp", layout.tmp)) if v}
    out["lexical"] = True
    return out


def moment_json(witness: Witness) -> Json:
    """The time that a request's conditions need, as `policy check --now` takes it; nothing when none does."""
    now = witness.given.get("now")
    return {"at": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%MZ}"} if isinstance(now, int) else {}


def _verdict(verdict: Verdict) -> Json:
    rules = [rule_json(r) for r in verdict.rules]
    return {"effect": verdict.effect, "tiers": list(verdict.tiers), "rules": rules, "reasons": list(verdict.reasons)}


def row_json(row: DiffRow) -> Json:
    """One difference."""
    out: Json = {
        "kind": row.kind,
        "action": row.action,
        "agents": list(row.agents),
        "every_agent": row.everyone,
        "witness": witness_json(row.witness),
        "shortest": witness_json(row.proof),
        "old": _verdict(row.old),
        "new": _verdict(row.new),
        "rule": {**rule_json(row.rule), "side": row.side},
        **moment_json(row.witness),
    }
    if row.tier:
        out["tier"] = row.tier
    if row.pattern:
        out["pattern"] = row.pattern
    if row.whole is not None:
        out["all_of_pattern"] = row.whole
    if row.only:
        out["only_when"] = row.only
    if row.files:
        out["tracked_files"] = {"count": len(row.files), "first": list(row.files[:20])}
    return out


def diff_json(found: Diff) -> Json:
    """A whole difference."""
    return {
        "same": found.same,
        "rows": [row_json(r) for r in found.rows],
        "changes": [{"kind": c.kind, "text": c.text} for c in found.changes],
        "undecided": [
            {"kind": u.kind, "action": u.action, "why": u.why, **({"rule": rule_json(u.rule)} if u.rule else {})}
            for u in found.undecided
        ],
        "layout": {"workspace": found.layout.workspace, "home": found.layout.home, "tmp": found.layout.tmp},
    }


def proof_json(proof: Proof) -> Json:
    """One claim and what became of it."""
    claim = proof.claim
    out: Json = {
        "file": claim.span.source.path,
        "line": claim.span.line,
        "name": proof.block.name,
        "claim": claim.kind.replace("_", " "),
        "actions": list(claim.actions),
        "patterns": [p.text for p in claim.patterns],
        "verdict": proof.verdict,
    }
    if claim.tier:
        out["tier"] = claim.tier
    if claim.agents:
        out["agents"] = list(claim.agents)
    if proof.why:
        out["why"] = proof.why
    if proof.only:
        out["only_when"] = proof.only
    if proof.witness is not None and proof.decided is not None:
        out |= {
            "witness": witness_json(proof.witness),
            "decision": _verdict(proof.decided),
            **moment_json(proof.witness),
        }
    return out


def answer_json(answer: QueryAnswer) -> Json:
    """What is granted, with examples."""
    return {
        "grants": [
            {
                "action": g.action,
                "effect": g.effect,
                "tiers": list(g.tiers),
                "rule": rule_json(g.rule),
                "patterns": list(g.patterns),
                "exceptions": list(g.exceptions),
                "agents": list(g.agents),
                "every_agent": g.everyone,
                "example": witness_json(g.witness),
                **moment_json(g.witness),
                **({"only_when": g.only} if g.only else {}),
                "less": [{"rule": rule_json(r), "patterns": list(texts)} for r, texts in g.cuts],
            }
            for g in answer.grants
        ],
        "undecided": list(answer.undecided),
    }


def fact_json(fact: Fact) -> Json:
    """A fact about a rule."""
    out: Json = {"kind": fact.kind, "rule": rule_json(fact.rule), "by": [rule_json(r) for r in fact.by]}
    return out | ({"pattern": fact.pattern} if fact.pattern else {})


def diff_sarif(found: Diff, version: str, texts: list[str]) -> Json:
    """SARIF 2.1.0 (OASIS). `texts` are the rows' messages."""
    results: list[Json] = []
    for row, text in zip(found.rows, texts, strict=True):
        uri = row.rule.file
        result: Json = {
            "ruleId": row.kind,
            "level": _RULES[row.kind][0],
            "message": {"text": text},
            "partialFingerprints": {"policyDiff/v1": f"{row.kind}:{row.action}:{row.rule.id}"},
            "properties": {"witness": witness_json(row.witness)},
        }
        if not os.path.isabs(uri) and not uri.startswith(".."):
            place: dict[str, Any] = {"artifactLocation": {"uri": uri}, "region": {"startLine": max(row.rule.line, 1)}}
            result["locations"] = [{"physicalLocation": place}]
        results.append(result)
    for one in found.undecided:
        results.append({"ruleId": "undecided", "level": "warning", "message": {"text": f"{one.action}: {one.why}"}})
    driver = {
        "name": "policy_lang",
        "version": version,
        "rules": [
            {"id": kind, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
            for kind, (level, text) in _RULES.items()
        ],
    }
    return {"$schema": _SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
