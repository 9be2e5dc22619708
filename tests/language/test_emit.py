"""One writer of policies: what is emitted is read back as it was meant, in the layout of `policy fmt`."""

from __future__ import annotations

import dataclasses
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang.domain.errors import CallerError, Source
from policy_lang.syntax import emit, tree
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import _parser, parse
from policy_lang.syntax.tokens import keywords
from tests.lanes import pick

ROOT = Path(__file__).parents[2]
REAL = sorted([*(ROOT / "stdlib_policies").rglob("*.policy"), *(ROOT / "docs/examples").rglob("*.policy")])


def shape(node: Any) -> Any:
    """A tree without its places: what it says."""
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        skipped = {"pos", "end", "has_body"}
        fields = {f.name: shape(getattr(node, f.name)) for f in dataclasses.fields(node) if f.name not in skipped}
        if isinstance(node, tree.RuleNode):
            fields["clauses"] = sorted(fields["clauses"], key=repr)
        if isinstance(node, tree.TierDef):
            fields["clauses"] = [kind for kind, _ in node.clauses]
        return type(node).__name__, fields
    if isinstance(node, (list, tuple)):
        return [shape(n) for n in node]
    return node


def flat(node: tree.Condition) -> tree.Condition:
    """`a or (b or c)` is written without parentheses: the same condition."""
    if isinstance(node, tree.Compare):
        return node
    if isinstance(node, tree.Not):
        return tree.Not(flat(node.of), node.pos)
    kids: list[tree.Condition] = []
    for kid in map(flat, node.of):
        kids += kid.of if type(kid) is type(node) else [kid]  # type: ignore[union-attr]
    return type(node)(kids, node.pos)


def read(text: str) -> tree.File:
    file = parse(Source("emitted", text))
    assert file.diagnostics == [], text
    assert format_file(file) == text
    return file


anything = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.text('"\\{}[]*?#\n\t\r\x01\x7f\u200b\u202e\u3164\ufeff\ufe0f\U0001f600é/,= ', max_size=12),
    st.sampled_from(["", " ", '"', "\\", '\\"', "opaque", "a b", "{a,b}", "[ab]", "#", "x" * 120]),
)
names = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=8).map(
    lambda n: "x" + n
)  # no reserved word
lists = st.lists(anything, min_size=1, max_size=4)
ACTIONS = [
    ["read", "write", "delete"],
    ["run"],
    ["push", "force-push", "delete-ref", "merge"],
    ["call"],
    ["use"],
    ["setenv"],
    ["do"],
]
compares = st.one_of(
    st.builds(emit.compare, names | st.sampled_from(["agent", "repo"]), st.sampled_from(["==", "!=", "<", ">="]),
              anything | st.integers(-5, 10**9) | st.booleans()),
    st.builds(lambda s, v: emit.compare(s, "in", *v), names, lists),
    st.builds(lambda s, a, b: emit.compare(s, "window", a, b), names, st.integers(0, 9), st.integers(0, 9)),
    st.builds(lambda s: emit.compare(s, "truth"), names),
)  # fmt: skip
conditions: st.SearchStrategy[tree.Condition] = st.recursive(
    compares,
    lambda inner: st.one_of(
        inner.map(lambda c: tree.Not(c, emit.HERE)),
        st.lists(inner, min_size=2, max_size=3).map(lambda c: tree.All(c, emit.HERE)),
        st.lists(inner, min_size=2, max_size=3).map(lambda c: tree.Any(c, emit.HERE)),
    ),
    max_leaves=5,
).map(flat)
examples = st.builds(lambda r, n: emit.example(r, negated=n), lists, st.booleans())
comments = anything.filter(lambda t: t != "")


@st.composite
def rules(draw: Any) -> tree.RuleNode:
    effect = draw(st.sampled_from(["allow", "ask", "deny"]))
    connect = draw(st.booleans())
    group = draw(st.sampled_from(ACTIONS))
    patterns = st.lists(anything | st.just(emit.OPAQUE), min_size=1, max_size=5)
    return emit.rule(
        effect,
        ["connect"] if connect else draw(st.lists(st.sampled_from(group), min_size=1, max_size=3, unique=True)),
        draw(patterns),
        tier=draw(names) if effect == "ask" else "",
        label=draw(st.just("") | names),
        methods=draw(st.lists(st.sampled_from(["GET", "HEAD", "POST"]), max_size=2, unique=True)) if connect else (),
        exclude=draw(st.just([]) | patterns),
        options=draw(st.just([]) | lists),
        without=draw(st.just([]) | lists),
        when=draw(st.none() | conditions),
        until=draw(st.sampled_from(["", "2027-01-31", "2027-01-31T12:00Z"])),
        log=draw(st.booleans()),
        override=draw(st.booleans()),
        because=draw(anything),
        examples=draw(st.lists(examples, max_size=2)),
    )


@settings(max_examples=pick(150, 150, 5_000))
@given(rules())
def test_a_rule_is_read_back_as_it_was_meant(rule: tree.RuleNode) -> None:
    written = emit.statement(rule)
    (item,) = read(written + "\n").items
    assert shape(item) == shape(rule)


