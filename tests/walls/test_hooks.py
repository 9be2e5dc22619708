"""Hooks that are installed outside: what of their settings is there inside, and who may change it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from policy_lang.domain.limits import limit
from policy_lang.pep.clients import NAMES, client
from policy_lang.pep.hook_places import launcher_place
from policy_lang.pep.install import hook_command, settings_with, target
from policy_lang.pep.launcher import launcher_text
from policy_lang.walls.hooks import installed_hooks
from policy_lang.walls.plan import Mount, Plan
from policy_lang.walls.protected import managed_places

from .running import POLICY, WALLS, place, run

_ = place
SECRET = '{"env": {"TOKEN": "s3cr3t"}, "permissions": {"allow": ["Bash(id)"]}}'


def installed(name: str, home: Path, before: str = "", command: str = "") -> Path:
    """A client's settings in a home, with our hook."""
    one = client(name)
    settings = Path(target(one, "user", str(home / "w"), str(home)).path)
    settings.parent.mkdir(parents=True, exist_ok=True)
    words = command or hook_command(one, ["--policy", "/nowhere.plc"])
    settings.write_text(settings_with(one, before, words, managed=False))
    return settings


@WALLS
@pytest.mark.parametrize("name", ["claude", "gemini", "cursor"])
def test_the_hook_alone_is_there_in_a_private_home(place: Path, name: str) -> None:
    settings = installed(name, place, SECRET)
    done = run(place, "cat", str(settings))
    assert "s3cr3t" not in done.stdout
    shown = json.loads(done.stdout)
    assert "policy_lang/pep/hook.py" in json.dumps(shown["hooks"])
    assert set(shown) <= {"hooks", "version", "disableSkillShellExecution"}


@WALLS
def test_what_the_policy_lets_be_read_is_there_as_a_whole(place: Path) -> None:
    settings = installed("claude", place, SECRET)
    done = run(place, "cat", str(settings), policy=POLICY + 'allow read "~/.claude/settings.json"\n')
    assert done.stdout == settings.read_text()


@WALLS
def test_nobody_changes_it(place: Path) -> None:
    settings = installed("claude", place)
    before = settings.read_text()
    script = (
        "echo x > ~/.claude/settings.json; rm -f ~/.claude/settings.json; mv ~/.claude ~/other; mv ~/.claude/settings.json ~/s;"
        "echo y > ~/.claude/new && grep -c pep/hook.py ~/.claude/settings.json"
    )
    rules = POLICY + 'allow write, delete "~/**" override protected\n'
    for policy in (POLICY, rules, rules + 'allow read "~/**"\n'):
        assert run(place, "sh", "-c", script, policy=policy).stdout == "1\n"
        assert settings.read_text() == before


@WALLS
def test_without_a_hook_the_settings_are_not_there(place: Path) -> None:
    (place / ".claude").mkdir()
    (place / ".claude/settings.json").write_text(SECRET)
    assert run(place, "ls", "-A", str(place)).stdout == "w\n"


@WALLS
def test_the_plan_says_it(place: Path) -> None:
    settings = installed("claude", place, SECRET)
    gone = installed(
        "gemini", place, command="/nowhere/python3 -I -S /nowhere/policy_lang/pep/hook.py gemini || exit 2"
    )
    (place / "w/.claude").mkdir()
    (place / "w/.claude/settings.json").write_text(settings.read_text())
    rules = 'policy "p" allow read "**" deny read ".claude/"\n'
    hooks = json.loads(run(place, policy=rules, options=("--plan", "--format", "json")).stdout)["hooks"]
    assert {h["settings"]: (h["shown"], h.get("missing")) for h in hooks} == {
        str(settings): ("hook", None),
        str(place / "w/.claude/settings.json"): ("nothing", None),
        str(gone): ("hook", "/nowhere/python3"),
    }
    shown = " ".join(run(place, policy=rules, options=("--plan",)).stdout.split())
    assert f"{settings} (Claude Code): the hook alone is there inside" in shown
    assert "since `/nowhere/python3` is not there inside" in shown
    assert "the client starts without this hook" in shown


