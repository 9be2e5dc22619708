"""A client that one part knows is known to all of them, by its one record."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from policy_lang.cli.doctor import command as doctor
from policy_lang.cli.hook import command as hook_command
from policy_lang.pep import mcp
from policy_lang.pep.clients import NAMES, UnknownClientError
from policy_lang.pep.clients import client as client_of
from policy_lang.pep.hook import DENIALS, plain_denial
from policy_lang.pep.questions import denied
from policy_lang.policy import Policy
from tests.console.support import ROOT

HERE = Path(__file__).parent
HOW_TO = ROOT / "docs/how-to/enforce-with-hooks.md"


def choices(command: click.Command) -> set[str]:
    found = [p.type for p in command.params if p.name == "client"]
    assert len(found) == 1
    assert isinstance(found[0], click.Choice)
    return set(found[0].choices)


def test_every_part_knows_the_same_clients() -> None:
    known = set(NAMES)
    folder = ROOT / "policy_lang/pep/clients"
    assert {p.stem for p in folder.glob("*.py")} - {"__init__", "base"} == known
    assert set(DENIALS) == known
    assert isinstance(hook_command, click.Group)
    assert set(hook_command.commands) - {"install", "uninstall", "status", "upgrade", "git-receive"} == known
    assert choices(hook_command.commands["install"]) == known
    assert choices(hook_command.commands["uninstall"]) == known
    assert choices(doctor) == known | {"walls", "installation"}
    (schema,) = [t["inputSchema"] for t in mcp._TOOLS if t["name"] == "hook"]
    assert set(schema["properties"]["client"]["enum"]) == known  # type: ignore[index]
    assert {p.stem for p in (HERE / "payloads").glob("*.jsonl")} == known
    with pytest.raises(UnknownClientError, match=r"^unknown client `nobody`; known are claude, "):
        client_of("nobody")


def test_only_its_record_speaks_of_a_client() -> None:
    literal = re.compile(rf"""["']({"|".join(NAMES)})["']""")
    for path in (ROOT / "policy_lang").rglob("*.py"):
        where = path.relative_to(ROOT / "policy_lang").as_posix()
        if not where.startswith(("pep/clients/", "exports/", "integrations/", "foreign/")) and where != "pep/hook.py":
            assert not literal.search(path.read_text()), where
    assert len(literal.findall((ROOT / "policy_lang/pep/hook.py").read_text())) == len(NAMES)  # the denials


@pytest.mark.parametrize("name", NAMES)
def test_the_denial_that_stands_alone_is_the_clients_own(name: str) -> None:
    spec = client_of(name)
    event = str(spec.common.get("hook_event_name", spec.events[0]))
    assert json.loads(plain_denial(name, "because")) == spec.answer(denied("because"), event, "because")
    assert json.loads(plain_denial(name, 'a "b" \\ \n \u2028')) == spec.answer(denied(""), event, "a ?b? ? ? ?")


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_whole(name: str) -> None:
    spec = client_of(name)
    assert spec.name == name
    assert spec.common.get("hook_event_name", spec.events[0]) in spec.events
    assert set(spec.settings.paths) <= {"user", "project", "managed"}
    assert [spec.workspace_variable != "", spec.workspace_field != "", spec.workspace_folder].count(True) <= 1
    assert spec.bypasses
    assert all(way and closed for way, closed in spec.bypasses)
    assert "|| exit 2" in json.dumps(spec.settings.entry("x || exit 2", 10))
    if spec.tried:
        assert (HERE / "recorded" / f"{name}.jsonl").read_text().strip()
        assert (
            spec.tried in Path(f"{ROOT}/policy_lang/pep/clients/{name}.py").read_text().partition("from __future__")[0]
        )


@pytest.mark.parametrize("name", NAMES)
def test_its_line_in_the_documentation_is_true(name: str) -> None:
    spec = client_of(name)
    (line,) = re.findall(rf"(?m)^\| {re.escape(spec.title)} \|.*$", HOW_TO.read_text())
    _, _, events, told, managed, _, _ = line.split("|")
    assert set(re.findall("`(.+?)`", events)) == set(spec.events)
    for word in (spec.workspace_variable, spec.workspace_field, "working folder" if spec.workspace_folder else ""):
        assert word in told
    assert spec.tells_workspace or "only `--workspace`" in told
    path = spec.settings.paths.get("managed", "")
    assert (managed.strip(" `") in path) if path else managed.strip() == "none"


def test_no_policy_lets_an_agent_write_what_its_client_is_held_by() -> None:
    """The protected floor denies it, whatever a policy grants."""
    policy = Policy.loads('policy "p"\nallow read, write, delete "/", "~/", "./"\n')
    more = [
        "~/.config/opencode/plugin/other.js", "~/.config/opencode/opencode.json", ".opencode/plugins/x.ts", "sub/.opencode/tool/x.ts",
        "opencode.jsonc", "~/.cache/opencode/node_modules/x/index.js", "~/.local/share/opencode/bin/rg", "/etc/opencode/opencode.json",
        "~/.config/goose/config.yaml", ".config/goose/settings.json", ".agents/plugins/x/hooks/hooks.json", ".agents/hooks.json",
    ]  # fmt: skip
    settings = [p.format(home="~", workspace=".") for name in NAMES for p in client_of(name).settings.paths.values()]
    for path in (*settings, *more):
        for action in ("write", "delete"):
            place = path.replace("~", "/home/agent").removeprefix("./")
            found = policy.decide(action=action, resource=place, workspace="/w", cwd="/w", home="/home/agent")
            assert found.effect == "deny", (action, path)
    assert policy.decide(action="write", resource="src/opencode/x.ts", workspace="/w", cwd="/w").effect == "allow"


@pytest.mark.parametrize("name", [n for n in NAMES if client_of(n).tried])
def test_the_table_of_what_was_tried_is_of_that_version(name: str) -> None:
    """A run of `python -m tests.agents` wrote it: the client was held, and nothing of what it offers was unknown."""
    spec = client_of(name)
    (row,) = re.findall(rf"(?m)^\| {re.escape(spec.title)} \|.*$", (ROOT / "docs/reference/clients.md").read_text())
    _, _, version, day, held, _, unknown, _ = (cell.strip() for cell in row.split("|"))
    assert (version, held, unknown) == (spec.tried, "yes", "nothing")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
