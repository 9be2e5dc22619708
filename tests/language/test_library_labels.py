"""Each labelled rule of the library can be left out by its label, as its page promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policy_lang import Policy

LIBRARY = [
    path
    for path in sorted((Path(__file__).parents[2] / "stdlib_policies/std").glob("*.policy"))
    if "rule " in path.read_text()
]
TIERS = "".join(f'tier {name} {{ approvers "@people" }}\n' for name in ("review", "operations", "careful"))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda p: p.stem)
def test_each_label_can_be_left_out(path: Path) -> None:
    labels = re.findall(r"^\s*rule ([\w-]+):", path.read_text(), re.MULTILINE)
    assert labels
    for label in labels:
        Policy.loads(f'policy "x"\nimport std.{path.stem} without {label}\n{TIERS}allow read "src/a"\n')


def test_a_name_that_only_the_left_out_rule_uses(tmp_path: Path) -> None:
    (tmp_path / "part.policy").write_text(
        'policy "part"\nlet names = "a"\nlet more = names, "b"\nrule one: allow read more\nrule two: allow read "c"\n'
    )
    main = tmp_path / "main.policy"
    main.write_text('policy "main"\nimport "part.policy" without one\n')
    assert Policy.load(str(main)).decide(action="read", resource="c", workspace="/w", lexical=True).effect == "allow"
    assert Policy.load(str(main)).decide(action="read", resource="a", workspace="/w", lexical=True).effect == "deny"
