"""Rules for git servers are of their form, and permit what the export says; what the policy does not is a loss.

How the servers match and decide is written here anew, from their documentation, and reads what was written.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy
from policy_lang.cli.export import command
from policy_lang.cli.main import cli
from policy_lang.domain.errors import PolicyError, SearchLimitError
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.exports import github, gitlab, refs
from policy_lang.exports.exporting import Export
from policy_lang.exports.model import ExportError, policy_of
from policy_lang.exports.servers import CODES, NAMES, exported_refs, server_named
from policy_lang.walls.losses import NOT_HELD

ACTIONS = ("push", "force-push", "delete-ref", "merge")
REFS = (
    "main", "agent/x", "agent/x/y", "agent/secret/k", "agent", "fix-1", "fix-1/2", "feat/a/x", "feat/c/x", "feat/a/x/z",
    "b", "bb", "ab", "a{b", "x!y", "a]b", "ünï", "release/1.0", "release/1.0/hot", "x/main", "x/y/main", "refs/tags/v1",
    "refs/tags/v1.0/rc", "refs/tags/build-7", "refs/tags/main",
)  # fmt: skip
OTHERS = ("refs/notes/commits", "refs/meta/config")
POLICIES = {
    "a folder": 'allow push "agent/**"',
    "a name": 'allow push "main", "release/1.0"',
    "one level": 'allow push "agent/*", "fix-*"',
    "all": 'allow push "**" allow force-push "agent/**"',
    "all refs": 'allow push, force-push, delete-ref, merge "refs/**"',
    "braces": 'allow push "feat/{a,b}/*", "release/1.0{,/**}"',
    "exceptions": 'allow push "agent/**" except "agent/secret/**" allow push "**/main" except "main"',
    "odd globs": 'allow push "[ab]?", "b*" deny push "agent/x?" allow push "agent/**", "a[{]b", "x!y"',
    "denied": 'allow push "**" deny push "main", "release/**"',
    "denied but for": 'allow push "**" deny push "**" except "agent/**"',
    "denied all but branches": 'allow push "refs/**" deny push "refs/**" except "refs/heads/**"',
    "forced": 'allow push, force-push "agent/**" deny force-push "agent/x" allow delete-ref "agent/*" except "agent/x"',
    "asked": 'allow push, merge "agent/**" ask review push "main" ask two push "release/**" ask review push "refs/tags/**"',
    "asked within": 'allow push, merge "**" ask two push, merge "main" ask review force-push "agent/**"',
    "merges": 'ask two merge "main" allow merge "release/**" allow push "agent/**"',
    "too many": 'ask many push "main" allow push "agent/**"',
    "tags": 'allow push "refs/tags/build-*" allow push, force-push "refs/tags/v*" allow delete-ref "refs/tags/v1"',
    "other remotes": 'allow push "up:main", "*:agent/**" deny push "up:**"',
    "when": 'when env == "dev" { allow push "main" } when env == "prod" { deny push "agent/**" } allow push "agent/**"',
    "until": 'allow push "main" until 2999-01-01 allow push "agent/**"',
    "by agent": 'agent "a" { allow push "agent/**" } agent "b" { allow push "**" }',
    "nothing": 'allow read "./"',
    "otherwise": 'allow push "agent/**" otherwise ask review',
}  # fmt: skip
HEAD = (
    'policy "p" context { env: string } tier review { approvers "@x" } tier two { approvers "@x" quorum 2 } '
    'tier many { approvers "@x" quorum 11 } '
)
LIKE = Request("read", ".", agent="a", workspace="/w/x", home="/w/h", tmp="/tmp")


def made(name: str, text: str, **options: object) -> tuple[Policy, Export]:
    policy = Policy.loads(text)
    return policy, exported_refs(server_named(name), policy, LIKE, **options)  # type: ignore[arg-type]


# what the servers do, by their documentation


def fnmatch(pattern: str, text: str) -> bool:
    """Ruby's `File.fnmatch(pattern, text, File::FNM_PATHNAME)`: `**/` is any number of folders, none included."""
    if pattern.startswith("**/"):
        rest = [text, *(text[i + 1 :] for i, c in enumerate(text) if c == "/")]
        return any(fnmatch(pattern[3:], one) for one in rest)
    first, slash, left = pattern.partition("/")
    segment, slash_there, below = text.partition("/")
    if not _segment(first, segment) or slash != slash_there:
        return False
    return not slash or fnmatch(left, below)


