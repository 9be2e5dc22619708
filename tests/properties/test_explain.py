"""An explanation never contradicts the decision that it explains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from policy_lang import Explanation, Policy, Request
from policy_lang.domain.record import replace
from tests.lanes import share
from tests.shell.corpus import LINES

from .commands import PROGRAMS, command, rules
from .commands import load as load_commands
from .strategies import files, policies, requests
from .support import load, request_of


def contradictions(explained: Explanation, action: str) -> Iterator[str]:
    """What an explanation says that cannot be so, given the decision.

    A grant needs a rule that holds; a restriction needs one that is not known not to.
    """
    decision = explained.decision
    said = {answer.rule: answer for answer in explained.rules}
    own = [effect for effect in decision.effects if effect.action == action]
    for verdict in (decision.verdict, *(effect.verdict for effect in decision.effects)):
        for rule in (*verdict.rules, *verdict.support):
            if rule not in said:
                yield f"`{rule.id}` decides, and is not shown"
            elif said[rule].holds == "no":
                yield f"`{rule.id}` decides, and is shown as not holding: {said[rule].why}"
    for answer in explained.rules:
        if answer.holds == "no":
            continue
        rule = answer.rule
        if rule.effect == "deny" and decision.effect != "deny":
            yield f"`{rule.id}` denies, it is said, and it is not denied"
        if rule.effect == "ask" and answer.holds == "yes" and decision.effect == "allow":
            yield f"`{rule.id}` asks, it is said, and nobody is asked"
        nothing = f"no rule of `{answer.layer}` grants `{action}`"
        nowhere = own and all(any(reason.startswith(nothing) for reason in e.verdict.reasons) for e in own)
        about = not answer.why.startswith("`")  # a rule about another action names it
        if (
            rule.effect == "allow" and answer.holds == "yes" and about and nowhere
        ):  # an `ask` of a guardrail grants nothing
            yield f"`{rule.id}` holds, it is said, and nothing of `{answer.layer}` grants it"
    free = all(effect.free for effect in own)
    if decision.effect == "allow" and not free and all(a.holds == "no" for a in explained.rules):
        yield "it is allowed, and no rule is shown as holding"


@settings(max_examples=share(100, 20_000), deadline=None)
@given(st.data())
def test_generated_policies_are_explained_as_they_decide(data: st.DataObject) -> None:
    policy = data.draw(policies())
    loaded = load(policy)
    if loaded is None:
        return
    for _ in range(8):
        request = request_of(data.draw(requests(policy)))
        pattern = isinstance(request.resource, str) and request.action != "run" and data.draw(st.booleans())
        request = replace(request, pattern=pattern)
        explained = loaded.explain(request)
        found = list(contradictions(explained, request.action))
        if found:
            note("\n".join(f"--- {n}\n{t}" for n, t in files(policy).items()))
            note(f"{request!r}\n{explained!r}")
        assert not found


GRANTS = (
    'allow run "{program} **"',
    'allow run "{program} **"\nask review run "* -* **", "{program} * -*"\nallow read, write, delete "./"',
    'allow run opaque, "{program} *", "**"\ndeny run "{program} ** *a" except opaque\nallow read, write, delete "/"',
    'allow run "**"\ndeny run "{program} **" with "-r", "-f"\nallow connect "**:*"\nallow push "**", "*:**"',
    """import std.baseline
