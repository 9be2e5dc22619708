"""Agents are kept from what decides: this program, its interpreter, its configuration and what its service keeps."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

import policy_lang
from policy_lang import Policy, Request
from policy_lang.daemon.policy_source import FileSource
from policy_lang.engine import protected_files
from policy_lang.engine.protected_files import installation_rules
from policy_lang.pep import installation
from policy_lang.pep.installation import (
    BAD,
    GOOD,
    WARN,
    examine_places,
    examine_policy,
    examine_program,
    program_places,
)

from ..console.support import policy

WIDE = 'policy "p"\nallow read, write, delete "/**", "./", "~/**"\nallow run "{cp,mv,rm,ln,tee,pip} **"\n'
PACKAGE = os.path.dirname(os.path.abspath(policy_lang.__file__))


def effect(path: str, action: str = "write", text: str = WIDE, **more: str) -> str:
    where = {"workspace": "/w", "home": "/home/ann", **more}
    return Policy.loads(text).decide(action=action, resource=path, **where).effect  # type: ignore[arg-type]


def test_where_the_program_really_is_nobody_writes() -> None:
    places = [
        f"{PACKAGE}/pep/hook.py",
        f"{PACKAGE}/new/file.py",
        f"{os.path.dirname(os.__file__)}/json/__init__.py",
        os.path.realpath(sys.executable),
    ]
    places += [
        f"{os.path.dirname(PACKAGE)}/{name}"
        for name in ("x.pth", "sitecustomize.py", "usercustomize/__init__.py", "policy_lang-9.dist-info/x")
    ]
    if sys.prefix != sys.base_prefix:
        places += [
            f"{sys.prefix}/{name}"
            for name in ("pyvenv.cfg", "bin/policy", "bin/python", "lib/python3/site-packages/click/core.py")
        ]
    for place in places:
        assert effect(place) == effect(place, "delete") == "deny", place
        workspace = os.path.dirname(PACKAGE)
        if place.startswith(workspace):  # the environment of the project that the agent works in
            assert effect(place[len(workspace) + 1 :], workspace=workspace) == "deny", place
    for script in (
        f"cp x {PACKAGE}/policy.py",
        f"rm -r {PACKAGE}",
        f"mv {PACKAGE}/pep x",
        f"ln -sf x {PACKAGE}/policy.py",
        f"echo x | tee {PACKAGE}/a.py",
    ):
        assert effect(script, "run") == "deny", script


@pytest.mark.parametrize(
    "place",
    [
        "~/.config/policy_lang/serve.toml", "~/.config/policy_lang/allowed_signers", "/root/.local/share/policy_lang/a", "~/.cache/policy_lang/x", "~/.local/state/policy_lang/log/head",
        "/srv/x/serve.toml", "deploy/allowed-signers", "/srv/state/approvals.db", "/srv/state/approvals.db.mark", "/etc/policy_lang/serve.toml", "~/.local/bin/policy",
        "/opt/v/lib/python3.13/site-packages/policy_lang/pep/hook.py", ".venv/lib/python3.12/site-packages/policy_lang-1.2.dist-info/RECORD", "/usr/lib/python3/dist-packages/policy_lang/x.py",
        "~/.local/share/pipx/venvs/policy-lang/bin/python", "~/.local/share/uv/tools/policy-lang/lib/x", "~/.local/lib/python3.11/site-packages/evil.pth",
        "~/.local/lib/python3.11/site-packages/usercustomize.py",
    ],
)  # fmt: skip
def test_where_it_usually_is_nobody_writes_either(place: str) -> None:
    assert effect(place) == effect(place, "delete") == "deny"
    assert (
        effect(
            place,
            text=WIDE.replace("./", place if place[0] not in "/~" else "./")
            + f'allow write "{place}" override protected\n',
        )
        == "allow"
    )


def test_environments_that_hold_something_else_are_the_projects_own() -> None:
    for place in (
        ".venv/lib/python3.12/site-packages/requests/api.py", ".venv/lib/python3.12/site-packages/a.pth", ".venv/bin/pytest", "sitecustomize.py", "~/.local/bin/mytool",
        "~/.config/other/serve.yaml", "~/.local/share/pipx/venvs/ruff/bin/ruff", "src/policy_lang/a.py", "approvals.json", "~/.local/lib/python3.11/site-packages/requests/api.py",
    ):  # fmt: skip
        assert effect(place) == "allow", place
    assert effect("pip install requests", "run") == effect("pip install requests", "run", WIDE)


def test_an_environment_is_protected_as_a_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(protected_files.sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(protected_files.sys, "base_prefix", "/usr")
    assert effect(f"{tmp_path}/venv/lib/x.pth") == effect(f"{tmp_path}/venv") == "deny"
    assert effect(f"{tmp_path}/other/lib/x.pth") == "allow"
    (tmp_path / "link").symlink_to("venv")
    monkeypatch.setattr(protected_files.sys, "prefix", str(tmp_path / "link"))
    (tmp_path / "venv").mkdir()
    assert effect(f"{tmp_path}/venv/x") == effect(f"{tmp_path}/link/x") == "deny"
    assert [rule.id for rule in installation_rules()] == ["floor#installation"]


def test_what_a_service_keeps_elsewhere_is_protected(tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(WIDE)
    kept = (str(tmp_path / "state"), str(tmp_path / "my.toml"))
    contents = asyncio.run(FileSource(str(tmp_path / "p.policy"), kept).load())
    made = Policy.of_compiled(contents)
    for name, wanted in (
        ("state", "deny"), ("state/approvals.db", "deny"), ("my.toml", "deny"), ("other", "allow"),
        ("state/workspace/src/a", "allow"),
    ):  # fmt: skip
        decision = made.decide_request(Request("write", f"{tmp_path}/{name}", workspace="/w", home="/h"))
        assert decision.effect == wanted, name
    assert "floor#kept" in str(made.decide_request(Request("write", kept[1], workspace="/w", home="/h")).reasons)


def test_doctor_finds_what_somebody_else_could_replace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "world").mkdir()
    (tmp_path / "world").chmod(0o777)
    (tmp_path / "world" / "p.policy").write_text(WIDE)
    found = examine_places([str(tmp_path / "world/p.policy")])
    assert (
        [f.state for f in found] == [BAD]
        and "everyone can write it" in found[0].text
        and "chmod go-w" in found[0].remediation
    )
    assert not examine_places([str(tmp_path)])
    monkeypatch.setattr(installation, "program_places", lambda: [str(tmp_path / "world")])
    assert [f.state for f in examine_program("/w")] == [BAD]
    monkeypatch.setattr(installation, "program_places", lambda: [str(tmp_path)])
    states = [f.state for f in examine_program(os.path.dirname(str(tmp_path)))]
    assert states[0] == WARN and states[-1] == GOOD


def test_doctor_tells_what_the_policy_leaves_open(tmp_path: Path) -> None:
    made = Policy.loads(WIDE)
    said = examine_policy("/p/agent.policy", made.engine, None, "/w", [])
    assert [f.state for f in said] == [BAD] and "lets the agent write `/p/agent.policy`" in said[0].text
    file = tmp_path / "agent.policy"
    file.write_text(WIDE)
    assert [f.state for f in examine_policy(str(file), Policy.load(str(file)).engine, None, "/w", [])] == [GOOD]
    file.write_text(WIDE + f'allow write "{PACKAGE}/**" override protected\n')
    said = examine_policy(str(file), Policy.load(str(file)).engine, None, "/w", [])
    assert said[0].state == BAD and PACKAGE in said[0].text
    assert len(program_places()) >= 5


def test_doctor_installation(tmp_path: Path) -> None:
    (tmp_path / "agent.policy").write_text(WIDE)
    done = policy("doctor", "installation", cwd=tmp_path)
    assert done.code == 0 and "keeps the agent from writing" in done.out, done
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    done = policy("doctor", "installation", "--place", tmp_path / "open", cwd=tmp_path)
    assert done.code == 1 and "everyone can write it" in done.out and "lets the agent write" in done.out
    assert policy("compile", "agent.policy", cwd=tmp_path).code == 0
    (tmp_path / "agent.policy").unlink()
    done = policy("doctor", "installation", "--policy", "agent.plc", cwd=tmp_path)
    assert done.code == 0 and "is gone" in done.out and "--no-sources`" in done.out
    assert policy("doctor", "claude", "--place", "x", cwd=tmp_path).code == 2