def _segment(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_segment(pattern[1:], text[i:]) for i in range(len(text) + 1))
    assert pattern[0] not in "?[\\{}", "of these the export makes no use"
    return text[:1] == pattern[0] and _segment(pattern[1:], text[1:])


def full(ref: str) -> str:
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"


def github_answers(text: str, action: str, ref: str) -> tuple[str, int]:
    """The effect of GitHub's rulesets on an action, and how many must approve."""
    ref = full(ref)
    target = {"refs/heads/": "branch", "refs/tags/": "tag"}.get(re.match("refs/[^/]*/", ref)[0], "")  # type: ignore[index]
    rules: set[str] = set()
    approvals = 0
    for ruleset in json.loads(text):
        names = ruleset["conditions"]["ref_name"]
        holds: Callable[[str], bool] = lambda pattern: pattern == "~ALL" or fnmatch(pattern, ref)  # noqa: E731
        if ruleset["target"] == target and any(map(holds, names["include"])) and not any(map(holds, names["exclude"])):
            rules |= {rule["type"] for rule in ruleset["rules"]}
            approvals = max(
                [
                    approvals,
                    *(r["parameters"]["required_approving_review_count"] for r in ruleset["rules"] if len(r) > 1),
                ]
            )
    by_request = "pull_request" in rules
    updates = "update" not in rules
    if action == "delete-ref":
        return ("deny" if "deletion" in rules else "allow"), 0
    if action == "force-push":
        return ("allow" if updates and not by_request and "non_fast_forward" not in rules else "deny"), 0
    if action == "merge" and target != "branch":
        return "deny", 0
    made_new = action == "push" and "creation" not in rules
    if made_new or (updates and not by_request and not (action == "push" and target == "tag")):
        return "allow", 0
    return ("ask", approvals) if updates and by_request and target == "branch" else ("deny", 0)


def gitlab_answers(text: str, action: str, ref: str) -> tuple[str, int]:
    """The effect of GitLab's rules on an action of a Developer, and how many must approve; the most permissive holds."""
    settings_, ref = json.loads(text), full(ref)
    kind, _, name = ref.removeprefix("refs/").partition("/")
    if kind not in {"heads", "tags"}:
        return ("deny" if action == "merge" else "allow"), 0
    rules = [
        rule
        for rule in settings_["protected_branches" if kind == "heads" else "protected_tags"]
        if re.fullmatch(re.escape(rule["name"]).replace(r"\*", ".*?"), name)
    ]
    assert rules, "nothing is without protection"
    if kind == "tags":  # protected ones are neither moved nor deleted
        return (
            "allow"
            if action == "push" and any(r["create_access_level"] <= 30 and r["create_access_level"] for r in rules)
            else "deny"
        ), 0
    pushes = any(rule["push_access_level"] == 30 for rule in rules)
    if action == "delete-ref":
        return "deny", 0
    if action == "force-push":
        return ("allow" if pushes and any(rule["allow_force_push"] for rule in rules) else "deny"), 0
    if pushes or any(rule["merge_access_level"] == 30 for rule in rules):
        return "allow", 0
    if action == "push" and any(rule["merge_access_level"] > 30 and rule["name"] != "*" for rule in rules):
        return "ask", max([1, *(rule["approvals_required"] for rule in settings_.get("approval_rules", ()))])
    return "deny", 0


ANSWERS = {"github": github_answers, "gitlab": gitlab_answers}


def policys(policy: Policy, action: str, ref: str) -> tuple[str, int]:
    """What the policy says, and how many must approve: who sets a ref back pushes as well."""
    decisions = [
        policy.decide_request(Request(a, ref, agent="a", context={"env": "test"}))
        for a in ((action, "push") if action == "force-push" else (action,))
    ]
    effect = max((str(d.effect) for d in decisions), key=["allow", "ask", "deny"].index)
    quorum = max((policy.policy_set.tiers[t].quorum for d in decisions for t in d.tiers), default=0)
    return effect, quorum if effect == "ask" else 0


def exceeds(action: str, server: tuple[str, int], policy: tuple[str, int]) -> bool:
    """Whether the server permits more. What is only merged after approvals is no push: `merge` is asked about that."""
    if (action, server[0], policy[0]) == ("push", "ask", "deny"):
        return False
    order = ["deny", "ask", "allow"]
    return order.index(server[0]) > order.index(policy[0]) or (
        server[0] == policy[0] == "ask" and server[1] < policy[1]
    )


