"""Files that programs load: the table is whole, and the pairs that were tried are found, those switched off are not."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.analysis.members import matching
from policy_lang.analysis.witness import Witness
from policy_lang.automata.pattern import quoted
from policy_lang.lint.capabilities import Capability
from policy_lang.lint.context import USUAL_LAYOUT, wanted
from policy_lang.lint.finding import Finding
from policy_lang.lint.loaders import alternatives, builtin, example, read_by
from tests.lint.pairs import PAIRS
from tests.lint.support import found

CODES = ("ESC001", "ESC002", "ESC010", "ESC011")
GROUPS = sorted({r.program for r in PAIRS})
DIRECTLY_ONLY = 150


def granted(row: Capability) -> str:
    """A policy that grants the two steps, and reading the workspace."""
    words = " ".join(quoted(w) for w in row.argv).replace("\\", "\\\\").replace('"', '\\"')
    return f'policy "t"\nallow read "./"\nallow write "{row.file}"\nallow run "{words}"\n'


def permitted(row: Capability) -> bool:
    """Whether that policy permits both steps: the floor, or an effect of the command that nobody grants, may hold one."""
    policy = Policy.loads(granted(row))
    where = {"workspace": "/workspace", "home": "/home/agent", "tmp": "/tmp", "lexical": True}
    asked = (("write", row.file), ("run", list(row.argv)))
    return all(policy.decide(action=a, resource=r, **where).effect == "allow" for a, r in asked)  # type: ignore[arg-type]


def sayable(row: Capability) -> bool:
    return not any(set(w) & set(' {}"\n') or not w for w in row.argv)


def said(row: Capability) -> list[Finding]:
    return [f for f in found(granted(row), select=CODES) if f.severity != "info"]


def test_there_are_enough_pairs_and_most_can_be_granted() -> None:
    assert len(PAIRS) >= 300
    assert len([r for r in PAIRS if r.kind != "off" and r.measured]) >= 200
    assert len([r for r in PAIRS if r.kind not in {"off", "source"} and sayable(r) and permitted(r)]) >= DIRECTLY_ONLY


@pytest.mark.parametrize("program", GROUPS)
def test_pairs_are_found_and_what_is_switched_off_is_not(program: str) -> None:
    """A source is what an agent is there to write: a test that it writes and runs is no finding."""
    rows = [r for r in PAIRS if r.program == program and r.kind != "source" and sayable(r) and permitted(r)]
    wrong = [(r.file, " ".join(r.argv), r.kind) for r in rows if bool(said(r)) is (r.kind == "off")]
    assert wrong == []


def test_the_table_is_whole() -> None:
    names = [loader.name for loader in builtin()]
    assert len(set(names)) == len(names)
    for loader in builtin():
        assert bool(loader.measured) or bool(loader.source) or loader.name == "scripts", loader.name
        assert loader.commands, loader.name
        assert any(loader.files.values()), loader.name
        commands = (*loader.commands, *loader.switched_off(), *loader.in_folder("web"))
        wanted("run", [f"{program} {rest}".strip() for program, rest in commands])
        for file in (f for files in loader.files.values() for f in files):
            for one in alternatives(file):
                asked = Witness("write", example(one), {}, None, USUAL_LAYOUT)
                assert matching(wanted("write", [file]), asked) is not None, (loader.name, one, example(one))


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ('allow write "docs/**" allow run "make -C docs html"', True),
        ('allow write "docs/**" allow run "make -C src html"', False),
        ('allow write "docs/**" allow run "make html"', False),
        ('allow write "web/package.json" allow run "npm --prefix web test"', True),
        ('allow write "package.json" allow run "npm --prefix web test"', False),
        ('allow write "eslint.config.js" allow run "uv run eslint ."', False),
        ('allow write "eslint.config.mjs" allow run "npx --no-install eslint **"', True),
        ('allow write "eslint.config.mjs" allow run "npx --no-install eslint --no-config-lookup **"', False),
        ('allow write "conftest.py" allow run "make check"', True),
        ('allow write "tests/**", "src/**" allow run "make check", "npm test", "git commit **"', False),
        ('allow write "conftest.py" allow run "make --version"', False),
        ('allow write ".husky/**" allow run "git commit **"', True),
        ('allow write ".husky/**" allow run "git commit --no-verify **"', False),
        ('allow write "AGENTS.md" allow run "codex exec *"', True),
        ('allow write ".devcontainer/devcontainer.json" allow run "devcontainer up"', True),
    ],
)
def test_pairs_follow_from_who_starts_whom_and_where(text: str, fires: bool) -> None:
    findings = found(f'allow read "./" {text}', select=("ESC001",))
    assert bool(findings) is fires, [f.message for f in findings]


def test_what_programs_read_is_known_by_their_names() -> None:
    known = read_by()
    assert {"package.json", ".npmrc"} <= set(known["npm"])
    assert "conftest.py" in known["pytest"]
    assert all("**" not in name for names in known.values() for name in names)
