"""Refs by git's own rules; where git is installed, its answers are the oracle."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy, RequestError
from policy_lang.facts.refs import malformed_ref, ref_facts


@pytest.mark.parametrize(
    ("text", "branch", "word"),
    [
        ("main", None, ("origin", "refs", "heads", "main")),
        ("feature/x", None, ("origin", "refs", "heads", "feature", "x")),
        ("refs/heads/main", None, ("origin", "refs", "heads", "main")),
        ("refs/tags/v1", None, ("origin", "refs", "tags", "v1")),
        ("upstream:main", None, ("upstream", "refs", "heads", "main")),
        ("https://h.example/x.git:main", None, ("https://h.example/x.git", "refs", "heads", "main")),
        ("HEAD", "agent/x", ("origin", "refs", "heads", "agent", "x")),
        ("@", "refs/heads/x", ("origin", "refs", "heads", "x")),
        ("fork:HEAD", "x", ("fork", "refs", "heads", "x")),
    ],
)
def test_spellings_of_one_ref(text: str, branch: str | None, word: tuple[str, ...]) -> None:
    assert ref_facts(text, branch).word == word


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "PLR002"), ("@{-1}", "PLR033"), ("main@{1}", "PLR033"), ("@{upstream}", "PLR033"), ("+main", "PLR032"),
        ("origin:+main", "PLR032"), ("heads/main", "PLR034"), ("tags/v1", "PLR034"), (":main", "PLR031"), ("a..b", "PLR031"),
        ("a b", "PLR031"), ("a~1", "PLR031"), ("a^", "PLR031"), ("a.lock", "PLR031"), (".a", "PLR031"), ("a/.b", "PLR031"),
        ("a/", "PLR031"), ("/a", "PLR031"), ("a//b", "PLR031"), ("a.", "PLR031"), ("a*", "PLR031"), ("a?", "PLR031"),
        ("a[b", "PLR031"), ("a\\b", "PLR031"), ("refs/heads", "PLR031"), ("-x", "PLR031"), ("--force:x", "PLR031"),
        ("a\nb", "PLR005"), ("a\0", "PLR005"), ("x" * 1025, "PLR004"),
    ],
)  # fmt: skip
def test_what_git_would_refuse_or_read_twice_is_refused(text: str, code: str) -> None:
    with pytest.raises(RequestError) as error:
        ref_facts(text)
    assert error.value.code == code


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@settings(max_examples=60)
@given(st.text("ab./@{~^:?*[\\ -", min_size=1, max_size=8))
def test_nothing_passes_that_git_refuses(name: str) -> None:
    ref = f"refs/heads/{name}"
    accepted = subprocess.run(["git", "check-ref-format", ref], check=False, capture_output=True).returncode == 0
    ours = malformed_ref(ref) == ""
    assert not ours or accepted
    if accepted and not any(part.startswith("-") for part in ref.split("/")):
        assert ours


POLICY = Policy.loads("""
policy "refs"
allow push "agent/**", "refs/tags/v[0-9]*", "*:shared/x"
deny push "agent/secret/**"
ask review push "main"
tier review { approvers "@x" }
""")


@pytest.mark.parametrize(
    ("resource", "branch", "effect"),
    [
        ("agent/a", None, "allow"), ("agent/a/b", None, "allow"), ("agent", None, "deny"), ("agentx/a", None, "deny"),
        ("refs/heads/agent/a", None, "allow"), ("fork:agent/a", None, "deny"), ("fork:shared/x", None, "allow"),
        ("agent/secret/x", None, "deny"), ("main", None, "ask"), ("refs/tags/v1.2", None, "allow"),
        ("refs/tags/main", None, "deny"), ("v1", None, "deny"), ("HEAD", "agent/a", "allow"), ("HEAD", "main", "ask"),
        ("HEAD", None, "deny"),
    ],
)  # fmt: skip
def test_rules_about_refs(resource: str, branch: str | None, effect: str) -> None:
    assert POLICY.decide(action="push", resource=resource, branch=branch).effect == effect
