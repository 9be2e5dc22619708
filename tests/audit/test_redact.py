"""Secrets do not reach a record, and what is none stays readable."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy
from policy_lang.audit.disk_snapshot import Recorded
from policy_lang.audit.redact import cleaned
from policy_lang.domain.record import replace
from policy_lang.domain.serialize import request_json
from policy_lang.wire.requests import request_of
from tests.promises import tried

from .secrets import PASSWORDS, TOKENS, planted
from .support import lines, logged, request

CASES = list(planted())


def test_two_hundred_planted_secrets_are_not_in_the_log(tmp_path: Path) -> None:
    assert len(CASES) >= 200
    policy, log = logged(tmp_path / "log", flush=False)
    for _, script, _ in CASES:
        policy.decide(action="run", resource=script, agent="a")
    log.close()
    text = (tmp_path / "log" / "00000001.jsonl").read_text()
    for name, _, secret in CASES:
        assert secret not in text and json.dumps(secret)[1:-1] not in text, name
    found = [r for r in lines(tmp_path / "log") if r["kind"] == "decision"]
    assert all(r["redacted"] for r in found)
    tried("F19", len(CASES))


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_they_are_found_wherever_a_request_may_have_them(token: str) -> None:
    value = {
        "request": {"resource": ["tool", token], "origin": {"instruction": f"use {token} please"}, "context": {"x": token}},
        "git": {"remotes": {"origin": f"https://x:{token}@host/"}}, "reasons": [f"it reaches `/a/{token}/b`"],
    }  # fmt: skip
    assert token not in json.dumps(cleaned(value).value)


@pytest.mark.parametrize("script", PASSWORDS)
def test_passwords_are_found_in_words_as_well(script: str) -> None:
    import shlex

    assert "S3cretPass!" not in json.dumps(cleaned({"resource": shlex.split(script), "again": ["S3cretPass!"]}).value)


PLAIN = (
    "pnpm test --filter web", "git commit -m 'rotate the token'", "cat src/auth/password.py", "PWD=/repo ls", "ls --max-tokens 4096",
    "curl --token-file ~/.token https://x", "TOKEN=$GITHUB_TOKEN gh pr list", "git push git@github.com:acme/web main", "echo ${PASSWORD}",
    "rg 'password' src", "https://api.example/x?page=2&sort=key", "ssh://git@github.com/acme/web.git", "git show 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "docker run --user 1000:1000 x", "npm run build --prefix packages/tokens",
)  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    found = cleaned(text)
    assert found.value == text and not found.kinds


def test_a_short_password_is_taken_out_only_where_it_is_one() -> None:
    found = cleaned(
        {"resource": "psql --password main", "branch": "main", "words": ["psql", "--password", "main", "main"]}
    )
    assert found.value == {
        "resource": "psql --password REDACTED-option", "branch": "main",
        "words": ["psql", "--password", "REDACTED-option", "main"],
    }  # fmt: skip


def test_what_only_looks_random_is_flagged(tmp_path: Path) -> None:
    policy, _ = logged(tmp_path / "log")
    policy.decide(action="run", resource="echo aZ3kQ9xW7mP2vT8rY5nL4jH6gF1dS0bC")
    policy.decide(action="run", resource="pnpm run build --filter web-application-frontend")
    one, other = (r for r in lines(tmp_path / "log") if r["kind"] == "decision")
    assert one["flags"] == ["random"] and "aZ3k" in one["request"]["resource"]
    assert "flags" not in other


def test_redacting_twice_changes_nothing() -> None:
    for _, script, _ in CASES:
        once = cleaned(script).value
        assert cleaned(once).value == once


@pytest.mark.parametrize(
    "unit",
    ["token=", "a=", "eyJ-", "sk-", "://", "-----BEGIN PRIVATE KEY-----", "token ", "--token ", "mysql ", "bearer ", "?a=&", "Authorization:", "x", "-u a", "password='", "x.y-z_", "Cookie: ", "ghp_", "pass:", '"kty"', "docker login ", "echo a | docker login <<EOF\n", "(password values (", "assword send ", "MIIEpAIBAAKCAQEA", "<<A ", "token: |\n",
     "kind: Secret\ndata:\n a: b\n", "<a>", "identified by '", "login(", "\"' ", "$(", "bash -c \"bash -c '", "htpasswd -b ", "aws configure set ", "\\", 'key="a" value="'],
)  # fmt: skip
def test_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    def cost(size: int) -> float:
        text = (unit * (size // len(unit) + 1))[:size]
        best = 9.0
        for _ in range(3):
            began = time.perf_counter()
            cleaned(text)
            best = min(best, time.perf_counter() - began)
        return best

    assert cost(64_000) < 12 * cost(16_000) + 0.02  # linear is 4


def test_a_redacted_record_is_decided_alike(tmp_path: Path) -> None:
    """The place holder is a plain word, so what a command does stays what it was."""
    policy, log = logged(tmp_path / "log", flush=False)
    for _, script, _ in CASES:
        policy.decide(action="run", resource=script, agent="a", lexical=True)
    log.close()
    plain = Policy(policy.engine)
    for record in lines(tmp_path / "log"):
        if record["kind"] == "decision":
            again = plain.decide_request(request_of(record["request"]))
            assert again.effect == record["effect"], record["request"]["resource"]


def test_what_the_disk_said_is_enough_to_decide_again(tmp_path: Path) -> None:
    work = tmp_path / "w"
    (work / "src" / "deep").mkdir(parents=True)
    (work / "src" / "a").write_text("x")
    (work / "out").symlink_to("/etc")
    (work / "src" / "link").symlink_to("../secret")
    (work / "secret").write_text("x")
    policy, log = logged(tmp_path / "log", flush=False)
    asked = [
        request("src/a"), request("out/passwd"), request("src/link"), request("src/none"), request("cat out/passwd", "run"),
        request("grep -r x src", "run"), request("rm -rf src", "run"), request("cp -r src src2", "run"), request("git status", "run"),
    ]  # fmt: skip
    for one in asked:
        policy.decide_request(replace(one, workspace=str(work), cwd=str(work)))
    log.close()
    found = [r for r in lines(tmp_path / "log") if r["kind"] == "decision"]
    assert "links" in found[1]["disk"] and "below" in found[5]["disk"]
    import shutil

    shutil.rmtree(work)
    plain = Policy(policy.engine)
    changed = 0
    for record in found:
        again = request_of(record["request"])
        without = plain.decide_request(again)
        again = replace(again, disk=Recorded(record.get("disk", {})))
        decision = plain.decide_request(again)
        assert (decision.effect, list(decision.reasons)) == (record["effect"], record["reasons"]), record["request"]
        changed += without.effect != decision.effect
    assert changed


def test_requests_are_read_back_as_they_were() -> None:
    told: dict[str, Any] = {
        "git": {"remotes": {"origin": "x"}, "push_default": "simple"}, "context": {"env": "dev", "n": 3, "b": True},
        "origin": {"task": "T"}, "resolved": ("10.0.0.1",), "branch": "x", "shell": "bash", "lexical": True,
    }  # fmt: skip
    one = request("git push", "run", cwd="/w", workspace="/w", home="/h", **told)
    assert request_of(request_json(one)) == one
    assert request_of(request_json(request("src/**", pattern=True))).pattern
