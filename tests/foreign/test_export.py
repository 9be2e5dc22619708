"""`policy export CLIENT`: nothing is granted that the policy does not allow, what is there stays, and drift is seen."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path
from typing import cast

import pytest

from policy_lang import Policy
from policy_lang.domain.errors import PolicyError, Source
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.foreign.codex_model import CodexModel
from policy_lang.foreign.compare import decided
from policy_lang.foreign.formats import WRITTEN, format_named
from policy_lang.foreign.permissions import HOME, WORKSPACE, ClientRequest
from policy_lang.foreign.writing import CODES, ClientExport, exported_permissions
from policy_lang.walls.losses import NOT_HELD
from tests.console.support import policy

POLICIES = {
    "small": """
allow read "./" except "**/.env"
allow write "src/**" except "src/gen/**"
allow run "git {status,fetch} **", "npm test", "make {build,check}"
allow connect "docs.example.com", "*.example.org:*"
allow call "tracker.{get,list}_*"
deny call "tracker.get_secret"
""",
    "restricted": """
import std.baseline
allow read "./"
allow write "./"
allow run "**"
deny run "git push **" with "--force"
ask review write "package.json"
tier review { approvers "@team" }
""",
    "conditions": """
context { env: "dev" | "prod" }
agent "codex*" { allow write "docs/**" }
allow write "src/**" when env == "dev"
allow write "tests/**" until 2020-01-01
when confined { allow run "make **" }
allow read "src/**", "~/notes/", "/usr/share/**"
""",
    "nothing": 'deny read "**/*.pem"\n',
    "words": """