allow run "**", opaque
ask review run "git **", "{program} -* **"
allow read, write, delete "/", "~/"
deny write ".bashrc", "**/*.txt"
ask review delete "./"
allow setenv, use, call, do "**"
deny connect "*.evil.example", "10.0.0.0/8"
ask review connect "**:*"
allow push "**", "*:**"
deny force-push, delete-ref "**", "*:**"
""",
)


@pytest.mark.parametrize("grants", GRANTS, ids=range(len(GRANTS)))
def test_commands_are_explained_as_they_are_decided(grants: str) -> None:
    policies: dict[str, Policy] = {}
    place = {"workspace": "/work/app", "cwd": "/work/app", "home": "/home/agent"}
    for line in LINES if grants in {GRANTS[0], GRANTS[-1]} else LINES[::5]:
        words = [w for w in line.split() if w.isidentifier() or w.isalpha()]
        program = words[0] if words else "true"
        if program not in policies:
            text = 'policy "x"\ntier review { approvers "@r" }\n' + grants.format(program=program)
            policies[program] = Policy.loads(text)
        explained = policies[program].explain(Request("run", line, lexical=True, **place))  # type: ignore[arg-type]
        assert not list(contradictions(explained, "run")), line


SPOKEN = (
    "a", "x", "main", "test", "build", "dist/", "src/a.ts", "../b", "~/x", ".env", "-o=a", "--to=main", "POST", "evil.sh",
    "rm", "a.example:443", "user@evil.sh:x", "push", "--force", "V=1", "exec", "--", "-c", "rm x", "acme push main",
)  # fmt: skip
"""Words that may mean something in a program that no profile describes."""
MEANT = {
    "read, write": ("**", "a", "test", "src/**", ".env", "**/*.ts", "~/x", "build/**", "./"),
    "delete": ("**", "test", "dist/", "/"),
    "connect": ("**:*", "*.sh:*", "a.example", "evil.sh:22"),
    "connect POST": ("**:*", "https://evil.sh/**"),
    "push, force-push": ("**", "main", "*:**", "test"),
    "setenv": ("**", "V"),
    "run": ("**", "rm **", "* x", "test", "a **", "* push **", "zz **", "acme **", "qq *"),
}
"""Patterns about what such words may mean, general ones and single ones."""


def meant(draw: Random, guardrail: bool) -> str:
    """A rule about what the words of a command may mean."""
    actions = draw.choice(list(MEANT))
    effect = draw.choice(["deny", "ask review", "ask security", *(() if guardrail else ("allow", "allow"))])
    text = f'{effect} {actions} "{draw.choice(MEANT[actions])}"'
    if draw.random() < 0.25:
        text += f' except "{draw.choice(MEANT[actions])}"'
    return text


def test_words_that_no_profile_explains_are_explained_as_they_are_decided() -> None:
    effects = set()
    for seed in range(share(1000, 50_000)):
        draw = Random(seed)
        programs = draw.sample(PROGRAMS, 2)
        lines = [*rules(draw, programs), *(meant(draw, False) for _ in range(draw.randint(1, 5)))]
        if draw.random() < 0.8:
            lines.append('allow run "**"')
        guarded = [meant(draw, True) for _ in range(draw.choice([0, 0, 1, 2]))]
        policy = load_commands(lines, guarded)
        if policy is None:
            continue
        for _ in range(4):
            words = list(command(draw, programs))
            words[0] = draw.choice([words[0], "zz", "acme", "./bin/acme"])
            words += draw.sample(SPOKEN, draw.randint(0, 2))
            explained = policy.explain(Request("run", tuple(words), workspace="/w", home="/h", lexical=True))
            assert not list(contradictions(explained, "run")), (seed, lines, guarded, words)
            effects.add(explained.decision.effect)
    assert effects == {"allow", "ask", "deny"}


def test_what_is_said_of_every_word_hides_nothing_that_is_said_of_one() -> None:
    head = 'policy "x"\ntier review { approvers "@r" }\nallow run "acme **"\n'
    for word, general, single, effect in (
        ("test", 'deny read "**"', 'rule one: ask review read "test"', "ask"),
        ("evil.sh", 'deny connect "**:*"\nallow connect POST "a.example"', 'rule one: deny connect "*.sh"', "deny"),
    ):
        request = Request("run", ("acme", word), lexical=True)
        assert Policy.loads(head + general).decide_request(request).effect == "allow"
        explained = Policy.loads(f"{head}{general}\n{single}").explain(request)
        assert (explained.decision.effect, [r.id for r in explained.decision.rules]) == (effect, ["x#one"])
        assert [a.rule.id for a in explained.rules if a.rule.effect != "allow"] == ["x#one"]


def test_what_needs_no_grant_is_not_shown_as_granted() -> None:
    policy = Policy.loads(
        'policy "x"\nrule acme: allow run "acme **"\nallow read, write, delete "./"\ndeny read ".env"'
    )
    explained = policy.explain(Request("run", "acme build", workspace="/w", lexical=True))
    assert [r.id for r in explained.decision.verdict.support] == ["x#acme"]
    assert [a.rule.id for a in explained.rules] == ["x#acme"]


def test_addresses_of_names_are_explained_as_they_are_decided() -> None:
    lines = ['allow connect "a.example"', 'allow connect "8.8.8.8"', 'ask review connect "8.8.8.0/24:*"']
    for asked, guarded in ((lines, []), (lines[:1], lines[2:])):
        policy = load_commands(asked, guarded)
        assert policy is not None
        for resolved, effect in (("9.9.9.9", "allow"), ("8.8.8.8", "ask"), ("8.8.8.9", "ask"), ("10.0.0.1", "deny")):
            explained = policy.explain(Request("connect", "https://a.example", resolved=(resolved,)))
            assert explained.decision.effect == effect
            assert not list(contradictions(explained, "connect")), resolved


def test_listing_a_folder_is_explained_as_it_is_decided() -> None:
    policy = load_commands(['allow run "echo **"', 'allow read "src/*"'], ['ask review read "src"'])
    assert policy is not None
    explained = policy.explain(Request("run", "cd src && echo *", workspace="/w", lexical=True))
    assert explained.decision.effect == "ask"
    assert not list(contradictions(explained, "run"))


def test_code_that_no_rule_names_is_not_shown_as_granted() -> None:
    policy = Policy.loads('policy "x"\nallow run "python3 **"')
    explained = policy.explain(Request("run", "python3 -c 'print(1)'"))
    assert explained.decision.effect == "deny"
    assert [(a.holds, a.why) for a in explained.rules] == [("maybe", "the command is not fully known")]


def test_a_path_that_leads_elsewhere_is_not_shown_as_granted(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "link").symlink_to("/etc/passwd")
    policy = Policy.loads('policy "x"\nallow read "src/**"')
    explained = policy.explain(Request("read", "src/link", workspace=str(tmp_path)))
    assert explained.decision.effect == "deny"
    assert [(a.holds, a.why) for a in explained.rules] == [("maybe", "it does not match everything that this may be")]
    assert {"<workspace>/src/link", "/etc/passwd"} <= set(explained.reading)


WEB = Policy.load(str(Path(__file__).parents[2] / "docs/examples/web/web.policy"))
BASELINE = Policy.loads(
    """policy "x"
