"""`profile "SERVER.tools.json"`: rules about a server's tools are held against what it offers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy, PolicyError

TOOLS = [
    {
        "name": "create_issue",
        "inputSchema": {
            "type": "object",
            "properties": {
                "repo": {"type": "string"},
                "draft": {"type": "boolean"},
                "count": {"type": "integer"},
                "labels": {"type": "array", "items": {"type": "string"}},
                "any": {},
                "either": {"type": ["string", "null"]},
                "issue": {"type": "object", "properties": {"title": {"type": "string"}}},
                "free": {"type": "object"},
                "files": {"type": "array", "items": {"type": "object", "properties": {"path": {"type": "string"}}}},
            },
        },
    },
    {"name": "get_issue", "inputSchema": {"type": "object", "properties": {"number": {"type": "number"}}}},
    {"name": "admin.reset", "inputSchema": {"type": "object", "properties": {}}},
]


def codes(folder: Path, rule: str, answer: Any = None, name: str = "github") -> list[str]:
    (folder / f"{name}.tools.json").write_text(json.dumps({"tools": TOOLS} if answer is None else answer))
    (folder / "p.policy").write_text(f'policy "p"\nprofile "{name}.tools.json"\nallow read "x"\n{rule}\n')
    try:
        Policy.load(folder / "p.policy")
    except PolicyError as error:
        return [d.code for d in error.diagnostics]
    return []


@pytest.mark.parametrize(
    "rule",
    [
        'allow call "github.create_issue" when arg.repo == "a" and arg.draft and arg.count < 3',
        'allow call "github.create_issue" when arg.labels in ["bug"] and arg.any == 3 and arg.either in "x*"',
        'allow call "github.create_issue" when arg.issue.title == "x" and arg.files.path in "src/**"',
        'allow call "github.create_issue" when arg.free.whatever == "x" and arg.repo == repo',
        'allow call "github.*" when arg.number > 1',
        'deny call "github.admin.reset"',
        'deny call "**" when arg.nothing == "x"',
        'deny call "github.*", "other.x" when arg.nothing == "x"',
        'allow call "other.create" when arg.nothing == "x"',
    ],
)
def test_what_is_there_is_fine(tmp_path: Path, rule: str) -> None:
    assert codes(tmp_path, rule) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ('allow call "github.create_isue"', "PLE514"),
        ('deny call "github.delete_*"', "PLE514"),
        ('allow call "github.create_issue" when arg.repos == "a"', "PLE514"),
        ('allow call "github.get_issue" when arg.repo == "a"', "PLE514"),
        ('allow call "github.create_issue" when arg.issue.body == "a"', "PLE514"),
        ('when arg.repo == "a" { allow call "github.get_issue" }', "PLE514"),
        ('allow call "github.create_issue" when given arg.title', "PLE514"),
        ('allow call "github.create_issue" when arg.count == "3"', "PLE515"),
        ('allow call "github.create_issue" when arg.repo > 3', "PLE515"),
        ('allow call "github.create_issue" when arg.repo', "PLE515"),
        ('allow call "github.create_issue" when arg.draft == "true"', "PLE515"),
        ('allow call "github.create_issue" when arg.labels == 1', "PLE515"),
    ],
)
def test_what_is_not_there_is_an_error(tmp_path: Path, rule: str, code: str) -> None:
    assert codes(tmp_path, rule) == [code]


def test_the_whole_answer_of_a_server_will_do(tmp_path: Path) -> None:
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"tools": TOOLS}}
    assert codes(tmp_path, 'allow call "github.get_issue"', answer) == []
    assert codes(tmp_path, 'allow call "github.x"', answer) == ["PLE514"]


@pytest.mark.parametrize("answer", [[], {}, {"tools": 1}, {"tools": [{"title": "x"}]}])
def test_what_is_no_answer_is_an_error(tmp_path: Path, answer: Any) -> None:
    assert codes(tmp_path, 'allow call "github.get_issue"', answer) == ["PLE513"]
    assert codes(tmp_path, 'allow call "github.get_issue"', None, "a.b") == ["PLE513"]


def test_it_decides_nothing(tmp_path: Path) -> None:
    assert codes(tmp_path, 'allow call "github.get_issue" when arg.number > 1') == []
    with_tools = Policy.load(tmp_path / "p.policy")
    text = (tmp_path / "p.policy").read_text().replace('profile "github.tools.json"\n', "")
    (tmp_path / "q.policy").write_text(text)
    assert Policy.load(tmp_path / "q.policy").digest == with_tools.digest


def test_a_mistake_names_what_is_near(tmp_path: Path) -> None:
    codes(tmp_path, 'allow call "github.create_isue"')
    with pytest.raises(PolicyError) as error:
        Policy.load(tmp_path / "p.policy")
    (found,) = error.value.diagnostics
    assert "github.create_issue" in found.help
    assert found.span is not None
    assert found.span.line == 4
