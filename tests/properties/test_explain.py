"""An explanation never contradicts the decision that it explains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from policy_lang import Explanation, Policy, Request
from policy_lang.domain.record import replace
from tests.lanes import share
from tests.shell.corpus import LINES

from .strategies import files, policies, requests
from .support import load, request_of

FLOOR = "the protected floor"


def contradictions(explained: Explanation, action: str) -> Iterator[str]:
    """What an explanation says that cannot be so, given the decision.

    A grant needs a rule that holds; a restriction needs one that is not known not to. The protected floor restricts only
    where no rule overrides it, so what its rules say does not tell what is decided.
    """
    decision = explained.decision
    said = {answer.rule: answer for answer in explained.rules}
    own = [effect for effect in decision.effects if effect.action == action]
    for effect in own:
        for rule in (*effect.verdict.rules, *effect.verdict.support):
            if rule in said and said[rule].holds == "no":
                yield f"`{rule.id}` decides, and is shown as not holding: {said[rule].why}"
    for answer in explained.rules:
        if answer.holds == "no" or answer.layer == FLOOR:
            continue
        rule = answer.rule
        if rule.effect == "deny" and decision.effect != "deny":
            yield f"`{rule.id}` denies, it is said, and it is not denied"
        if rule.effect == "ask" and answer.holds == "yes" and decision.effect == "allow":
            yield f"`{rule.id}` asks, it is said, and nobody is asked"
        nothing = f"no rule of `{answer.layer}` grants `{action}`"
        nowhere = own and all(any(reason.startswith(nothing) for reason in e.verdict.reasons) for e in own)
        if rule.effect == "allow" and answer.holds == "yes" and nowhere:  # an `ask` of a guardrail grants nothing
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
)


@pytest.mark.parametrize("grants", GRANTS, ids=range(len(GRANTS)))
def test_commands_are_explained_as_they_are_decided(grants: str) -> None:
    policies: dict[str, Policy] = {}
    place = {"workspace": "/work/app", "cwd": "/work/app", "home": "/home/agent"}
    for line in LINES if grants == GRANTS[0] else LINES[::5]:
        words = [w for w in line.split() if w.isidentifier() or w.isalpha()]
        program = words[0] if words else "true"
        if program not in policies:
            text = 'policy "x"\ntier review { approvers "@r" }\n' + grants.format(program=program)
            policies[program] = Policy.loads(text)
        explained = policies[program].explain(Request("run", line, lexical=True, **place))  # type: ignore[arg-type]
        assert not list(contradictions(explained, "run")), line


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