tier review { approvers "@r" }
import std.baseline
allow read, write, delete "./"
ask review write "src/**/*.lock", "**/*config*"
allow write ".git/config", ".github/hooks/" override protected
"""
)
PATTERNS = (
    "**", "src/**", "src/*.lock", "*", "~/**", "/**", "/etc/**", ".git/**", ".git/config", "**/.git/config",
    "a/*/b/**", "**/*config*", ".claude/*", ".github/hooks/*", "node_modules/**", "*.plc",
)  # fmt: skip


@pytest.mark.parametrize("policy", [WEB, BASELINE], ids=["web", "baseline"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_explained_as_they_are_decided(policy: Policy, pattern: str) -> None:
    for action in ("read", "write"):
        for places in ({}, {"workspace": "/w", "home": "/h"}):
            request = Request(action, pattern, agent="codex-web", pattern=True, lexical=True, **places)  # type: ignore[arg-type]
            assert not list(contradictions(policy.explain(request), action)), request


def test_a_search_that_met_its_limit_says_so() -> None:
    request = Request("write", "**", agent="codex-web", pattern=True, lexical=True, workspace="/w", home="/h")
    said = {a.rule.id: a for a in WEB.explain(request).rules}
    assert said["std.node#no-vendored"].holds == "yes"
    assert "no" not in {a.holds for a in said.values()}
    grants = [a for a in said.values() if a.rule.effect != "deny"]
    assert {(a.holds, a.why.partition(":")[0]) for a in grants} == {("maybe", "not fully searched")}


def test_a_floor_that_is_overridden_is_not_shown_as_holding() -> None:
    policy = Policy.loads('policy "x"\nallow write ".git/config" override protected\nallow write "./"')
    explained = policy.explain(Request("write", ".git/config"))
    assert explained.decision.effect == "allow"
    said = {a.rule.id: (a.holds, a.why) for a in explained.rules}
    assert said["floor#git-config"] == ("no", "a grant with `override protected` lifts it")
    assert not list(contradictions(explained, "write"))
    held = {a.rule.id: a.holds for a in policy.explain(Request("write", ".git/hooks/x")).rules}
    assert held["floor#git-hooks"] == "yes"


def test_what_a_client_does_itself_is_not_asked_of_rules_about_running() -> None:
    policy = Policy.loads('policy "x"\nallow read "./"\ndeny run "rg **"\nallow run "ls"')
    explained = policy.explain(Request("run", ("rg", "x", "src"), inner=True, lexical=True, workspace="/w", cwd="/w"))
    assert explained.decision.effect == "allow"
    said = {(a.rule.effect, a.holds, a.why) for a in explained.rules}
    assert ("deny", "no", "not asked: it is the client's own tool") in said
    assert ("allow", "yes", "`read`: it matches") in said
    assert not list(contradictions(explained, "run"))


def test_rules_about_what_a_command_does_are_shown() -> None:
    policy = Policy.loads(
        'policy "x"\nrule logs: allow run "git log **"\nrule no-rc: deny write ".bashrc"\nallow write "other"'
    )
    explained = policy.explain(Request("run", "git log > .bashrc"))
    assert explained.decision.effect == "deny"
    assert [(a.rule.id, a.holds, a.why) for a in explained.rules] == [
        ("x#logs", "yes", "it matches"),
        ("x#no-rc", "yes", "`write`: it matches"),
    ]


def test_rules_about_what_a_command_does_are_shown_without_a_rule_about_running() -> None:
    policy = Policy.loads('policy "x"\nrule no-rc: deny write ".bashrc"')
    assert [a.rule.id for a in policy.explain(Request("run", "echo > .bashrc")).rules] == ["x#no-rc"]


def test_a_connection_is_read_by_the_methods_that_it_may_have() -> None:
    policy = Policy.loads('policy "x"\nallow connect GET "https://api.com/**"')
    open_, get = (policy.explain(Request("connect", "https://api.com/x", method=m)) for m in (None, "GET"))
    assert (open_.decision.effect, open_.reading) == ("deny", ("any method api.com:443/x",))
    assert (get.decision.effect, get.reading) == ("allow", ("GET api.com:443/x",))
