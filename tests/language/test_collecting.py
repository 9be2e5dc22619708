"""Compiling collects: mistakes are returned, and what was understood with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import PolicyError
from policy_lang.compiler.load import Compiled, compile_collecting, compile_file, compile_text
from policy_lang.domain.errors import Diagnostic, Source, Span
from policy_lang.domain.errors import PolicyError as Refused
from policy_lang.domain.limits import limit
from policy_lang.resolve.files import read_bytes
from policy_lang.resolve.modules import walk_rules
from policy_lang.syntax.parse import parse, tokens
from tests.lanes import LANE, pick

ROOT = Path(__file__).parents[2]
STEP = pick(41, 41, 1)
"""The distance between the places of a file that are tried: all of them at night."""
REAL = sorted([*(ROOT / "stdlib_policies").rglob("*.policy"), *(ROOT / "docs/examples").rglob("*.policy")])

FIVE = """policy "five"
context { env: string }
tier review { approvers "@team" }
rule good: allow read "src/**"
rule spelled: allow raed "b"
rule tierless: ask reveiw read "c"
rule wrong: deny write "a/../b"
rule unknown: allow read "d" when evn == "prod"
rule fine: deny read "src/secret" when env == "prod"
allow write "out/**" {
    match "src/app.ts"
}
test "some" {
    allow read "src/a"
    ask nobody read "x"
}
prove "claims" {
    never allow read "src/secret"
    never allow read "a//b"
}
"""


def labels(compiled: Compiled) -> set[str]:
    assert compiled.policy_set is not None
    return {r.label for layer in compiled.policy_set.layers for r in layer.rules}


def raised(text: str, path: str) -> tuple[Diagnostic, ...]:
    """What the raising form reports; nothing when it compiles."""
    try:
        compile_text(text, path)
    except PolicyError as error:
        return error.diagnostics
    return ()


def test_each_mistake_is_one_diagnostic_and_the_good_rules_stay() -> None:
    found = compile_collecting("five.policy", FIVE)
    assert [(d.code, d.span and d.span.line) for d in found.diagnostics] == [
        ("PLE201", 5), ("PLE203", 6), ("PLE401", 7), ("PLE209", 8), ("PLE406", 11), ("PLE203", 15), ("PLE401", 19),
    ]  # fmt: skip
    assert labels(found) == {"good", "fine", ""}
    assert found.policy_set is not None and found.resolved is not None and found.tree is not None
    assert set(found.policy_set.tiers) == {"review"} and set(found.policy_set.attributes) == {"env"}
    assert [(c.action, c.resource) for t in found.policy_set.tests for c in t.cases] == [("read", "src/a")]
    assert [len(p.properties) for p in found.policy_set.proofs] == [1]
    assert [r.label.text for r, _ in walk_rules(found.tree.items) if r.label] == [
        "good",
        "tierless",
        "wrong",
        "unknown",
        "fine",
    ]
    assert found.diagnostics == raised(FIVE, "five.policy")
    with pytest.raises(PolicyError):
        found.checked()


def test_without_mistakes_it_is_the_policy() -> None:
    text = 'policy "p"\nallow read "a"\ntest "t" { allow read "a" }'
    found = compile_collecting("p.policy", text)
    assert found.diagnostics == () and found.policy_set is not None
    assert found.checked()[1] is found.policy_set
    assert found.policy_set.digest == compile_text(text, "p.policy").digest


def test_imports_and_ceilings_are_followed_as_far_as_they_go(tmp_path: Path) -> None:
    (tmp_path / "lib.policy").write_text(
        'policy "lib"\ntier review { approvers "@x" }\nrule one: allow read "a"\nallow raed "b"'
    )
    (tmp_path / "org.policy").write_text('policy "org"\nallow read "./"')
    root = tmp_path / "root.policy"
    root.write_text(
        'policy "root"\nimport "lib.policy"\nimport "missing.policy"\nwithin "org.policy"\nrule two: ask review write "b"'
    )
    found = compile_collecting(str(root))
    assert [(d.code, Path(d.span.source.path).name) for d in found.diagnostics if d.span] == [
        ("PLE201", "lib.policy"),
        ("PLE001", "root.policy"),
    ]
    assert [m.name for m in found.modules] == ["root", "lib", "org"]
    assert labels(found) == {"one", "two", ""}


def test_texts_of_an_editor_stand_before_the_disk(tmp_path: Path) -> None:
    (tmp_path / "lib.policy").write_text('policy "lib"\nallow read "disk"')
    root = tmp_path / "root.policy"
    root.write_text("this is no policy")
    opened = {
        str(root): 'policy "root"\nimport "lib.policy"',
        str(tmp_path / "lib.policy"): 'policy "lib"\nrule open: allow read "x"',
    }

    def read(path: str, at: Span | None) -> bytes:
        return opened[path].encode() if path in opened else read_bytes(path, at)

    assert labels(compile_collecting(str(root), read=read)) == {"open"}
    assert labels(
        compile_collecting(str(root), 'policy "root"\nrule new: deny read "x"\nimport "lib.policy"', read=read)
    ) == {"new", "open"}


@pytest.mark.parametrize("text", ["x" * (limit("source_bytes") + 1), "\ud800", None])
def test_a_file_that_cannot_be_read_is_one_diagnostic(text: str | None, tmp_path: Path) -> None:
    path = str(tmp_path / "missing.policy")
    found = compile_collecting(path, text)
    assert (found.tree, found.policy_set, found.modules, len(found.diagnostics)) == (None, None, (), 1)
    with pytest.raises(Refused) as error:
        compile_file(path) if text is None else compile_text(text, path)
    assert error.value.diagnostics == found.diagnostics


@pytest.mark.parametrize(
    ("broken", "gone"),
    [
        ('when nope == "x" { rule in: allow read "a" }', {"in"}), ('agent "a**" { rule in: allow read "a" }', {"in"}),
        ('agent "a**" { rule in: allow read "a"  rule too: allow read "b" }', {"in", "too"}),
        ('let keys == "a"\nrule in: deny read keys, "b"', {"in"}), ('let keys = "a//b"\nrule in: deny read "c" except keys', {"in"}),
        ('let keys = "a"\nlet keys = "b"\nrule good: allow read keys', set()),
        ('context { env string }\nrule in: allow read "a" when env == "x"', {"in"}), ('rule in: allow read "a" until 2026-02-30', {"in"}),
        ('tier t { approver "@x" }\nrule in: ask t read "a"', {"in"}), ('rule in: deny read "a" log', {"in"}),
        ('rule in: allow read "a" with "-f"', {"in"}), ('rule in: allow read "a" except "a"', {"in"}),
    ],
)  # fmt: skip
def test_a_rule_that_is_not_wholly_understood_is_left_out(broken: str, gone: set[str]) -> None:
    """Half a rule would be another rule: one that lost its condition grants more than anybody wrote."""
    found = compile_collecting("x.policy", f'policy "x"\n{broken}\nrule stays: allow read "z"')
    assert found.diagnostics
    assert labels(found) == {"stays", *({"good"} if not gone else ())}


def test_a_profile_with_a_mistake_makes_no_example_wrong(tmp_path: Path) -> None:
    (tmp_path / "tool.toml").write_text("nonsense = 1")
    text = 'policy "x"\nprofile "tool.toml"\nallow run "tool **" { match "tool --at x" }'
    assert [d.code for d in compile_collecting(str(tmp_path / "x.policy"), text).diagnostics] == ["PLE509"]


def cut(path: Path) -> tuple[str, list[tuple[int, int]]]:
    text = path.read_text()
    return text, [(t.start, t.end) for t in tokens(Source(str(path), text))]


@pytest.mark.parametrize("path", REAL, ids=lambda p: p.stem)
def test_no_prefix_and_no_missing_token_is_too_much(path: Path) -> None:
    text, places = cut(path)
    for number, (start, end) in enumerate(places):
        if (number + len(path.stem)) % STEP:
            continue
        for changed in (text[:end], text[:start], text[:start] + text[end:]):
            found = compile_collecting(str(path), changed)
            assert found.tree is not None and found.policy_set is not None
            assert len(found.diagnostics) <= limit("diagnostics")
            for one in found.diagnostics:
                assert one.span is None or 0 <= one.span.start <= one.span.end <= len(one.span.source.text)
            if not number % 4:
                assert raised(changed, str(path)) == found.diagnostics


@pytest.mark.parametrize("path", REAL, ids=lambda p: p.stem)
def test_no_prefix_is_too_much_for_the_parser(path: Path) -> None:
    text = path.read_text()
    for end in range(len(path.stem) % STEP, len(text), STEP):
        file = parse(Source(str(path), text[:end]))
        assert all(d.span is not None and d.span.end <= end for d in file.diagnostics)


@pytest.mark.parametrize("path", REAL, ids=lambda p: p.stem)
def test_one_broken_rule_costs_no_other(path: Path) -> None:
    text = path.read_text()
    whole = compile_collecting(str(path), text, library=True)
    assert whole.tree is not None and whole.policy_set is not None and whole.diagnostics == ()
    rules = {(r.file, r.key) for layer in whole.policy_set.layers for r in layer.rules}
    for number, (rule, _) in enumerate(walk_rules(whole.tree.items)):
        if LANE != "nightly" and number % 5:
            continue
        at = rule.actions[0][0].pos
        found = compile_collecting(str(path), text[: at[0]] + "raed" + text[at[1] :], library=True)
        assert [d.code for d in found.diagnostics] == ["PLE201"]
        assert found.policy_set is not None
        left = {(r.file, r.key) for layer in found.policy_set.layers for r in layer.rules}
        assert left <= rules and len(left) >= len(rules) - 1


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "a\0/b.policy"])
@pytest.mark.parametrize("text", [None, 'policy "x"\nallow read "a"'])
def test_a_path_that_is_none_is_one_diagnostic(path: str, text: str | None) -> None:
    assert [d.code for d in compile_collecting(path, text).diagnostics] == ["PLE001"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (FileNotFoundError(), "PLE001"), (PermissionError(13, "Permission denied"), "PLE001"), (OSError(), "PLE001"),
        (b"#" * (limit("source_bytes") + 1), "PLE004"), (b"\xff", "PLE002"),
    ],
)  # fmt: skip
def test_what_a_reader_cannot_give_is_a_mistake_where_it_is_named(answer: bytes | OSError, code: str) -> None:
    def read(path: str, at: Span | None) -> bytes:
        if isinstance(answer, OSError):
            raise answer
        return answer

    text = 'policy "x"\nimport "y.policy"\nallow read "a"'
    (found,) = compile_collecting("x.policy", text, read=read).diagnostics
    assert (found.code, found.span and found.span.line) == (code, 2)
    (alone,) = compile_collecting("x.policy", read=read).diagnostics
    assert alone.code == code


@pytest.mark.parametrize(
    ("text", "code", "at"), [("a\n\ud800", "PLE002", 2), ("é" * limit("source_bytes"), "PLE004", 0)]
)
def test_a_text_that_is_not_read_has_a_place(text: str, code: str, at: int) -> None:
    (found,) = compile_collecting("x.policy", text).diagnostics
    assert found.span is not None
    assert (found.code, found.span.source.path, found.span.start) == (code, "x.policy", at)


def test_a_profile_that_is_not_utf_8_is_told_in_our_words(tmp_path: Path) -> None:
    (tmp_path / "tool.toml").write_bytes(b"a = 1\n\xff")
    (found,) = compile_collecting(
        str(tmp_path / "x.policy"), 'policy "x"\nprofile "tool.toml"\nallow read "a"'
    ).diagnostics
    assert (found.code, found.message) == ("PLE509", "the profile of `tool` is not valid UTF-8 (byte 6, line 2)")


@pytest.mark.parametrize(
    "one",
    [
        "import m{}",
        "\x01",
        "@{}",
        "}}",
        "x{}",
        "let a{} =",
        'ask t{} read "a"',
        'allow read "a" when n{} == 1',
        "allow read n{}",
    ],
)
def test_the_last_of_too_many_mistakes_tells_of_the_others(one: str) -> None:
    most = limit("diagnostics")
    for many in (most, most + 1, 3 * most):
        text = 'policy "x"\n' + "".join(one.format(i) + "\n" for i in range(many))
        found = compile_collecting("x.policy", text).diagnostics
        assert len(found) == most
        assert (found[-1].message == f"more than {most} mistakes; the others are not shown") == (many > most)


def test_mistakes_that_are_not_shown_cost_no_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def matches(word: str, *_: object, **__: object) -> list[str]:
        looked.append(word)
        return []

    monkeypatch.setattr("policy_lang.domain.suggest.difflib.get_close_matches", matches)
    for one in ("import std.g{}", 'ask t{} read "a"', 'allow read "a" when n{} == 1'):
        looked.clear()
        text = 'policy "x"\ntier t { approvers "@a" }\n' + "".join(one.format(i) + "\n" for i in range(2_000))
        found = compile_collecting("x.policy", text).diagnostics
        assert len(looked) <= limit("diagnostics") + 1 and all(d.help for d in found[:-1])


def test_places_in_utf_16() -> None:
    source = Source("x", 'a\n"\U0001f600é" b\r\nc\rd')
    places = {char: source.utf16_position(source.text.index(char)) for char in 'a"éb\rcd'}
    assert places == {"a": (0, 0), '"': (1, 0), "é": (1, 3), "b": (1, 6), "\r": (1, 7), "c": (2, 0), "d": (3, 0)}
    assert source.utf16_position(10_000) == source.utf16_position(len(source.text)) == (3, 1)
    assert source.utf16_position(-1) == (0, 0)
    assert source.position(source.text.index("b")) == (2, 6)
    assert [source.position(at) for at in (0, 1)] == [(1, 1), (1, 2)]
