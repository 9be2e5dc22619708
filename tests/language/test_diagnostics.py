"""One mistake, one report: code, place, what was expected, how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.report.diagnostics import render

CASES = Path(__file__).parent / "cases"


def reports(text: str, path: Path | None = None) -> list[tuple[str, int, str]]:
    with pytest.raises(PolicyError) as error:
        Policy.loads(text, str(path or "test.policy"))
    return [(d.code, d.span.line if d.span else 0, d.message) for d in error.value.diagnostics]


def test_seven_broken_statements_give_seven_reports() -> None:
    text = """policy "seven"
allwo read "a"
allow raed "b"
deny read , "c"
allow read "d" becuase "x"
tier review { aprovers "@x" }
ask read "e"
allow read "f
allow read "fine"
test "t" { allow read "fine" }
"""
    found = reports(text)
    assert [line for _, line, _ in found] == [2, 3, 4, 5, 6, 7, 8]
    assert [code for code, _, _ in found] == ["PLE111", "PLE201", "PLE110", "PLE110", "PLE110", "PLE113", "PLE101"]


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ('allow raed "a"', "PLE201", "did you mean `read`?"),
        ('tier review { approvers "@x" }\nask reveiw read "a"', "PLE203", "did you mean `review`?"),
        ('context { env: string }\nallow read "a" when enf == "x"', "PLE209", "did you mean `env`?"),
        ('import std.basline\nallow read "a"', "PLE202", "did you mean `std.baseline`?"),
        ('allow connect GTE "a.example"', "PLE110", "did you mean `GET`?"),
        ('context { env: "dev" | "prod" }\nallow read "a" when env == "prd"', "PLE307", "did you mean `prod`?"),
        ('import std.git without no-froce\nallow read "a"', "PLE204", "did you mean `no-force`?"),
        ('let keys = "x"\ndeny read kyes, keys', "PLE211", "did you mean `keys`?"),
        ('tier a { approvers "@x" exipres 3m }', "PLE110", "did you mean `expires`?"),
        ('policy "x"\ntset "t" { deny read "a" }', "PLE111", "did you mean `test`?"),
        ("context { n: itn }", "PLE301", "did you mean `int`?"),
    ],
)
def test_suggestions(text: str, code: str, hint: str) -> None:
    with pytest.raises(PolicyError) as error:
        Policy.loads(text)
    assert [d.code for d in error.value.diagnostics] == [code]
    assert hint in error.value.diagnostics[0].help


@pytest.mark.parametrize(
    "pattern",
    ["a/../b", "./a", "a//b", "a/./b", "/a/../b", "$HOME/x", "${HOME}/x", "a/$X", "~bob/x", "a\\\\b", "a/**b", "[a", "a/[]",
     "{a", "a}", "{a}", "a/[z-a]", "**/a/**/b/**/c", "a" * 300, "*?*?*?*?*?*?*?*?*?*?", "[^a]"],
)  # fmt: skip
def test_malformed_paths(pattern: str) -> None:
    assert [c for c, _, _ in reports(f'allow read "{pattern}"')] == ["PLE401"]


@pytest.mark.parametrize(
    "pattern",
    ["*", "a.**.b", "a..b", "", "a b", "a.example/x", "ftps://a", "a:0", "a:70000", "10.0.0.1/8", "300.1.1.1", "[::1", "a@b",
     "https://a/../b", "https://a/b?c", "::ffff:1.2.3.4", "a_b!c", "0x7f.1"],
)  # fmt: skip
def test_malformed_hosts(pattern: str) -> None:
    assert [c for c, _, _ in reports(f'allow connect "{pattern}"')] == ["PLE401"]


@pytest.mark.parametrize(
    "pattern", ["HEAD", "@", "a..b", "a b", "heads/x", "tags/v1", ":main", "+main", "a~1", "a.lock", "refs/x^"]
)
def test_malformed_refs(pattern: str) -> None:
    assert [c for c, _, _ in reports(f'allow push "{pattern}"')] == ["PLE401"]


@pytest.mark.parametrize("pattern", ["a; b", "a | b", "a > b", "$X", "a `b`", "X=1 a", " ", "a 'b", "{a b}"])
def test_malformed_commands(pattern: str) -> None:
    assert [c for c, _, _ in reports(f'allow run "{pattern}"')] == ["PLE401"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('allow push "a[~]b"', "PLE402"), ('allow push "a[*]"', "PLE402"), ('deny run "x" with "-f" without "-f", "-g"', "PLE402"),
        ('test "t" given nope = "x" { deny read "a" }', "PLE209"), ('test "t" given now = "x" { deny read "a" }', "PLE304"),
        ('context { e: "a" | "b" }\ntest "t" given e = "c" { deny read "a" }', "PLE307"),
        ('test "t" { ask nope read "a" }', "PLE203"), ('test "t" { deny read GET "a" }', "PLE109"), ('test "t" { deny read opaque }', "PLE404"),
        ('test "t" { }', "PLE508"), ('prove "p" { }', "PLE508"), ('prove "p" { always ask nope read "a" }', "PLE203"),
        ('prove "p" { never allow read, run "a" }', "PLE311"), ('prove "p" { never allow read "../a" }', "PLE401"),
        ('prove "p" when nope == 1 { never allow read "a" }', "PLE209"), ('allow read "a" except opaque', "PLE404"),
        ('repo "a**" { allow read "a" }', "PLE401"), ('agent "" { allow read "a" }', "PLE401"), ('policy ""\nallow read "a"', "PLE501"),
    ],
)  # fmt: skip
def test_other_mistakes(text: str, code: str) -> None:
    assert [c for c, _, _ in reports(text)] == [code]


def test_names_of_broken_statements_are_not_missed_again() -> None:
    text = 'tier review { aprovers "@x" }\nask review read "a"\nlet x == "a"\ndeny read x'
    assert [line for _, line, _ in reports(text)] == [1, 3]


def test_an_unclosed_block_is_one_report() -> None:
    assert [c for c, _, _ in reports('agent "a" {\n  allow read "x"\n\ntest "t" {\n  deny read "y"\n}\n')] == ["PLE103"]
    assert [c for c, _, _ in reports('tier review { approvers "@x"\nallow read "x"\n')] == ["PLE103"]
    assert [c for c, _, _ in reports('test "t" {\n  deny read "y"\n\nagent "a" { allow read "x" }\n')] == ["PLE103"]


def test_files_that_are_wrong(tmp_path: Path) -> None:
    root = tmp_path / "root.policy"
    (tmp_path / "a.policy").write_text('policy "a"\nimport "b.policy"')
    (tmp_path / "b.policy").write_text('policy "b"\nimport "a.policy"')
    (tmp_path / "empty.policy").write_text("")
    (tmp_path / "nothing.policy").write_text('policy "nothing"\ndeny read "x"')
    (tmp_path / "guard.policy").write_text('guardrail "guard"')
    (tmp_path / "loop.policy").symlink_to("loop.policy")
    for statement, code in (
        ('import "a.policy"', "PLE505"), ('import "root.policy"', "PLE505"), ('import "missing.policy"', "PLE001"),
        ('within "missing.policy"', "PLE001"), ('import "."', "PLE001"), ('import "loop.policy"', "PLE001"),
        ('import "empty.policy"', "PLE502"), ('within "nothing.policy"', "PLE507"), ('within "guard.policy"', "PLE507"),
        ('within "root.policy"', "PLE505"), ('import ""', "PLE001"),
    ):  # fmt: skip
        root.write_text(f'policy "root"\n{statement}\nallow read "a"')
        with pytest.raises(PolicyError) as error:
            Policy.load(str(root))
        assert [d.code for d in error.value.diagnostics] == [code], statement


def test_every_mistake_of_every_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_text('policy "a"\nallow raed "x"\nallow read "../x"')
    root = tmp_path / "root.policy"
    root.write_text('policy "root"\nimport "a.policy"\ndeny read "a//b"')
    with pytest.raises(PolicyError) as error:
        Policy.load(str(root))
    assert sorted(d.code for d in error.value.diagnostics) == ["PLE201", "PLE401", "PLE401"]


def test_reports_look_as_they_should(update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    for case in sorted(CASES.glob("*.policy")):
        with pytest.raises(PolicyError) as error:
            Policy.loads(case.read_text(), case.name)
        text = render(error.value.diagnostics) + "\n"
        golden = case.with_suffix(".txt")
        if update_golden:
            golden.write_text(text)
        assert golden.read_text() == text