def uncovered(name: str, policy: Policy, export: Export, widen: bool) -> list[tuple[str, str]]:
    """What the server permits, the policy does not, and no loss is about."""
    told = {loss.witness.action for loss in export.losses if loss.held == NOT_HELD and loss.witness is not None}
    may = told if widen else told & {"merge"}
    return [
        (action, ref)
        for ref in REFS
        for action in ACTIONS
        if exceeds(action, ANSWERS[name](export.written.text, action, ref), policys(policy, action, ref))
        and not may & ({action, "push"} if action == "force-push" else {action})
    ]


def witnesses_hold(policy: Policy, export: Export) -> None:
    for loss in export.losses:
        assert loss.remedy, loss.code
        if loss.witness is not None:
            effect = policy.decide_request(loss.witness).effect
            assert effect != "allow" if loss.held == NOT_HELD else effect != "deny", (loss.code, loss.witness)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("qa/*", ["qa/x"], ["qa/foo/bar", "qa"]),
        ("qa/**/*", ["qa/foo", "qa/foo/bar/foobar/hello-world"], ["qa", "qab"]),
        ("*release*", ["release", "a-release-1"], ["release/1"]),
        ("**/foo", ["a/b/c/foo", "foo"], ["a/foo/b"]),
        ("*", ["a"], ["a/b"]),
    ],
)
def test_the_model_of_fnmatch_is_as_documented(pattern: str, yes: list[str], no: list[str]) -> None:
    assert all(fnmatch(pattern, one) for one in yes)
    assert not any(fnmatch(pattern, one) for one in no)


# forms


STRINGS = {"type": "array", "items": {"type": "string"}}
GITHUB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "target", "enforcement", "bypass_actors", "conditions", "rules"],
        "properties": {
            "name": {"type": "string"},
            "target": {"enum": ["branch", "tag"]},
            "enforcement": {"enum": ["active"]},
            "bypass_actors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["actor_id", "actor_type", "bypass_mode"],
                    "properties": {
                        "actor_id": {"type": "integer"},
                        "actor_type": {
                            "enum": ["Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey"]
                        },
                        "bypass_mode": {"enum": ["always", "pull_request"]},
                    },
                },
            },
            "conditions": {
                "type": "object",
                "required": ["ref_name"],
                "properties": {
                    "ref_name": {
                        "type": "object",
                        "required": ["include", "exclude"],
                        "properties": {"include": STRINGS, "exclude": STRINGS},
                    }
                },
            },
            "rules": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["type"],
                    "properties": {
                        "type": {"enum": ["creation", "update", "deletion", "non_fast_forward", "pull_request"]},
                        "parameters": {
                            "type": "object",
                            "required": [
                                "dismiss_stale_reviews_on_push", "require_code_owner_review",
                                "require_last_push_approval", "required_approving_review_count",
                                "required_review_thread_resolution",
                            ],
                            "properties": {
                                "dismiss_stale_reviews_on_push": {"type": "boolean"},
                                "require_code_owner_review": {"type": "boolean"},
                                "require_last_push_approval": {"type": "boolean"},
                                "required_approving_review_count": {"type": "integer", "maximum": 10},
                                "required_review_thread_resolution": {"type": "boolean"},
                            },
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip
LEVEL = {"enum": [0, 30, 40, 60]}
GITLAB = {
    "type": "object",
    "required": ["protected_branches", "protected_tags"],
    "properties": {
        "protected_branches": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    **dict.fromkeys(("push_access_level", "merge_access_level", "unprotect_access_level"), LEVEL),
                    "allow_force_push": {"type": "boolean"},
                },
            },
        },
        "protected_tags": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "create_access_level": LEVEL},
            },
        },
        "approval_rules": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "approvals_required"],
                "properties": {
                    "name": {"type": "string"},
                    "approvals_required": {"type": "integer", "maximum": 100},
                    "rule_type": {"enum": ["any_approver", "regular"]},
                },
            },
        },
        "approvals": {
            "type": "object",
            "required": [],
            "properties": {
                name: {"type": "boolean"}
                for name in (
                    "reset_approvals_on_push", "merge_requests_author_approval",
                    "merge_requests_disable_committers_approval", "disable_overriding_approvers_per_merge_request",
                )
            },
        },
    },
}  # fmt: skip
SCHEMAS = {"github": GITHUB, "gitlab": GITLAB}
TYPES = {"array": list, "object": dict, "string": str, "integer": int, "boolean": bool}


