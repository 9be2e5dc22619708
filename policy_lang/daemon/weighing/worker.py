"""One piece of weighing, in a process of its own: `python -I -m policy_lang.daemon.weighing.worker`.

Standard input is one JSON object, standard output a JSON object a line: what was found so far is said at once, so what
time does not suffice for is the only thing that is missing.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from ..._version import __version__
from ...analysis.diff import Diff
from ...compiler.binary import compile_binary
from ...domain.errors import PolicyError, RequestError
from ...domain.limits import limit
from ...domain.record import replace
from ...domain.request import Request
from ...domain.strict_json import Json
from ...lint.linter import Options, context_of, lint_context
from ...policy import Policy
from ...records.questions import asked
from ...resolve.files import overlay, read_source
from ...wire.analysis import row_json
from ..memory import bound_memory
from .comparing import beyond, both, compiled, with_rules, without_ceilings
from .opened_files import opened
from .policy_branch import PolicyBranch
from .rules import canonical, rules_of
from .within import within

Say = Callable[[Json], None]
_MOST_ROWS = limit("proposal_witnesses")


def weigh(job: Json, say: Say) -> None:
    """What a proposal would newly permit, and all else that a person is told of it."""
    text, agent, path = canonical(job["text"]), job["agent"], job["path"]
    say({"text": text})
    source, base = _base(job)
    made = with_rules(source, path, agent, [text])
    new = compiled(made, path)
    if "narrower_than" in job:
        wide = compiled(with_rules(source, path, agent, [job["narrower_than"]]), path)
        say({"narrower": _none(beyond(wide, new))})
    found = beyond(base, new)
    first = _live(job["asked"][0])
    actions = {word.text for rule in rules_of(text) for word, _ in rule.actions}
    kept = _held_back(base, new) if new.policy_set.layers[1:] else {}
    decisions = [new.engine.decide(_live(record)) for record in job["asked"]]
    effect = max((d.effect for d in decisions), key=("allow", "ask", "deny").index)
    say(
        {
            "newly": [_row(r) for r in found.rows[:_MOST_ROWS]],
            "more": max(0, len(found.rows) - _MOST_ROWS),
            "undecided": sorted({u.why for u in found.undecided}),
            "ceiling": kept,
            "refused_call": {
                "effect": effect,
                "reasons": list(dict.fromkeys(r for d in decisions if d.effect == effect for r in d.reasons))[:5],
            },
        }
    )
    if job.get("rejected") and not _none(_again(job, source, base, new)):
        say({"again": True})
        return
    say({"again": False})
    say({"files": opened(base, new, first, actions)})
    say({"findings": _findings(path, source, made)})


def _live(record: Json) -> Request:
    """A request that was refused, asked of the disk as it is now."""
    return replace(asked(record), disk=None)


def _base(job: Json) -> tuple[str, Policy]:
    """The text of the policy in force, and the policy. Raises RequestError when its file says something else."""
    source = read_source(job["path"]).text
    base = Policy.loads(source, job["path"])
    if base.digest != job["digest"]:
        raise RequestError("PLR248", "the policy's files are not those of the policy in force")
    return source, base


def _row(row: Any) -> Json:
    out = row_json(row)
    return {name: out[name] for name in ("kind", "witness", "shortest", "old", "new") if name in out}


def _none(found: Diff) -> bool:
    """True when it is proved that nothing more is permitted."""
    return not found.rows and not found.undecided and not found.has("lowered", "lost")


def _again(job: Json, source: str, base: Policy, new: Policy) -> Diff:
    """What the proposal newly permits of what the rejected ones would have."""
    rejected = compiled(with_rules(source, job["path"], job["agent"], job["rejected"]), job["path"])
    return beyond(base, both(new, rejected))


def _held_back(base: Policy, new: Policy) -> Json:
    """What of the proposal a ceiling forbids, by requests that it would permit without."""
    rows = beyond(without_ceilings(base), without_ceilings(new)).rows
    denied = [r for r in rows if new.engine.decide(r.witness.request(new.policy_set)).effect == "deny"]
    reasons = [d.reasons for d in (new.engine.decide(r.witness.request(new.policy_set)) for r in denied)]
    return {
        "forbids": "nothing" if not denied else "all" if len(denied) == len(rows) else "part",
        "rows": [_row(r) for r in denied[:_MOST_ROWS]],
        "reasons": list(dict.fromkeys(x for r in reasons for x in r))[:5],
    }


def _findings(path: str, source: str, made: str) -> list[Json]:
    """What the linter finds with the rules and not without them."""
    options = Options(ignore=("SEM009", "AGT001"))  # they are about the block for one agent that the service writes
    before, after = (
        lint_context(context_of(path, options, overlay({path: text})), options).findings for text in (source, made)
    )
    known = {f.fingerprint for f in before}
    return [{"code": f.code, "message": f.message} for f in after if f.fingerprint not in known]


def grant(job: Json, say: Say) -> None:
    """The compiled policy with rules in it that people have granted."""
    source, _ = _base(job)
    made = with_rules(source, job["path"], job["agent"], job["texts"])
    data = compile_binary(job["path"], __version__, read=overlay({job["path"]: made}))
    say({"compiled": base64.b64encode(data).decode("ascii")})


def branch(job: Json, say: Say) -> None:
    """A branch with the rules in the policy's file, as a person accepted them."""
    source, _ = _base(job)
    made = with_rules(source, job["path"], job["agent"], job["texts"])
    to = PolicyBranch(job["repository"], *job["author"])
    say({"commit": to.write(job["path"], source, made, job["branch"], job["message"])})


def check_within(job: Json, say: Say) -> None:
    """Whether a policy for sub-agents is within the agent's own."""
    say(within(_base(job)[1], job["agent"], job["text"]))


_WORK: dict[str, Callable[[Json, Say], None]] = {
    "weigh": weigh, "grant": grant, "branch": branch, "within": check_within,
}  # fmt: skip


def main() -> int:
    """Do the piece of work that standard input says."""
    seconds, size = limit("weighing_seconds"), limit("weighing_bytes")
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    bound_memory(size)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    job = json.load(sys.stdin)
    os.chdir("/")  # what a policy names, it names by its own place

    def say(found: Json) -> None:
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()

    try:
        _WORK[job["work"]](job, say)
    except RequestError as error:
        say({"fault": [error.code, error.message]})
    except PolicyError as error:
        say({"fault": ["PLR248", error.diagnostics[0].message]})
    else:
        say({"done": True})
    return 0


if __name__ == "__main__":
    sys.exit(main())
