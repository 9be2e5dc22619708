"""What people write who come from .gitignore, other agents' permissions, IAM, Cedar, Rego, globs and regular expressions."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy, PolicyError
from tests.lint.support import found

MISTAKES = tomllib.loads((Path(__file__).parent / "mistakes.toml").read_text(encoding="utf-8"))["mistake"]
AROUND = 'policy "x"\ntier review { approvers "@x" }\ncontext { env: "dev" | "prod"  ci: bool = false }\n'


def answers(mistake: dict[str, Any]) -> list[str]:
    """The errors, each with its help; or the findings of a text that compiles."""
    text = mistake["text"] if mistake.get("file") else AROUND + mistake["text"] + "\n"
    try:
        Policy.loads(text, "x.policy")
    except PolicyError as error:
        return [f"{d.message}; {d.help}" for d in error.diagnostics]
    if not mistake.get("lint"):
        return []
    return [" ".join([f.code, f.message, *(fix.title for fix in f.fixes)]) for f in found(text)]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m["text"].strip().replace("\n", " ")[:60])
def test_a_mistake_is_answered_with_what_to_write(mistake: dict[str, Any]) -> None:
    said = answers(mistake)
    if mistake.get("lint"):
        assert any(all(part in answer for part in mistake["says"]) for answer in said), said
    else:
        assert said, "it passes in silence"
        assert all(part in said[0] for part in mistake["says"]), said
        assert not any(part in said[0] for part in mistake.get("never", ())), said
        assert len(said) == mistake.get("errors", 1), said


@pytest.mark.parametrize(
    ("pattern", "path", "effect"),
    [
        ("[!]a", "!a", "allow"), ("[!]a", "xa", "deny"), ("[^]a", "^a", "allow"), ("[!^]a", "^a", "deny"), ("[!!]a", "xa", "allow"),
        ("a[|]b", "a|b", "allow"), ("app/(auth)/*", "app/(auth)/x", "allow"), ("a$", "a$", "allow"), ("a.*", "a.b", "allow"),
    ],
)  # fmt: skip
def test_characters_that_tell_of_other_languages_can_be_written(pattern: str, path: str, effect: str) -> None:
    assert Policy.loads(f'allow read "{pattern}"').decide(action="read", resource=path).effect == effect


def test_a_name_without_a_pattern_of_another_language_is_left_alone() -> None:
    Policy.loads("""policy "fine"
let mcp__tools = "github.get_issue"
allow call mcp__tools
allow run "grep -E '(a|b)' src", "npm run test:*", "echo '!x'"
allow do "a/b"
allow use "prod/db/password"
""")