def misfits(value: object, schema: dict[str, object], at: str = "") -> Iterator[str]:
    """Where a value is not of a schema (JSON Schema, as far as it is used here); no other properties are taken."""
    kind = TYPES.get(str(schema.get("type")), object)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield f"{at}: no {schema['type']}"
    elif "enum" in schema and value not in schema["enum"]:  # type: ignore[operator]
        yield f"{at}: {value!r}"
    elif isinstance(value, int) and value > schema.get("maximum", value):  # type: ignore[operator]
        yield f"{at}: {value}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from misfits(item, schema["items"], f"{at}/{number}")  # type: ignore[arg-type]
    elif isinstance(value, dict):
        yield from (f"{at}: no {key}" for key in schema["required"] if key not in value)  # type: ignore[attr-defined]
        properties: dict[str, dict[str, object]] = schema["properties"]  # type: ignore[assignment]
        for key, item in value.items():
            yield from misfits(item, properties[key], f"{at}/{key}") if key in properties else [f"{at}: {key}"]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", NAMES)
def test_each_policy_is_written_in_the_form_of_the_server(name: str, policy: str) -> None:
    for widen in (False, True):
        _, export = made(name, HEAD + POLICIES[policy], widen=widen)
        assert list(misfits(json.loads(export.written.text), SCHEMAS[name])) == []


# what holds


