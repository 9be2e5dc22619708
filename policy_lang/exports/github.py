"""GitHub: rulesets of a repository (REST `POST /repos/OWNER/REPO/rulesets`), of branches and of tags.

Of several rulesets the most restrictive holds. Patterns are those of Ruby's `File.fnmatch` with FNM_PATHNAME: `*` ends
at `/`, and `**/` is any number of folders.
"""

from __future__ import annotations

import json
import re

from ..automata.pattern import ANY, MANY
from ..domain.limits import limit
from .model import ExportError
from .refs import RefDialect, plain
from .target import ServerTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..automata.pattern import Sequence as Labels
    from ..domain.strict_json import Json
    from .refs import Barred, RefPattern, RefPlan
    from .target import RefTask

_ACTOR = re.compile(r"(?:(RepositoryRole|Team|Integration|DeployKey|OrganizationAdmin):)?([0-9]{1,18})")
_TARGETS = {"heads": "branch", "tags": "tag"}
_RULES = {
    ("push", "branch"): ("creation", "update"),
    ("push", "tag"): ("creation",),
    ("force-push", "branch"): ("non_fast_forward",),
    ("force-push", "tag"): ("update", "non_fast_forward"),
    ("delete-ref", "branch"): ("deletion",),
    ("delete-ref", "tag"): ("deletion",),
}
"""The rules that keep an action back; a tag that is moved is forced, whatever it goes to."""
_MOST_RULESETS = limit("export_rulesets")
_NOTES = (
    "create each ruleset: jq -c '.[]' FILE | while read -r one; do "
    'printf %s "$one" | gh api -X POST repos/OWNER/REPO/rulesets --input -; done',
    "rulesets hold for everybody, in whatever way they push, but for those whom `--bypass` names: the agent's account "
    "must have none of these roles",
    "a branch that people are asked about cannot be made by a push, only changed by a pull request",
)


def write(task: RefTask) -> tuple[str, tuple[str, ...]]:
    """The rulesets in JSON, and notes. Raises ExportError."""
    actors: list[Json] = [_actor(text) for text in task.bypass]
    rulesets: list[Json] = [
        {
            "name": f"policy_lang: {name}",
            "target": target,
            "enforcement": "active",
            "bypass_actors": actors,
            "conditions": {"ref_name": {"include": list(include), "exclude": list(exclude)}},
            "rules": rules,
        }
        for plan in task.plans
        for target in (_TARGETS[plan.kind],)
        for name, include, exclude, rules in _rulesets(plan, target, task)
    ]
    if len(rulesets) > _MOST_RULESETS:
        raise ExportError(f"more than {_MOST_RULESETS} rulesets, which a repository cannot have, would be needed")
    return json.dumps(rulesets, indent=2, ensure_ascii=False) + "\n", _NOTES


def _rulesets(
    plan: RefPlan, target: str, task: RefTask
) -> Iterator[tuple[str, Iterable[str], Iterable[str], list[Json]]]:
    """Names, what is included and excluded, and rules."""
    for action, granted in plan.granted.items():
        rules: list[Json] = [{"type": name} for name in _RULES[action, target]]
        free = (*granted, *(plan.asked if action == "push" else ()))
        yield f"{target} {action}", ["~ALL"], _texts(free, plan.kind), rules
        for number, group in enumerate(_grouped(plan.barred.get(action, ())), 1):
            name = f"{target} {action}, exceptions {number}"
            yield name, _texts(group[0], plan.kind), _texts(group[1], plan.kind), rules
    by_count: dict[int, list[RefPattern]] = {}
    for pattern in plan.asked:
        by_count.setdefault(task.quorum(pattern.tier), []).append(pattern)
    for count, patterns in by_count.items():
        yield f"{target} approvals {count}", _texts(patterns, plan.kind), [], [{"type": "creation"}, _approved(count)]


def _grouped(groups: Iterable[Barred]) -> Iterator[tuple[tuple[RefPattern, ...], tuple[RefPattern, ...]]]:
    """The groups without exceptions as one, then the others."""
    groups = tuple(groups)
    bare = tuple(dict.fromkeys(p for group in groups if not group.exclude for p in group.include))
    if bare:
        yield bare, ()
    for group in groups:
        if group.exclude:
            yield group.include, group.exclude


def _approved(count: int) -> Json:
    return {
        "type": "pull_request",
        "parameters": {
            "required_approving_review_count": count,
            "dismiss_stale_reviews_on_push": True,
            "require_last_push_approval": True,
            "require_code_owner_review": False,
            "required_review_thread_resolution": False,
        },
    }


def _texts(patterns: Iterable[RefPattern], kind: str) -> list[str]:
    return list(dict.fromkeys(f"refs/{kind}/{text}" for pattern in patterns for text in pattern.texts))


def _actor(text: str) -> Json:
    found = _ACTOR.fullmatch(text)
    if not found:
        raise ExportError(
            "give `--bypass ID` of a repository role (5 is Repository admin, 2 Maintain), or `--bypass Team:ID`, "
            "`Integration:ID`, `DeployKey:ID`, `OrganizationAdmin:ID`"
        )
    return {"actor_id": int(found[2]), "actor_type": found[1] or "RepositoryRole", "bypass_mode": "always"}


def says(labels: Labels) -> tuple[str, ...]:
    """Labels as patterns of fnmatch, none where it has none.

    At the end `**` is `*` to it, so there it takes two patterns. Sets, and `?` where a character is several bytes, may
    be read differently, so they are not used.
    """
    if labels[-1:] == (MANY,) and labels[-2:-1] != (ANY,):
        return (*(says(labels[:-1]) if len(labels) > 1 else ()), *says((*labels[:-1], ANY, MANY)))
    out: list[str] = []
    many, anys = False, 0
    for label in (*labels, None):
        if label is MANY:
            many = True
        elif label is ANY:
            anys += 1
        else:
            out += ["**"] * many + ["*"] * anys
            many, anys = False, 0
            if label is not None:
                out.append(plain(label, True))
    return ("/".join(out),) if all(out) else ()


TARGET = ServerTarget(
    RefDialect(
        "github",
        says,
        asked=frozenset({"heads"}),
        forced=frozenset(_TARGETS),
        deleted=frozenset(_TARGETS),
        denies=True,
        merges_asked=True,
        most_approvals=10,
    ),
    write,
    hidden=("refs/pull/**",),
    approved="whoever may write approves, not only the tier's approvers",
)
