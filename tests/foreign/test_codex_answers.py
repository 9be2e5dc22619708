"""The models of Codex answer as it does: over its own tests' facts, and as the program does, where it is installed."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.foreign.codex_config import CodexSettings
from policy_lang.foreign.codex_hosts import HostList, is_local, is_pattern, means, normal
from policy_lang.foreign.codex_model import CodexModel
from policy_lang.foreign.codex_rules import RuleSet, rules_of
from policy_lang.foreign.codex_shell import commands_of, heredoc_command, is_dangerous, is_reading, plain_commands

ANSWERS = Path(__file__).parent / "codex" / "answers.jsonl"
CODEX = os.environ.get("POLICY_CODEX") or shutil.which("codex")
"""The program; `POLICY_CODEX` names another than that of `PATH`."""
_CHANGED = {
    ("split", "python3 <<'PY' > /tmp/out.txt\nprint('well')\nPY"): "a file is redirected, which newer versions refuse"
}


def _answers(*checks: str) -> list[Any]:
    found = [json.loads(line) for line in ANSWERS.read_text().splitlines()]
    return [pytest.param(one, id=f"{one['check']}-{i}") for i, one in enumerate(found) if one["check"] in checks]


def _rules(text: str) -> RuleSet:
    return rules_of([Source("default.rules", text)])


@pytest.mark.parametrize("line", _answers("execpolicy"))
def test_rules_match_as_its_own(line: dict[str, Any]) -> None:
    rules = _rules(line["rules"])
    assert rules.faults == ()
    assert rules.decision(line["asked"], resolve=line.get("resolve", False)) == line["answer"]


@pytest.mark.parametrize("line", _answers("load_error"))
def test_what_it_refuses_is_refused(line: dict[str, Any]) -> None:
    if isinstance(line["rules"], dict):
        assert [is_pattern(one, allowed=False) for one in line["rules"]["deny"]] == [False]
        return
    assert _rules(line["rules"]).faults != ()
    assert _rules(line["rules"]).counted == ()


@pytest.mark.parametrize("line", _answers("split"))
def test_scripts_are_taken_apart_as_it_does(line: dict[str, Any]) -> None:
    reads = heredoc_command if line.get("rules") == "heredoc_single_prefix" else plain_commands
    found = reads(line["asked"])
    if ("split", line["asked"]) in _CHANGED:
        assert found is None
        return
    assert json.loads(json.dumps(found)) == line["answer"]


@pytest.mark.parametrize("line", _answers("known_safe"))
def test_what_only_reads(line: dict[str, Any]) -> None:
    found = all(is_reading(words, git=True) for words in commands_of(line["asked"]))
    assert found == (line["answer"] == "safe")


@pytest.mark.parametrize("line", _answers("dangerous"))
def test_what_is_dangerous(line: dict[str, Any]) -> None:
    assert is_dangerous(line["asked"]) == (line["answer"] == "dangerous")


@pytest.mark.parametrize("line", _answers("approval"))
def test_what_is_asked_about(line: dict[str, Any]) -> None:
    model = CodexModel(CodexSettings(_rules(line.get("rules", "")), line["approval"], mode=line["sandbox"]))
    effect, outside = model.command(line["asked"])
    answer = line["answer"]
    if "git" in line["asked"][0]:  # known as only reading in older versions, and no more
        assert not is_reading(line["asked"]) and is_reading(line["asked"], git=True)
        return
    assert effect == {"skip": "allow", "needs_approval": "ask", "forbidden": "deny"}[answer["outcome"]]
    if "bypass_sandbox" in answer:
        assert outside == answer["bypass_sandbox"]


@pytest.mark.parametrize("line", _answers("host_match", "host_block", "normalize", "loopback", "non_public_ip"))
def test_hosts_are_compared_as_its_proxy_does(line: dict[str, Any]) -> None:
    check, asked, answer, rules = line["check"], line["asked"], line["answer"], line.get("rules", {})
    if check == "host_match":
        patterns = [*rules.get("deny", []), *rules.get("allow", [])]
        assert any(means(one, normal(asked)) for one in patterns) == (answer == "match")
    elif check == "host_block":
        listed = HostList(tuple(rules["allow"]), tuple(rules["deny"]), rules["allow_local_binding"])
        assert listed.permits(asked) == (answer == "allowed")
    elif check == "normalize":
        assert normal(asked) == answer
    else:
        assert is_local(normal(asked)) == (answer in {"loopback", "non_public"})


# beside the program

_WORDS = (
    "hg",
    "git",
    "push",
    "status",
    "--force",
    "-f",
    "a b",
    "",
    "x*",
    "./hg",
    "/usr/bin/hg",
    "/opt/x/git",
    "it's",
    "é",
)
_LINES = (
    "names = ['hg', 'git']\n", "def rule(word):\n    return word\n", "# a comment\n", "pass\n", "if True:\n    shown = 1\n",
    "host_executable(name='hg', paths=['/usr/bin/hg'])\n", "host_executable(name='git', paths=[])\n",
    "host_executable(name='hg', paths=['hg'])\n", "network_rule(host='a.example', protocol='https', decision='deny')\n",
    "network_rule(host='*.a.example', protocol='https', decision='deny')\n", "while True:\n    pass\n", "x = 'a' 'b'\n",
    "prefix_rule(pattern=[names, 'push'])\n", "prefix_rule(pattern=['hg'] + ['push'], decision='prompt')\n",
    "prefix_rule(pattern=('hg',))\n", "prefix_rule(['hg'], 'maybe')\n", "prefix_rule(['hg'], words=1)\n",
    "prefix_rule(\n\tpattern=['hg'])\n", "prefix_rule(pattern=[])\n", "prefix_rule(pattern=['hg'], justification=' ')\n",
)  # fmt: skip


def _checked(rules: str, argv: list[str], folder: Path) -> tuple[bool, str | None]:
    """Whether the program loads the rules, and its decision."""
    path = folder / "default.rules"
    path.write_text(rules)
    command = [str(CODEX), "execpolicy", "check", "--resolve-host-executables", "--rules", str(path), "--", *argv]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=30, env={**os.environ, "CODEX_HOME": str(folder)}
    )
    found = json.loads(done.stdout) if done.returncode == 0 else {}
    return done.returncode == 0, found.get("decision")


def _made(rules: str, argv: list[str]) -> tuple[bool, str | None]:
    try:
        found = _rules(rules)
    except PolicyError:
        return False, None
    return (False, None) if found.faults else (True, found.decision(argv))


def _random_rule(rng: random.Random) -> str:
    pattern = [
        rng.sample(_WORDS, rng.randint(1, 3)) if rng.random() < 0.3 else rng.choice(_WORDS)
        for _ in range(rng.randint(1, 3))
    ]
    more = rng.choice(["", ", decision='allow'", ", decision='prompt'", ", decision='forbidden'"])
    if rng.random() < 0.3:
        more += f", {rng.choice(['match', 'not_match'])}={[' '.join(['hg', rng.choice(_WORDS[2:6]), 'x'])]!r}"
    return f"prefix_rule(pattern={pattern!r}{more})\n"


@pytest.mark.skipif(CODEX is None, reason="`codex` (npm's @openai/codex) is not installed")
def test_the_program_decides_the_same(tmp_path: Path) -> None:
    count = int(os.environ.get("POLICY_CODEX_CASES", "120"))
    rng = random.Random(20270)
    wrong = []
    for _ in range(count):
        lines = [rng.choice(_LINES) if rng.random() < 0.15 else _random_rule(rng) for _ in range(rng.randint(1, 4))]
        argv = [rng.choice(_WORDS[:2] + _WORDS[9:12]), *(rng.choice(_WORDS) for _ in range(rng.randint(0, 3)))]
        rules = "".join(lines)
        theirs, ours = _checked(rules, argv, tmp_path), _made(rules, argv)
        if theirs != ours:
            wrong.append((rules, argv, theirs, ours))
    assert wrong == []


@pytest.mark.skipif(CODEX is None, reason="`codex` (npm's @openai/codex) is not installed")
@pytest.mark.parametrize("line", _answers("execpolicy"))
def test_the_program_agrees_with_what_is_written(line: dict[str, Any], tmp_path: Path) -> None:
    if line.get("resolve"):
        assert _checked(line["rules"], line["asked"], tmp_path) == (True, line["answer"])