@pytest.mark.parametrize("widen", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", NAMES)
def test_the_server_the_model_and_the_policy_agree(name: str, policy: str, widen: bool) -> None:
    """Probes of every ref and action: the rules do what the model says, and no more than the policy but for losses."""
    decided, export = made(name, HEAD + POLICIES[policy], widen=widen)
    model = policy_of(export.written.model, ())
    for ref in REFS:
        for action in ACTIONS:
            asked = [action, "push"] if action == "force-push" else [action]
            effects = [str(model.decide_request(Request(a, ref)).effect) for a in asked]
            said = max(effects, key=["allow", "ask", "deny"].index)
            answer = ANSWERS[name](export.written.text, action, ref)[0]
            merged = (
                action == "push" and answer == "ask" and model.decide_request(Request("merge", ref)).effect == "ask"
            )
            assert said in ({"ask", "deny"} if merged else {answer}), (ref, action)
    assert uncovered(name, decided, export, widen) == []
    witnesses_hold(decided, export)
    assert {loss.code for loss in export.losses if loss.held == NOT_HELD} <= set(CODES)


@pytest.mark.parametrize("policy", ["a folder", "a name", "all refs", "denied", "asked within", "forced", "by agent"])
def test_what_github_can_say_is_held_exactly(policy: str) -> None:
    decided, export = made("github", HEAD + POLICIES[policy])
    for ref in REFS:
        for action in ("push", "delete-ref"):
            answer = github_answers(export.written.text, action, ref)
            assert answer == policys(decided, action, ref), (ref, action)


PATTERNS = (
    "main", "agent/**", "agent/*", "**", "*", "**/main", "agent/**/k", "fix-*", "[ab]?", "b*", "feat/{a,b}/*", "release/**",
    "refs/**", "refs/tags/**", "refs/tags/v*", "refs/*/main", "up:main", "*:main", "a[{]b", "agent/x?", "x!y", "*/*", "*/**",
)  # fmt: skip
rules = st.builds(
    lambda effect, actions, pattern, but: (
        f'{effect} {", ".join(actions)} "{pattern}"' + (f' except "{but}"' if but and but != pattern else "")
    ),
    st.sampled_from(["allow", "allow", "allow", "deny", "ask review", "ask two"]),
    st.sampled_from(
        [("push",), ("push",), ("force-push",), ("push", "force-push"), ("delete-ref",), ("merge",), ACTIONS]
    ),
    st.sampled_from(PATTERNS),
    st.sampled_from([None, None, "agent/secret/**", "main", "agent/x", "b", "refs/tags/v1", "[!a]*"]),
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(written=st.lists(rules, min_size=1, max_size=6), widen=st.booleans())
def test_what_is_permitted_and_denied_is_a_loss(name: str, written: list[str], widen: bool) -> None:
    """Whatever the rules are: without `--widen` no branch or tag is permitted too much; with it nothing goes untold."""
    try:
        Policy.loads(HEAD + "\n".join(written))
    except PolicyError:  # a rule whose exception leaves nothing of it
        return
    policy, export = made(name, HEAD + "\n".join(written), widen=widen)
    witnesses_hold(policy, export)
    assert uncovered(name, policy, export, widen) == []


@pytest.mark.parametrize("policy", ["a folder", "a name", "by agent", "merges", "nothing"])
def test_what_gitlab_can_say_is_held_exactly(policy: str) -> None:
    decided, export = made("gitlab", HEAD + POLICIES[policy])
    for ref in REFS:
        for action in ("push", "force-push", "delete-ref"):
            assert gitlab_answers(export.written.text, action, ref) == policys(decided, action, ref), (ref, action)


def test_other_refs_are_told() -> None:
    for text, codes in (('allow push "main"', {"other-refs", "merges"}), (POLICIES["all refs"], set())):
        policy, export = made("github", HEAD + text)
        assert {loss.code for loss in export.losses if loss.held == NOT_HELD} == codes
        denied = [ref for ref in OTHERS if policy.decide(action="push", resource=ref).effect != "allow"]
        assert all(github_answers(export.written.text, "push", ref)[0] == "allow" for ref in denied)
        assert bool(denied) == ("other-refs" in codes)


def test_as_many_approve_as_the_tier_asks_for() -> None:
    _, export = made("github", HEAD + POLICIES["asked"])
    assert github_answers(export.written.text, "push", "main") == ("ask", 1)
    assert github_answers(export.written.text, "push", "release/2") == ("ask", 2)
    assert "approvers" in {loss.code for loss in export.losses}
    _, export = made("github", HEAD + POLICIES["too many"])
    assert github_answers(export.written.text, "push", "main") == ("deny", 0)
    assert "fewer-pushes" in {loss.code for loss in export.losses}


def test_as_many_approve_at_gitlab() -> None:
    """One who merges is one; of more the largest number holds for all."""
    _, export = made("gitlab", HEAD + 'ask review push "main"')
    assert gitlab_answers(export.written.text, "push", "main") == ("ask", 1)
    assert "approvals" not in json.loads(export.written.text)
    _, export = made("gitlab", HEAD + POLICIES["asked"])
    assert gitlab_answers(export.written.text, "push", "main") == ("ask", 2)
    assert gitlab_answers(export.written.text, "push", "release/2") == ("ask", 2)
    assert gitlab_answers(export.written.text, "push", "agent/x") == ("allow", 0)
    assert "approvers" in {loss.code for loss in export.losses}


@pytest.mark.parametrize("bypass", [("30",), ("40", "60"), ("me",), ("0",)])
def test_only_roles_above_the_agents_bypass_at_gitlab(bypass: tuple[str, ...]) -> None:
    with pytest.raises(ExportError, match="--bypass"):
        made("gitlab", HEAD + POLICIES["a folder"], bypass=bypass)


def test_those_who_bypass_at_gitlab_keep_pushing() -> None:
    _, export = made("gitlab", HEAD + POLICIES["asked"], bypass=("40",))
    found = json.loads(export.written.text)
    levels = {
        rule["name"]: (rule["push_access_level"], rule["merge_access_level"]) for rule in found["protected_branches"]
    }
    assert levels == {"*": (40, 40), "agent/*": (30, 40), "main": (40, 40), "release/*": (40, 40)}
    assert found["protected_tags"] == [{"name": "*", "create_access_level": 40}]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a", ["a"]), ("a/**", ["a/*"]), ("**", ["*"]), ("a/**/b", ["a/b", "a/*/b"]), ("**/b", ["b", "*/b"]),
        ("*/**", ["*/*"]), ("*", []), ("a*", []), ("a/*", []), ("[ab]", []), ("*/b", []),
    ],
)  # fmt: skip
def test_names_of_gitlab_mean_what_the_pattern_does(pattern: str, names: list[str]) -> None:
    sequence = Policy.loads(f'policy "p" allow push "{pattern}"').policy_set.layers[0].rules[0].include[0].sequences[0]
    assert list(gitlab.says(sequence[3:])) == names


def test_only_one_remote_is_written() -> None:
    text = HEAD + 'allow push "up:agent/**", "main" deny push "up:agent/x"'
    _, export = made("github", text, remote="up")
    assert github_answers(export.written.text, "push", "agent/y")[0] == "allow"
    assert {github_answers(export.written.text, "push", ref)[0] for ref in ("main", "agent/x")} == {"deny"}
    assert all(str(loss.witness.resource).startswith("up:") for loss in export.losses if loss.witness is not None)
    with pytest.raises(ExportError):
        made("github", text, remote="*")