WRITTEN: dict[str, Any] = {
    "label": lambda n: emit.rule("allow", ["read"], ["a"], label=n),
    "tier": lambda n: emit.rule("ask", ["read"], ["a"], tier=n),
    "effect": lambda n: emit.rule(n, ["read"], ["a"]),
    "action": lambda n: emit.rule("allow", [n], ["a"]),
    "method": lambda n: emit.rule("allow", ["connect"], ["a"], methods=[n]),
    "pattern": lambda n: emit.rule("allow", ["read"], [n]),
    "pattern's name": lambda n: emit.rule("allow", ["read"], [tree.Word("NAME", n, emit.HERE)]),
    "option": lambda n: emit.rule("allow", ["run"], ["a"], options=[n], without=[n]),
    "until": lambda n: emit.rule("allow", ["read"], ["a"], until=n),
    "because": lambda n: emit.rule("allow", ["read"], ["a"], because=n),
    "example": lambda n: emit.rule("allow", ["read"], ["a"], examples=[emit.example([n])]),
    "example's method": lambda n: emit.rule("allow", ["connect"], ["a"], examples=[emit.example(["a"], method=n)]),
    "subject": lambda n: emit.rule("allow", ["read"], ["a"], when=emit.compare(n, "==", "x")),
    "operator": lambda n: emit.rule("allow", ["read"], ["a"], when=emit.compare("env", n, "x")),
    "value": lambda n: emit.rule("allow", ["read"], ["a"], when=emit.compare("env", "==", n)),
    "module": emit.imported,
    "file": lambda n: emit.imported(n, file=True),
    "without": lambda n: emit.imported("std.git", [n]),
    "within": emit.within,
    "header": emit.header,
    "kind of header": lambda n: emit.header("x", n),
    "edition": lambda n: emit.header("x", edition=n),
    "kind of scope": lambda n: emit.scope(n, ["a"], [emit.rule("allow", ["read"], ["a"])]),
    "glob": lambda n: emit.scope("agent", [n], [emit.rule("allow", ["read"], ["a"])]),
    "attribute": lambda n: emit.context([emit.attribute(n, "string")]),
    "type": lambda n: emit.context([emit.attribute("env", n)]),
    "member": lambda n: emit.context([emit.attribute("env", "enum", [n])]),
    "default": lambda n: emit.context([emit.attribute("env", "string", default=n)]),
    "tier's name": lambda n: emit.tier(n, ["@a"]),
    "approver": lambda n: emit.tier("t", [n]),
    "includes": lambda n: emit.tier("t", ["@a"], includes=[n]),
    "escalate": lambda n: emit.tier("t", ["@a"], escalate=n),
    "opens": lambda n: emit.tier("t", ["@a"], opens=[n]),
    "scope of a tier": lambda n: emit.tier("t", ["@a"], scope=n),
    "quorum": lambda n: emit.tier("t", ["@a"], quorum=n),
    "expires": lambda n: emit.tier("t", ["@a"], expires=n),
    "test": lambda n: emit.expect(n, [emit.case("deny", "read", ["a"])], agent=n),
    "given": lambda n: emit.expect("t", [emit.case("deny", "read", ["a"])], given={n: "x"}),
    "given value": lambda n: emit.expect("t", [emit.case("deny", "read", ["a"])], given={"repo": n}),
    "case's effect": lambda n: emit.expect("t", [emit.case(n, "read", ["a"])]),
    "case's action": lambda n: emit.expect("t", [emit.case("deny", n, ["a"])]),
    "case's method": lambda n: emit.expect("t", [emit.case("deny", "connect", ["a"], method=n)]),
    "case's tier": lambda n: emit.expect("t", [emit.case("ask", "read", ["a"], tier=n)]),
    "case's resource": lambda n: emit.expect("t", [emit.case("deny", "read", [n])]),
}
"""Everywhere that a name or a text goes."""
hostile = st.one_of(
    anything,
    st.text(max_size=8),
    st.sampled_from(sorted(keywords(_parser()[0]))),
    st.sampled_from([
        'x: allow run "**"\nrule y', 'read "**"\nallow read', "x\n", " x", "x ", "x#", "x # y", "123", "-a", "a.b", "a..b", ".a", "é", "a\0",
        "\ud800", "\udc80", "a\ud800", "==", "2027-01-31", "2027-01-31T12:00Z", '2027-01-31 log\nallow run "**"', "12:00", "1m", "std.git",
        'std.git\nallow run "**"', "a, b", "a b", "a\\", '"', "language", "once", "never", "string", "enum", "GET POST", "x\r",
    ]),
    st.sampled_from([True, False, 0, -1, 1, 2, 1.0, 2.5, None, b"x", 10**18, 10**5000, 99, 3600]),
)  # fmt: skip


