"""GitLab: protected branches and tags of a project, for an agent whose role is Developer.

Everything is protected by `*`, and what is granted by a rule of its own: of several rules the most permissive holds, so
that none can take away what another grants. In a name `*` is any text, `/` too; there is nothing else.
"""

from __future__ import annotations

import json

from ..automata.pattern import ANY, MANY
from .model import ExportError
from .refs import RefDialect, plain
from .target import ServerTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..automata.pattern import Sequence as Labels
    from ..domain.strict_json import Json
    from .refs import RefPattern, RefPlan
    from .target import RefTask

_NOBODY, _DEVELOPER, _MAINTAINER = 0, 30, 40
_BYPASS = {"40": _MAINTAINER, "60": 60}
_NOTES = (
    "unprotect what is protected now, main too: of several rules the most permissive holds, a group's as well",
    "create each by the REST API: POST /projects/ID/protected_branches and protected_tags; with Premium approval_rules "
    "as well, and approvals, which is one object",
    "the agent's role in the project must be Developer",
)


def write(task: RefTask) -> tuple[str, tuple[str, ...]]:
    """The rules in JSON, and notes. Raises ExportError."""
    if len(task.bypass) > 1 or any(text not in _BYPASS for text in task.bypass):
        raise ExportError(
            "give `--bypass 40` (Maintainers) or `--bypass 60` (administrators) once; agents are Developers"
        )
    people = _BYPASS[task.bypass[0]] if task.bypass else _NOBODY
    branches, tags = task.plans
    found: Json = {
        "protected_branches": _branches(branches, people),
        "protected_tags": [
            {"name": name, "create_access_level": level}
            for name, level in {"*": people, **dict.fromkeys(_texts(tags.granted["push"]), _DEVELOPER)}.items()
        ],
    }
    most = max((task.quorum(pattern.tier) for pattern in branches.asked), default=1)
    if most > 1:
        found["approval_rules"] = [{"name": "policy_lang", "rule_type": "any_approver", "approvals_required": most}]
        found["approvals"] = {
            "reset_approvals_on_push": True,
            "merge_requests_author_approval": False,
            "merge_requests_disable_committers_approval": True,
            "disable_overriding_approvers_per_merge_request": True,
        }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n", _NOTES


def _branches(plan: RefPlan, people: int) -> list[Json]:
    pushed, forced = _texts(plan.granted["push"]), _texts(plan.granted["force-push"])
    asked = _texts(plan.asked)
    return [
        {
            "name": name,
            "push_access_level": _DEVELOPER if name in pushed else people,
            "merge_access_level": (people or _MAINTAINER) if name in asked else people,
            "unprotect_access_level": people or _MAINTAINER,
            "allow_force_push": name in forced,
        }
        for name in dict.fromkeys(("*", *pushed, *forced, *asked))
    ]


def _texts(patterns: Iterable[RefPattern]) -> list[str]:
    return list(dict.fromkeys(text for pattern in patterns for text in pattern.texts))


def says(labels: Labels) -> tuple[str, ...]:
    """Labels as names with `*`, none where these cannot say it: neither one segment nor a part of one.

    `a/**/b` takes two: `a/b` and `a/*/b`.
    """
    ways: list[tuple[str, ...]] = [()]
    many, anys = False, 0
    for label in (*labels, None):
        if label is MANY:
            many = True
        elif label is ANY:
            anys += 1
        elif anys and not many:
            return ()
        else:
            if many:
                ways = [(*way, *stars) for way in ways for stars in ([()] * (not anys) + [("*",) * max(1, anys)])]
            many, anys = False, 0
            if label is not None:
                ways = [(*way, plain(label, False)) for way in ways]
    known = [way for way in ways if way]
    return tuple("/".join(way) for way in known) if all(map(all, known)) else ()


_SERVICE = ("merge-requests", "keep-around", "environments", "pipelines")
TARGET = ServerTarget(
    RefDialect(
        "gitlab",
        says,
        asked=frozenset({"heads"}),
        forced=frozenset({"heads"}),
        deleted=frozenset(),
        denies=False,
        merges_asked=False,
        most_approvals=100,
    ),
    write,
    hidden=tuple(f"refs/{name}/**" for name in _SERVICE),
    approved="whoever may merge approves, not only the tier's approvers; more than one has to with Premium alone",
)
