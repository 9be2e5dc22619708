"""`policy "NAME" language N`: the edition of the language that a file is written in."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.domain.edition import NEWEST_EDITION, edition
from policy_lang.domain.errors import Diagnostic, Source
from policy_lang.resolve.resolver import resolve_file
from policy_lang.syntax import parse as parsing
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse

NEWER = NEWEST_EDITION + 1


def mistakes(text: str) -> list[Diagnostic]:
    with pytest.raises(PolicyError) as error:
        Policy.loads(text)
    return list(error.value.diagnostics)


@pytest.mark.parametrize("head", ['policy "a" language 1', 'policy "a"\nlanguage\n    1', 'guardrail "a" language 1'])
def test_a_header_names_its_edition(head: str) -> None:
    file = parse(Source("x", f'{head}\ndeny read "x"'))
    assert (file.diagnostics, file.edition, len(file.items)) == ([], 1, 2)
    shown = format_file(file)
    assert shown == f'{head.split(maxsplit=1)[0]} "a" language 1\ndeny read "x"\n'
    assert format_file(parse(Source("x", shown))) == shown


def test_without_a_name_it_is_the_newest() -> None:
    for text in ('policy "a"\ndeny read "x"', 'deny read "x"', ""):
        assert parse(Source("x", text)).edition == NEWEST_EDITION
    assert "language" not in format_file(parse(Source("x", 'policy "a"\ndeny read "x"')))


def test_the_edition_changes_no_meaning_and_no_digest() -> None:
    plain, named = (Policy.loads(f'policy "a"{e}\nallow read "x"') for e in ("", " language 1"))
    assert plain.digest == named.digest
    assert [r.id for r in plain.policy_set.layers[0].rules] == [r.id for r in named.policy_set.layers[0].rules]


def test_language_stays_a_name_elsewhere() -> None:
    Policy.loads(
        'policy "a"\ncontext { language: string }\nlet language = "x"\nallow read language when language == "de"'
    )


@pytest.mark.parametrize(
    "text",
    [
        f'policy "a" language {NEWER}\nallow read "a"',
        f'guardrail "a"\n  language {NEWER}\n  deny read "a"',
        f'# why\npolicy "a" language {NEWER} observe\nallwo §read "a\n}} }} {{',
        f'policy "a" language {NEWER}\nask nobody read x when nope == 1',
        f'policy "a" language {"9" * 5000}\nallow read "a"',
    ],
)
def test_a_newer_edition_is_one_mistake_and_nothing_else_is_read(text: str) -> None:
    (found,) = mistakes(text)
    assert (found.code, found.span and found.span.source.text[found.span.start]) == (
        "PLE008",
        text.split()[text.split().index("language") + 1][0],
    )
    assert f"reads up to edition {NEWEST_EDITION}" in found.message and len(found.message) < 120
    assert "upgrade policy_lang" in found.help and f"`language {NEWEST_EDITION}`" in found.help
    file = parse(Source("x", text))
    assert len(file.items) == 1 and file.edition > NEWEST_EDITION


@pytest.mark.parametrize(
    ("written", "code", "at"),
    [
        ("language 0", "PLE114", "0"), ("language -1", "PLE114", "-1"), ("language 01", "PLE114", "01"), ("language one", "PLE110", "one"),
        ('language "1"', "PLE110", '"1"'), ("language", "PLE110", "language"), ("language 1.5", "PLE102", ".5"), ("languge 1", "PLE110", "languge"),
        ("language 1 language 1", "PLE108", "1"), ("language 1\nlanguage 1", "PLE108", "1"), ("language 1m", "PLE110", "1m"),
    ],
)  # fmt: skip
def test_what_is_not_an_edition(written: str, code: str, at: str) -> None:
    (found,) = mistakes(f'policy "a" {written}\nallow read "a"')
    assert found.span is not None
    assert (found.code, found.span.source.text[found.span.start : found.span.end]) == (code, at)
    assert found.help


@pytest.mark.parametrize(
    "text",
    [
        f'deny read "b"\npolicy "x" language {NEWER}', f'import "y"\npolicy "x" language {NEWER}', f'\\@\npolicy "x" language {NEWER}',
        f'policy "\\q" language {NEWER}\nallow read "a"', f'guardrail "\\u{{110000}}" language {NEWER}', f'policy "" language {NEWER}',
        f'"a\n}} policy "x" language {NEWER}',
    ],
)  # fmt: skip
def test_a_newer_edition_is_one_mistake_wherever_its_header_stands(text: str) -> None:
    """What surrounds the header, and what its name holds, may be right in that edition."""
    (found,) = mistakes(text)
    assert found.code == "PLE008" and found.span is not None
    assert found.span.source.text[found.span.start : found.span.end] == str(NEWER)


@pytest.mark.parametrize("written", ["1.0", "1.5", '"1"', "one", "0"])
def test_an_edition_is_a_whole_number(written: str) -> None:
    (found,) = mistakes(f'policy "a" language {written}\nallow read "a"')
    assert "whole number" in found.help


def test_each_file_is_read_in_its_own_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root.policy").write_text(
        'policy "root" language 1\nimport "lib.policy"\nwithin "org.policy"\nallow read "a"'
    )
    (tmp_path / "lib.policy").write_text('policy "lib"\nallow read "b"')
    (tmp_path / "org.policy").write_text('guardrail "org" language 2\ndeny read "c"')
    root = str(tmp_path / "root.policy")
    assert [d.code for d in resolve_file(root).diagnostics] == ["PLE008"]
    monkeypatch.setattr(parsing, "NEWEST_EDITION", 2)
    program = resolve_file(root)
    assert program.diagnostics == []
    assert {m.name: m.file.edition for m in program.modules} == {"root": 1, "lib": 2, "org": 2}


def test_what_a_newer_file_would_define_is_not_missed_again(tmp_path: Path) -> None:
    root = tmp_path / "root.policy"
    (tmp_path / "new.policy").write_text(
        f'policy "new" language {NEWER}\ntier review {{ approvers "@x" }}\ncontext {{ env: string }}'
    )
    for verb in ("import", "within"):
        root.write_text(f'policy "root"\n{verb} "new.policy"\nask review read "a" when env == "x"')
        with pytest.raises(PolicyError) as error:
            Policy.load(str(root))
        assert [(d.code, d.span and d.span.source.path) for d in error.value.diagnostics] == [
            ("PLE008", str(tmp_path / "new.policy"))
        ]


def test_numbers_of_editions() -> None:
    assert [edition(t) for t in ("1", "2", "12", "999999999")] == [1, 2, 12, 999999999]
    assert [edition(t) for t in ("0", "01", "-1", "", "x", "\u0661", "1 ")] == [None] * 7
    assert (edition("9" * 10_000) or 0) >= 10**9