@pytest.mark.parametrize("bypass", ["admin", "-1", "Team:", "User:1", "5,6"])
def test_only_what_github_lets_bypass_is_taken(bypass: str) -> None:
    with pytest.raises(ExportError, match="--bypass"):
        made("github", HEAD + POLICIES["a folder"], bypass=(bypass,))


def test_those_who_bypass_are_in_each_ruleset() -> None:
    _, export = made("github", HEAD + POLICIES["asked"], bypass=("5", "Team:77"))
    for ruleset in json.loads(export.written.text):
        assert [(a["actor_type"], a["actor_id"]) for a in ruleset["bypass_actors"]] == [
            ("RepositoryRole", 5),
            ("Team", 77),
        ]


def test_more_rulesets_than_a_repository_has_are_refused() -> None:
    """Six are always there; each denial with exceptions is one more."""
    room = limit("export_rulesets") - 6
    bars = [f'deny push "a{n}/**" except "a{n}/x"' for n in range(room + 1)]
    text = HEAD + 'allow push "**" '
    _, export = made("github", text + "\n".join(bars[:room]))
    assert len(json.loads(export.written.text)) == limit("export_rulesets")
    with pytest.raises(ExportError, match="rulesets"):
        made("github", text + "\n".join(bars))


@pytest.mark.parametrize("name", NAMES)
def test_more_patterns_than_can_be_listed_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`export_entries` is large, so a smaller one stands in."""
    monkeypatch.setattr(refs, "_MOST", 3)
    made(name, HEAD + 'allow push "a", "b", "c"')
    with pytest.raises(SearchLimitError, match="patterns"):
        made(name, HEAD + 'allow push "a", "b", "c", "d"')


# policies that are in use


def _documented() -> list[str]:
    root = Path(__file__).parents[2]
    page = (root / "docs/how-to/hold-refs-on-a-server.md").read_text(encoding="utf-8")
    return re.findall(r"```policy\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_policies_of_the_documentation(name: str) -> None:
    for text in _documented():
        policy, export = made(name, text)
        witnesses_hold(policy, export)
        assert uncovered(name, policy, export, False) == []


@pytest.fixture
def starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new repository with the policy of `policy init`."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    (tmp_path / "a.py").write_text("print()\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["init"])
    assert done.exit_code == 0, done.output
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_the_starter_policy_as_it_is_called(name: str, starter: Path) -> None:
    done = CliRunner().invoke(command, [name, "-o", "rules.json"])
    assert done.exit_code == 1
    assert not (starter / "rules.json").exists()
    wanted = done.stderr.rsplit("--accept-loss ", 1)[1].strip(" `\n")
    assert set(wanted.split(",")) <= set(CODES)
    done = CliRunner().invoke(command, [name, "-o", "rules.json", "--accept-loss", wanted])
    assert done.exit_code == 0, done.stderr
    assert "rules about refs are held exactly" in done.stderr
    text = (starter / "rules.json").read_text()
    policy = Policy.load(str(starter / "agent.policy"))
    assert ANSWERS[name](text, "push", "main")[0] == "deny"
    own = next(p for p in ("agent/x", "claude/x") if policy.decide(action="push", resource=p).effect == "allow")
    assert ANSWERS[name](text, "push", own)[0] == "allow"
    assert ANSWERS[name](text, "force-push", own)[0] == ANSWERS[name](text, "delete-ref", own)[0] == "deny"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["github", "--accept-loss", "mergs"], "merges"), (["github", "--bypass", "me"], "--bypass"),
        (["github", "--remote", "a b"], "--remote"), (["github", "--proxy", "unix:/x"], "sandbox"),
        (["srt", "--bypass", "5"], "git server"),
    ],
)  # fmt: skip
def test_what_is_refused(words: list[str], said: str, starter: Path) -> None:
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert starter.is_dir()


def test_labels_that_end_in_many_take_two_patterns() -> None:
    pattern = Policy.loads('policy "p" allow push "{a,a/**}"').policy_set.layers[0].rules[0].include[0]
    assert [github.says(s[3:]) for s in pattern.sequences] == [("a",), ("a/**/*",)]