@settings(max_examples=pick(1_500, 1_500, 60_000))
@given(st.sampled_from(sorted(WRITTEN)), hostile)
def test_a_hostile_name_is_refused_or_stays_itself(where: str, name: Any) -> None:
    try:
        node = WRITTEN[where](name)
    except CallerError:
        return
    (item,) = read(emit.text([node])).items
    meant = dataclasses.replace(node.head, body=list(node.body)) if isinstance(node, emit.Block) else node
    assert shape(item) == shape(meant)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("label", 'x: allow run "**"\nrule y'), ("label", "log"), ("tier", 'x read "a"\nallow run "**"\nask y'), ("action", 'run "**"\nallow read'),
        ("until", '2027-01-31\nallow run "**"'), ("module", 'std.git\nallow run "**"'), ("subject", "a or b"), ("kind of scope", "when"),
        ("type", "string\n x: int"), ("method", 'GET "x"\nallow connect'), ("edition", True), ("edition", 0), ("edition", -1), ("label", "123"),
        ("label", "a.b"), ("tier", "a\0"), ("glob", "\ud800"), ("file", "a\0"), ("includes", "once"), ("value", 2.5),
        ("case's tier", "ask"), ("example's method", "FETCH"), ("effect", 'allow run "**"\ndeny'), ("quorum", 0), ("header", "\0"),
    ],
)  # fmt: skip
def test_what_the_grammar_does_not_take_is_refused(where: str, name: Any) -> None:
    with pytest.raises(emit.UnsayableError):
        emit.text([WRITTEN[where](name)])


@settings(max_examples=pick(50, 50, 2_000))
@given(st.lists(rules(), min_size=1, max_size=3), conditions, lists, comments, st.data())
def test_a_whole_policy_is_stable(
    made: list[tree.RuleNode], when: tree.Condition, globs: list[str], words: str, data: Any
) -> None:
    cases = [emit.case("ask", "connect", globs, tier="review", method="GET"), emit.case("deny", "run", [emit.OPAQUE])]
    body: list[emit.Part] = [emit.BLANK, words, *made, emit.BLANK]
    text = emit.text(
        [
            words, "#", emit.header(data.draw(anything), edition=1), emit.BLANK, emit.BLANK, emit.imported("std.git", ["one", "two"]),
            emit.Annotated(emit.imported(globs[0], file=True), words), emit.within(globs[-1]),
            emit.context([emit.attribute("env", "enum", globs, globs[0]), emit.attribute("ci", "bool", default=True), emit.attribute("n", "int")]),
            emit.tier("review", globs, quorum=2, expires=90, includes=["x"], reason_required=True, scope="session", escalate="y", opens=["z"]),
            emit.scope("agent", globs, [words, emit.scope("repo", globs, body)]), emit.scope_when(when, body),
            emit.Annotated(made[0], words), emit.BLANK, emit.expect(words, [emit.BLANK, *cases, words], agent=globs[0]), words,
        ]
    )  # fmt: skip
    file = read(text)
    kinds = [type(i).__name__ for i in file.items]
    assert kinds == [
        "Header",
        "Import",
        "Import",
        "Within",
        "ContextDef",
        "TierDef",
        "Scope",
        "Scope",
        "RuleNode",
        "TestDef",
    ]
    outer, inner = file.items[6], file.items[7]
    assert isinstance(outer, tree.Scope) and isinstance(outer.body[0], tree.Scope) and isinstance(inner, tree.Scope)
    assert shape(outer.body[0].body) == shape(inner.body) == shape(made)
    assert shape(inner.condition) == shape(when)
    assert [w.text for w in outer.globs] == globs
    test = file.items[9]
    assert (
        isinstance(test, tree.TestDef)
        and shape(test.body) == shape(cases)
        and (test.name.text, test.agent and test.agent.text) == (words, globs[0])
    )
    assert len(file.comments) == 9


@pytest.mark.parametrize("path", REAL, ids=lambda p: p.stem)
def test_real_rules_are_emitted_as_they_are_formatted(path: Path) -> None:
    file = parse(Source(path.name, path.read_text()))
    for item in file.items:
        if isinstance(item, tree.RuleNode) and not item.has_body:
            assert shape(read(emit.statement(item) + "\n").items) == [shape(item)]


@given(anything)
def test_a_comment_is_one_line_of_comment(words: str) -> None:
    assert len(read('policy "x"\n' + emit.comment(words) + "\n").comments) == 1


def test_layout() -> None:
    long = emit.rule("deny", ["write"], [f"folder-number-{n}/**" for n in range(5)], because="it is long")
    assert emit.text(
        [
            emit.header("x"),
            emit.BLANK,
            "why",
            emit.scope("agent", ["a"], [emit.rule("allow", ["connect"], ["a.example"], methods=["GET", "HEAD"], log=True), long]),
        ]
    ) == (
        'policy "x"\n\n# why\nagent "a" {\n    allow connect GET, HEAD "a.example" log\n'
        '    deny write\n            "folder-number-0/**", "folder-number-1/**", "folder-number-2/**", "folder-number-3/**",\n'
        '            "folder-number-4/**"\n            because "it is long"\n}\n'
    )  # fmt: skip
