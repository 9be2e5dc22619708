"""Whatever stands in a file: it is refused with its place, or what comes of it compiles and permits no more."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.domain.limits import limit
from policy_lang.foreign.compare import imported
from policy_lang.foreign.formats import FORMATS, format_named
from policy_lang.foreign.permissions import STRICTNESS, UNSAID, WIDER

PIECES = st.sampled_from(
    ["git", "push", "*", " ", "**", ":*", "rm -rf", "/", "~/", "./", "src", ".env", "a b", "'", '"', "$X", "`", "|", "&&"]
    + [">", "(", ")", "{a,b}", "[a-z]", "[", "?", "\\", "\n", "\t", "é", "\u202e", "\0", "!", "#", "=", "-f", "//", ".."]
)  # fmt: skip
SPECS = st.lists(PIECES, max_size=6).map("".join)
TOOLS = st.sampled_from(
    ["Bash", "Read", "Edit", "Write", "WebFetch", "mcp__s__t", "mcp__s", "Agent", "Skill", "Zzz", "*"]
)
RULES = st.one_of(
    TOOLS, st.tuples(TOOLS, SPECS).map("{0[0]}({0[1]})".format), SPECS, SPECS.map("WebFetch(domain:{})".format)
)


@given(
    st.lists(RULES, max_size=4),
    st.lists(RULES, max_size=3),
    st.lists(RULES, max_size=2),
    st.sampled_from(["", "dontAsk", "acceptEdits"]),
)
def test_claude_rules_of_any_text(allow: list[str], deny: list[str], ask: list[str], mode: str) -> None:
    permissions = {"allow": allow, "deny": deny, "ask": ask, **({"defaultMode": mode} if mode else {})}
    source = Source(".claude/settings.json", json.dumps({"permissions": permissions}))
    made = imported(format_named("claude").read([source]), "p")
    for outcome in made.outcomes:
        for found in outcome.differences:
            if STRICTNESS[found.ours] < STRICTNESS[found.theirs]:
                assert outcome.fit == WIDER
    unsaid = [o.entry for o in made.outcomes if o.fit == UNSAID and o.entry.effect != "allow"]
    assert made.wider or not unsaid


@pytest.mark.parametrize("kind", [pytest.param(one, id=one.name) for one in FORMATS])
@given(
    text=st.text(max_size=60)
    | st.sampled_from(["[]", "null", "1", '""', '{"permissions": 1}', "[[rule]]\n", "=", "{" * 200])
)
def test_any_text_is_read_or_refused(kind, text: str) -> None:  # type: ignore[no-untyped-def]
    try:
        found = kind.read([Source(kind.place or "permissions", text)])
    except PolicyError as error:
        assert all(d.code.startswith("PLE") for d in error.diagnostics)
        return
    assert imported(found, "p").translated.policy.digest


def test_the_number_of_permissions_is_bounded() -> None:
    most = limit("client_permissions")
    kind = format_named("claude")
    texts = [f"Bash(a{i})" for i in range(most + 1)]
    assert kind.read([Source(kind.place, json.dumps({"permissions": {"deny": texts[:most]}}))])
    with pytest.raises(PolicyError, match=f"more than {most} permissions"):
        kind.read([Source(kind.place, json.dumps({"permissions": {"deny": texts}}))])