allow run "cargo build **" without "--release"
allow run "npm run {lint,test} **", "python3 -c *", "git commit -m *", "echo **"
allow read "./"
""",
}


def exported(text: str, client: str) -> tuple[ClientExport, Policy]:
    kind, loaded = format_named(client), Policy.loads(f'policy "p"\n{text}', "p.policy")
    like = Request("read", ".", workspace=WORKSPACE, home=HOME, tmp="/tmp", cwd=WORKSPACE)
    return exported_permissions(kind, kind.writer(), loaded, like, kind.place), loaded


@pytest.mark.parametrize("client", WRITTEN)
@pytest.mark.parametrize("name", POLICIES)
def test_what_the_client_then_allows_the_policy_allows(name: str, client: str) -> None:
    export, loaded = exported(POLICIES[name], client)
    kind = format_named(client)
    found = kind.read([Source(kind.place, export.text)])
    own = [entry for entry in found.entries if entry.span is None]
    given = [entry for entry in found.entries if entry.span is not None]
    by_itself = kind.read([Source(kind.place, kind.writer().text((), ""))]).model
    asked = {one for entry in given for one in entry.tries}
    assert asked or name == "nothing" or not export.entries
    assert export.entries or name not in {"small", "words"}
    beyond = [
        one
        for one in asked
        if found.model(one) == "allow" and decided(loaded, one).effect != "allow" and by_itself(one) != "allow"
    ]
    assert beyond == []
    if any(by_itself(one) == "allow" and decided(loaded, one).effect != "allow" for e in own for one in e.tries):
        assert [loss for loss in export.losses if loss.held == NOT_HELD]


def test_claude_has_what_its_format_can_say() -> None:
    export, _ = exported(POLICIES["small"], "claude")
    lists = json.loads(export.text)["permissions"]
    assert lists["allow"] == [
        "Read(/**)", "Edit(/src/**)", "Bash(git status *)", "Bash(npm test)", "Bash(make build)", "Bash(make check)",
        "WebFetch(domain:*.example.org)", "mcp__tracker__get_*", "mcp__tracker__list_*",
    ]  # fmt: skip
    assert lists["ask"] == ["Bash(xargs *)", "Bash(noglob *)"]
    assert lists["deny"][:3] == ["mcp__tracker__get_secret", "Read(/**/.env)", "Edit(/src/gen/**)"]
    assert {"Edit(/**/.codex)", "Edit(/**/*.plc)"} <= set(lists["deny"])  # the floor, where something is granted
    assert not [text for text in lists["deny"] if "~" in text or "//" in text]  # and nowhere else


def test_codex_has_beginnings_of_commands() -> None:
    export, _ = exported(POLICIES["small"], "codex-rules")
    assert export.text.splitlines()[1:] == [
        'prefix_rule(pattern=["git", "status"], decision="allow")',
        'host_executable(name="git", paths=[])',
    ]
    assert export.left == (("allow", "git fetch"),)
    export, _ = exported(POLICIES["restricted"], "codex-rules")
    assert export.text.splitlines()[1:] == ['prefix_rule(pattern=["git", "push", "--force"], decision="forbidden")']


@pytest.mark.parametrize("name", POLICIES)
def test_what_codex_runs_outside_its_sandbox_the_policy_allows(name: str) -> None:
    export, loaded = exported(POLICIES[name], "codex-rules")
    kind = format_named("codex-rules")
    found = kind.read([Source(kind.place, export.text)])
    commands = {one for entry in found.entries for one in entry.tries if one.action == "run"}
    model = cast("CodexModel", found.model)
    outside = [one for one in commands if model.command(("bash", "-lc", one.resource))[1]]
    assert outside or name not in {"small", "words"}
    beyond = [one for one in outside if decided(loaded, one).effect != "allow"]
    assert [one for one in beyond if "the profile of" not in decided(loaded, one).reasons[0]] == []  # unknown options


def test_opencode_has_what_denies_behind_what_permits() -> None:
    """Of its rules the last that fits decides; whatever no rule permits is asked about."""
    text = POLICIES["small"].replace("allow write", "allow write, delete") + 'ask review write "src/ci/"\n'
    export, _ = exported(f'{text}tier review {{ approvers "@team" }}', "opencode")
    permission = json.loads(export.text)["permission"]
    assert next(iter(permission)) == "*"
    assert {table["*"] for table in permission.values() if isinstance(table, dict)} <= {"ask", "allow"}
    assert permission["edit"]["src/*"] == "allow"
    order = list(permission["edit"])
    assert order.index("src/*") < order.index("src/ci/*") < order.index("*/.claude/*")
    assert (permission["edit"]["src/ci/*"], permission["edit"]["*/.claude/*"]) == ("ask", "deny")
    assert permission["bash"] == {"*": "ask", "npm test": "allow", "make build": "allow", "make check": "allow", **{
        glob: effect for glob, effect in permission["bash"].items() if glob.startswith("git ")
    }}  # fmt: skip
    assert "rm *" not in permission["bash"]


@pytest.mark.parametrize("client", ["claude", "cursor", "opencode"])
def test_a_policy_with_more_than_a_file_can_hold_is_written_in_part(client: str) -> None:
    many = "\n".join(f'allow run "tool{i} build"' for i in range(1_200))
    export, _ = exported(f'allow run "mine"\n{many}', client)
    granted = [text for effect, text in export.entries if effect == "allow"]
    assert granted
    assert len(export.entries) <= limit(format_named(client).writer().most)
    assert len(granted) + len(export.left) == 1_201
    assert [loss for loss in export.losses if "come on top of as many as can be compared" in loss.about]


def test_cursor_denies_what_the_policy_asks_about() -> None:
    export, _ = exported(POLICIES["restricted"], "cursor")
    lists = json.loads(export.text)["permissions"]
    assert set(lists) == {"allow", "deny"}
    assert {"Write(package.json)", "Read(**/.env)"} <= set(lists["deny"])
    assert not [text for text in lists["allow"] if text.startswith("Shell")]


def test_gemini_has_what_is_stricter_above() -> None:
    export, _ = exported(POLICIES["small"], "gemini")
    rules = [
        (one["decision"], one["priority"], one.get("commandPrefix") or one.get("argsPattern") or one.get("mcpName"))
        for one in tomllib.loads(export.text)["rule"]
    ]
    assert ("deny", 300, "tracker") in rules
    assert ("ask_user", 200, '"file_path":"(|.*/)\\.env') in rules
    assert [one for one in rules if one[0] == "allow"] == [("allow", 100, None), ("allow", 100, "git status")]


def test_copilot_has_flags() -> None:
    export, _ = exported(POLICIES["small"], "copilot")
    assert shlex.split(export.text) == [
        "copilot", "--deny-tool", "tracker(get_secret)", "--deny-tool", "read(.env)",
        "--allow-tool", "shell(git status:*)", "--allow-tool", "url(docs.example.com)",
        "--allow-tool", "url(*.example.org)",
    ]  # fmt: skip


def test_the_rest_of_a_file_that_is_there_stays() -> None:
    entries = [("allow", "x")]
    for client, there, kept in (
        ("cursor", '{"version": 1, "permissions": {"allow": ["Shell(**)"]}}', '"version": 1'),
        ("copilot", "copilot --allow-tool 'shell(rm:*)' --model m --deny-tool=write\n", "--model m"),
    ):
        made = format_named(client).writer().text(entries, there)
        assert kept in made
        assert "bash" not in made
        assert "Shell(**)" not in made
        assert "rm:" not in made
        assert "--deny-tool" not in made
    for client, there in (("gemini", "[[safety_checker]]\n"), ("copilot", "set -e\ncopilot\n"), ("copilot", "'")):
        with pytest.raises(PolicyError):
            format_named(client).writer().text(entries, there)


def test_what_a_grant_would_add_is_restricted_or_left_out() -> None:
    export, _ = exported(POLICIES["restricted"], "claude")
    lists = json.loads(export.text)["permissions"]
    assert "Edit(/package.json)" in lists["deny"]  # what asks is about its own tools, and no redirection
    assert "Read(/**/.env)" in lists["deny"]
    assert "Bash(*)" not in lists["allow"]


def test_every_loss_has_a_request_that_the_policy_answers_so() -> None:
    for text in POLICIES.values():
        export, loaded = exported(text, "claude")
        for loss in export.losses:
            if loss.witness is None:
                continue
            effect = loaded.decide_request(loss.witness).effect
            assert (effect != "allow") if loss.held == NOT_HELD else (effect == "allow")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "agent.policy").write_text(
        'policy "p"\nallow read "./"\nallow write "src/**"\nallow run "{ls,cat,echo} **"\n'
    )
    (tmp_path / ".claude").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_written_when_losses_are_accepted_and_the_rest_of_it_stays(place: Path) -> None:
    file = place / ".claude/settings.json"
    file.write_text('{"model": "x", "permissions": {"allow": ["Bash"], "defaultMode": "plan"}, "hooks": {"a": []}}')
    words = ("export", "claude", "--policy", "agent.policy", "--workspace", str(place), "-o", str(file))
    before = file.read_text()
    done = policy(*words, cwd=place)
    assert done.code == 1
    assert "nothing was written" in done.err
    assert file.read_text() == before
    done = policy(*words, "--accept-loss", "commands", cwd=place)
    assert done.code == 0, done.err
    made = json.loads(file.read_text())
    assert made["model"] == "x"
    assert made["hooks"] == {"a": []}
    assert made["permissions"]["defaultMode"] == "plan"
    assert made["permissions"]["allow"] == ["Read(/**)", "Edit(/src/**)"] or "Bash" not in made["permissions"]["allow"]


def test_a_changed_file_is_seen_by_the_doctor(place: Path) -> None:
    file, home = place / ".claude/settings.json", str(place / "home")
    words = ("export", "claude", "--policy", "agent.policy", "--workspace", str(place), "--accept-loss", "commands")
    assert policy(*words, "--watch-drift", cwd=place, HOME=home).code == 2
    assert policy(*words, "-o", str(file), "--watch-drift", cwd=place, HOME=home).code == 0
    doctor = ("doctor", "claude", "--no-live", "--workspace", str(place))
    assert "policy export" not in policy(*doctor, cwd=place, HOME=home).out
    made = json.loads(file.read_text())
    made["hooks"] = {}
    file.write_text(json.dumps(made))
    assert "policy export" not in policy(*doctor, cwd=place, HOME=home).out
    made["permissions"]["allow"].append("Bash(rm *)")
    file.write_text(json.dumps(made))
    found = policy(*doctor, cwd=place, HOME=home)
    assert found.code == 1
    assert "`allow Bash(rm *)` was added" in found.out
    file.unlink()
    assert "there is no file" in policy(*doctor, cwd=place, HOME=home).out


@pytest.mark.parametrize(
    ("key", "value"), [("defaultMode", "bypassPermissions"), ("defaultMode", "acceptEdits"), ("defaultMode", "dontAsk")]
)
def test_what_stands_beside_permissions_is_seen_as_well(place: Path, key: str, value: str) -> None:
    file, home = place / ".claude/settings.json", str(place / "home")
    words = ("export", "claude", "--policy", "agent.policy", "--workspace", str(place), "--accept-loss", "commands")
    assert policy(*words, "-o", str(file), "--watch-drift", cwd=place, HOME=home).code == 0
    made = json.loads(file.read_text())
    made["permissions"][key] = value
    file.write_text(json.dumps(made))
    found = policy("doctor", "claude", "--no-live", "--workspace", str(place), cwd=place, HOME=home)
    assert "what stands beside them changes what they mean" in found.out


def test_a_file_that_became_a_link_is_seen(place: Path) -> None:
    file, home = place / ".claude/settings.json", str(place / "home")
    words = ("export", "claude", "--policy", "agent.policy", "--workspace", str(place), "--accept-loss", "commands")
    assert policy(*words, "-o", str(file), "--watch-drift", cwd=place, HOME=home).code == 0
    file.rename(place / "elsewhere.json")
    file.symlink_to(place / "elsewhere.json")
    found = policy("doctor", "claude", "--no-live", "--workspace", str(place), cwd=place, HOME=home)
    assert "elsewhere.json` now" in found.out


def test_what_another_scope_adds_is_seen(place: Path) -> None:
    file, home = place / ".claude/settings.json", str(place / "home")
    local, own = place / ".claude/settings.local.json", place / "home/.claude/settings.json"
    own.parent.mkdir()
    own.write_text('{"permissions": {"allow": ["Bash(ls)"]}, "model": "x"}')
    words = ("export", "claude", "--policy", "agent.policy", "--workspace", str(place), "--accept-loss", "commands")
    assert policy(*words, "-o", str(file), "--watch-drift", cwd=place, HOME=home).code == 0
    doctor = ("doctor", "claude", "--no-live", "--workspace", str(place))
    assert "is read with it" not in policy(*doctor, cwd=place, HOME=home).out
    own.write_text('{"permissions": {"allow": ["Bash(ls)"]}, "model": "y"}')
    assert "is read with it" not in policy(*doctor, cwd=place, HOME=home).out
    local.write_text('{"permissions": {"allow": ["Bash(rm *)"]}}')
    found = policy(*doctor, cwd=place, HOME=home)
    assert found.code == 1
    assert "settings.local.json` is read with it, and has changed: `allow Bash(rm *)` was added" in found.out
    local.unlink()
    own.write_text("{}")
    assert "`allow Bash(ls)` is gone" in policy(*doctor, cwd=place, HOME=home).out


def test_a_record_of_one_format_is_seen_by_its_client(place: Path) -> None:
    file, home = place / ".codex/rules/policy.rules", str(place / "home")
    file.parent.mkdir(parents=True)
    (place / "agent.policy").write_text('policy "p"\nallow run "npm test"\n')
    losses = ",".join(CODES.values())
    words = ("export", "codex-rules", "--policy", "agent.policy", "--workspace", str(place), "--accept-loss", losses)
    assert policy(*words, "-o", str(file), "--watch-drift", cwd=place, HOME=home).code == 0
    file.write_text(file.read_text() + 'prefix_rule(pattern=["rm"], decision="allow")\n')
    found = policy("doctor", "codex", "--no-live", "--workspace", str(place), cwd=place, HOME=home)
    assert "`allow rm` was added" in found.out


def test_what_the_client_takes_off_a_command_is_asked_about() -> None:
    export, _ = exported('allow read "./"\nallow run "npm run test"\n', "claude")
    kind = format_named("claude")
    model = kind.read([Source(kind.place, export.text)]).model
    assert model(ClientRequest("run", "npm run test")) == "allow"
    assert model(ClientRequest("run", "xargs npm run test")) == "ask"
    assert model(ClientRequest("run", "noglob npm run test")) == "ask"


def test_options_that_no_profile_knows_are_a_loss() -> None:
    for client, text in (("claude", "Bash(git status *)"), ("gemini", "run_shell_command git status")):
        export, loaded = exported('allow run "git status **"\n', client)
        assert ("allow", text) in export.entries
        (loss,) = [one for one in export.losses if "does not know" in one.about]
        assert loss.witness is not None
        assert loaded.decide_request(loss.witness).effect == "deny"
    export, _ = exported('allow run "make {build,check}"\n', "claude")
    assert not [one for one in export.losses if "does not know" in one.about]


def test_options_that_do_not_belong_are_refused(place: Path) -> None:
    for words, said in (
        (("claude", "--bypass", "5"), "is for the settings of a git server"),
        (("claude", "--proxy", "127.0.0.1:1"), "is for the settings of a sandbox"),
        (("bubblewrap", "--watch-drift"), "is for the settings of a client"),
    ):
        done = policy("export", *words, "--policy", "agent.policy", cwd=place)
        assert done.code == 2
        assert said in done.err


def test_broken_settings_that_are_there_are_not_touched(place: Path) -> None:
    file = place / ".claude/settings.json"
    file.write_text('{"permissions": [')
    words = ("export", "claude", "--policy", "agent.policy", "--accept-loss", "commands", "-o", str(file))
    done = policy(*words, cwd=place)
    assert done.code == 2
    assert file.read_text() == '{"permissions": ['