def test_long_settings_are_not_looked_at(tmp_path: Path) -> None:
    """`walls_settings_bytes` is 1 MiB."""
    settings = installed("claude", tmp_path)
    text = settings.read_text()
    plan = Plan(str(tmp_path / "w"), str(tmp_path), (Mount("private", str(tmp_path)),))
    settings.write_text(text + " " * (limit("walls_settings_bytes") - len(text)))
    assert [h.path for h in installed_hooks(plan, private=True)] == [str(settings)]
    settings.write_text(text + " " * (limit("walls_settings_bytes") - len(text) + 1))
    assert installed_hooks(plan, private=True) == ()


def test_settings_that_are_no_file_are_none(tmp_path: Path) -> None:
    settings = installed("claude", tmp_path)
    settings.unlink()
    plan = Plan(str(tmp_path / "w"), str(tmp_path), (Mount("private", str(tmp_path)),))
    os.mkfifo(settings)
    for mode in (os.O_RDONLY | os.O_NONBLOCK, os.O_RDWR):  # somebody may yet write: that is not waited for
        held = os.open(settings, mode)
        assert installed_hooks(plan, private=True) == ()
        os.close(held)
    settings.unlink()
    settings.mkdir()
    assert installed_hooks(plan, private=True) == ()


def test_without_a_home_of_its_own_only_what_is_granted_is_there(tmp_path: Path) -> None:
    settings = installed("claude", tmp_path)
    plan = Plan(str(tmp_path / "w"), str(tmp_path), (Mount("private", str(tmp_path)),))
    (hook,) = installed_hooks(plan, private=False)
    assert (hook.path, hook.whole, hook.text) == (str(settings), False, "")


def test_managed_settings_are_there() -> None:
    """Without them a client would run by laxer settings than outside."""
    for name in NAMES:
        managed = client(name).settings.paths.get("managed")
        assert managed is None or any(managed.startswith(f"{path}/") for path in managed_places()), managed


@WALLS
@pytest.mark.parametrize("rules", ["", 'allow read "~/**"\n', 'allow write, delete "~/**" override protected\n'])
def test_the_launcher_is_there_and_starts_the_hook(place: Path, rules: str) -> None:
    launcher = Path(launcher_place(False, str(place)))
    launcher.parent.mkdir(parents=True)
    launcher.write_text(launcher_text())
    launcher.chmod(0o755)
    one = client("claude")
    installed("claude", place, command=hook_command(one, ["--policy", "/nowhere.plc"], str(launcher)))
    call = {"tool_name": "Read", "tool_input": {"file_path": str(place / "w/a")}, "cwd": str(place / "w")}
    words = f"CLAUDE_PROJECT_DIR={place}/w exec {launcher} claude --policy /nowhere.plc"
    # no rule lets the launcher be run: it is the hook's own start
    policy = 'policy "p"\nallow read "./"\nallow run "sh -c **"\n' + rules
    done = run(place, "sh", "-c", words, policy=policy, input=json.dumps(call))
    assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "allow", done
    spoilt = f"echo exit 0 > {launcher}; rm -f {launcher}; mv {launcher.parent} {launcher.parent}2; cat {launcher}"
    done = run(place, "sh", "-c", spoilt, policy=policy + 'allow run "**"\n')
    assert done.stdout == launcher_text()


@WALLS
def test_nobody_inside_makes_a_launcher(place: Path) -> None:
    launcher = Path(launcher_place(False, str(place)))
    script = f"mkdir -p {launcher.parent}; echo 'echo ran' > {launcher}; chmod +x {launcher}; {launcher}"
    assert run(place, "sh", "-c", script, policy=POLICY).stdout == ""
