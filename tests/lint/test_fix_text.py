"""What fixes write: statements in the layout of `policy fmt`, whatever stands in the patterns."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang.domain.errors import Source
from policy_lang.lint.fixing import fix
from policy_lang.lint.linter import Options
from policy_lang.syntax import tree
from policy_lang.syntax.format import format_file
from policy_lang.syntax.parse import parse

from .support import TODAY, context_of, found


@pytest.mark.parametrize(
    ("code", "rule", "written"),
    [
        ("PTH017", 'allow read "**"\ndeny read ".a\\"b{c,d}\\u{200B}"', 'deny read "**/.a\\"b{c,d}\\u{200B}"'),
        ("PTH015", 'allow write "/tmp/*/{x,\\"q}"', 'allow write "${tmp}/*/{x,\\"q}"'),
        ("ESC002", 'allow write "to\\"ols/**"\nallow run "\'./to\\"ols/a\'"', 'deny write "to\\"ols/a"'),
    ],
)
def test_a_fix_quotes_what_it_writes(
    code: str, rule: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.policy").write_text(f'policy "x"\n{rule}\n')
    done = fix("x.policy", Options(select=(code,), today=TODAY), unsafe=True)
    assert not done.refused and written in "".join(done.texts.values())


def test_an_appended_statement_is_laid_out() -> None:
    context = context_of('policy "x"\nallow write "**"\n')
    for patterns in (["a"], [f"folder-number-{n}/**" for n in range(9)], ['a"b', "c\\d", "e\u200bf"]):
        (edit,) = context.deny(["write", "delete"], [*patterns, patterns[0]], 'say "why"').edits
        whole = context.source.text + edit.text
        file = parse(Source("x", whole))
        assert file.diagnostics == [] and format_file(file) == whole
        rule = file.items[-1]
        assert isinstance(rule, tree.RuleNode) and [w.text for w in rule.patterns] == patterns


def test_the_fixes_of_one_wide_policy_read_back() -> None:
    wide = 'policy "x"\ntier review { approvers "@x" }\nallow read, write, delete "/", "./"\nallow push "*:refs/**"\n'
    appended = [e.text for f in found(wide) for x in f.fixes for e in x.edits if e.span.start == len(wide)]
    assert len(appended) > 5
    for text in appended:
        file = parse(Source("x", wide + text))
        assert file.diagnostics == [] and format_file(file) == wide + text
