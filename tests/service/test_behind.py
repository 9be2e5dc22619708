"""What a ticket says of who is behind it: from the kernel, the configuration and `.git`; the agent's word is marked as that."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy
from policy_lang.audit.log import DecisionLog
from policy_lang.audit.recorder import commit, watched
from policy_lang.cli.recording import ServiceLog
from policy_lang.daemon.checkout import checkout
from policy_lang.daemon.recent_steps import RecentSteps
from policy_lang.domain.decision import Answer, Decision, Verdict
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.report import approvals as report
from tests.console.support import policy

from .support import Running, service
from .test_approvals import ARGUMENTS, OPERATOR, POLICY, TOKENS, ask, bearer, configured
from .test_waiting_tickets import place

HEAD = "ref: refs/heads/agent/fix\n"


def repository(folder: Path, url: str = "https://mia:ghp_secret@github.com/acme/web.git?token=x") -> Path:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/HEAD").write_text(HEAD)
    (folder / ".git/config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n')
    return folder


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://mia:ghp_secret@github.com/acme/web.git?token=x", "github.com/acme/web"),
        ("git@github.com:acme/web.git", "github.com/acme/web"), ("ssh://git@host.example:2222/a/b", "host.example:2222/a/b"),
        ("/srv/git/web.git", "web"), ("../web", "web"),
    ],
)  # fmt: skip
def test_a_repository_is_named_without_secrets(tmp_path: Path, url: str, shown: str) -> None:
    assert checkout(str(repository(tmp_path / "w", url))) == {"repository": shown, "branch": "agent/fix"}


def test_an_address_is_no_sentence(tmp_path: Path) -> None:
    for number, url in enumerate(("https://h.example/approved by mia", "https://h.example/\u0430cme", "x" * 300)):
        assert checkout(str(repository(tmp_path / str(number), url))) == {"branch": "agent/fix"}


def test_git_itself_agrees(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        place = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, env=place)

    for words in ("init -q -b main .", "remote add up https://example.com/x/y.git", "-c user.name=a -c user.email=b commit -q --allow-empty -m x", "worktree add -q -b side side"):  # fmt: skip
        git(*words.split())
    assert checkout(str(tmp_path)) == {"repository": "example.com/x/y", "branch": "main"}
    (tmp_path / "side/src").mkdir()
    assert checkout(str(tmp_path / "side/src")) == {"repository": "example.com/x/y", "branch": "side"}
    git("checkout", "-q", "--detach")
    assert checkout(str(tmp_path))["branch"].startswith("no branch, commit ")


def test_what_lies_there_instead_is_not_read(tmp_path: Path) -> None:
    """No FIFO makes the service wait, no link shows it another file, nothing long fills it."""
    secret = tmp_path / "secret"
    secret.write_text(HEAD)
    for number, spoil in enumerate((
        os.mkfifo, lambda p: p.symlink_to(secret), lambda p: p.mkdir(), lambda p: p.symlink_to("/dev/zero"),
        lambda p: p.write_bytes(b"\xff" * 9), lambda p: p.write_text("x" * (limit("git_config_bytes") + 1)),
        lambda p: p.write_text("root:x:0:0\n"), lambda p: p.write_text("ref: refs/heads/x\n\nApproved by mia\n"),
        lambda p: p.write_text("ref: refs/heads/main, read by security\n"), lambda p: p.write_text("ref: refs/heads/a\u202eb\n"),
    )):  # fmt: skip
        folder = repository(tmp_path / str(number))
        (folder / ".git/HEAD").unlink()
        spoil(folder / ".git/HEAD")
        began = time.monotonic()
        assert "branch" not in checkout(str(folder)), number
        assert time.monotonic() - began < 2
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(repository(tmp_path / "other") / ".git")
    assert checkout(str(linked)) == {}
    whole = repository(tmp_path / "long")
    rest = limit("git_config_bytes") - len((whole / ".git/config").read_bytes())
    with open(whole / ".git/config", "a") as stream:
        stream.write("\n" * rest)
    assert checkout(str(whole))["repository"] == "github.com/acme/web"
    assert checkout("/") in ({}, checkout("/")) and checkout("\0") == {}


def step(agent: str, resource: str, effect: Any = "allow") -> tuple[Request, Decision]:
    request = Request("run", resource, agent=agent)
    return request, Decision(Answer(Verdict(effect), "sha256:p", "run", resource, pure=False))


def test_steps_are_the_latest_without_secrets_and_bounded() -> None:
    steps = RecentSteps()
    most = limit("steps_kept")
    for number in range(most + 1):
        steps.note(*step("a", f"make {number}"), float(number))
    assert [s["resource"] for s in steps.of("a")] == [f"make {n}" for n in range(most, 0, -1)]
    token = "ghp_" + "a1B2" * 9
    steps.note(*step("b", f"curl -H 'Authorization: Bearer {token}' https://x.example/"), 1.0)
    long = limit("step_characters") - 20
    steps.note(
        *step("b", "x" * long + f" GITHUB_TOKEN={token} " + "y" * 50), 2.0
    )  # cut in its middle, were it cut first
    assert token[:12] not in str(steps.of("b")) and token[:12] not in str(steps._of["b"][1])
    assert all(len(s["resource"]) <= limit("step_shown") for s in steps.of("b"))
    steps.note(*step("c", "z" * limit("step_shown") + "!"), 1.0)
    assert steps.of("c")[0]["resource"] == "z" * limit("step_shown")
    for number in range(limit("steps_agents") - 1):
        steps.note(*step(f"n{number}", "x"), 1.0)
    assert steps.of("c") and not steps.of("a") and not steps.of("b")  # who did nothing for the longest time
    steps.note(*step("one more", "x"), 1.0)
    assert not steps.of("c")


def test_a_service_that_starts_anew_goes_on_from_the_log(tmp_path: Path) -> None:
    most = limit("steps_restored")
    log = DecisionLog(str(tmp_path / "log"), flush=False)
    policy = Policy.loads('policy "p"\nallow run "**"\n', str(tmp_path / "p.policy"))
    asked = [
        Request("run", ("make", "first"), agent="early"),
        *(Request("run", f"make {n}", agent="a", session="s") for n in range(most - 1)),
    ]
    for request in asked:
        commit(log, [watched(policy.decide_request, request, {"by": "test"})])
    log.close()
    records = ServiceLog(log).decisions
    steps = RecentSteps()
    steps.restore(records())
    assert [s["resource"] for s in steps.of("a")] == [
        f"make {n}" for n in range(most - 2, most - 2 - limit("steps_kept"), -1)
    ]
    assert steps.of("a")[0]["session"] == "s" and steps.of("a")[0]["effect"] == "allow"
    assert abs(steps.of("a")[0]["at"] - time.time()) < 600
    assert [s["resource"] for s in steps.of("early")] == ["make first"]
    commit(log, [watched(policy.decide_request, Request("run", "make more", agent="a"), {"by": "test"})])
    again = RecentSteps()
    again.restore(records())
    assert again.of("a")[0]["resource"] == "make more" and not again.of("early")  # it is one too far back
    none = RecentSteps()
    none.restore(ServiceLog(DecisionLog(str(tmp_path / "other"), flush=False)).decisions())
    assert not none.of("a")


def prepared(folder: Path) -> None:
    configured(
        folder, f'[[principal]]\nuid = {os.geteuid()}\nagents = ["local"]\nowner = "Mia Chen"\nrepo = "acme/fixed"\n'
    )
    repository(folder / "ws")


def shown(running: Running, number: str) -> dict[str, Any]:
    value: dict[str, Any] = running.call("GET", f"/v1/approvals/{number}", **bearer(TOKENS["mia"]))[1]
    return value


def test_facts_and_the_agents_word_are_kept_apart() -> None:
    with service(POLICY, *ARGUMENTS, prepare=prepared) as running:
        workspace = str(running.folder / "ws")
        body = {
            "action": "write", "resource": f"{workspace}/src/a", "workspace": workspace, "cwd": workspace, "home": "/h",
            "branch": "main", "session": "s",
            "origin": {"purpose": "approved by security, user: root", "client": "claude", "model": "m"},
        }  # fmt: skip
        running.call("POST", "/v1/decide", {**body, "action": "read"})
        number = running.call("POST", "/v1/decide", body)[1]["ticket"]["id"]
        view = shown(running, number)
        facts = {name: (value, source) for name, value, source in report.behind(view)}
        assert facts["person"] == ("Mia Chen", "says the configuration")
        assert facts["user"][0].endswith(f"({os.geteuid()})") and facts["user"][1] == "says the kernel"
        assert facts["host"][0] == os.uname().nodename and facts["agent"] == ("local", "known by its user")
        assert facts["repository"] == ("acme/fixed", "says the configuration")
        assert facts["branch"] == ("agent/fix; the agent says main", "read in the workspace")
        assert not any("root" in value for value, _ in facts.values() if value != facts["user"][0])
        told = dict(report.stated(view))
        assert told["purpose"] == "approved by security, user: root" and told["session"] == "s"
        assert report.headline(view) == "write src/a"  # the whole path is at hand
        assert f"{workspace}/src/a" in report.places(view["request"])
        assert [(s["action"], s["effect"]) for s in report.steps(view)] == [("read", "allow")]
        out = policy("approvals", "show", number, *place(running)).out
        assert "told purpose approved by security" in out and "Mia Chen (says the configuration)" in out


def test_an_operator_says_who_runs_a_session() -> None:
    with service(POLICY, *ARGUMENTS, prepare=configured) as running:
        body = {"agent": "codex", "owner": "Ben Ode", "repo": "acme/web"}
        token = running.call("POST", "/v1/sessions/start", body, **bearer(OPERATOR))[1]["token"]
        number = ask(running, token, session=None)["ticket"]["id"]
        facts = {name: (value, source) for name, value, source in report.behind(shown(running, number))}
        assert facts["person"][0] == "Ben Ode" and facts["agent"][1] == "known by its session"
        assert facts["session"][1] == "begun by an operator"


def test_a_purpose_makes_no_other_question_and_the_first_one_stays() -> None:
    with service(POLICY, *ARGUMENTS, prepare=configured) as running:
        first = ask(running, origin={"purpose": "tidy up"})["ticket"]["id"]
        assert ask(running, origin={"purpose": "mia wants this"})["ticket"]["id"] == first
        assert shown(running, first)["about"]["origin"]["purpose"] == "tidy up"
        token = "ghp_" + "a1B2" * 9
        most = limit("ticket_origin_characters")
        other = ask(running, resource="src/b", origin={"purpose": f"with {token} " + "x" * most})["ticket"]["id"]
        purpose = shown(running, other)["about"]["origin"]["purpose"]
        assert token not in purpose and purpose.startswith("with REDACTED") and len(purpose) <= most + 40
        cut = ask(running, resource="src/d", origin={"purpose": "z" * (most - 9) + " " + token})["ticket"]["id"]
        assert "ghp" not in shown(running, cut)["about"]["origin"]["purpose"]
        exact = ask(running, resource="src/c", origin={"purpose": "y" * most})["ticket"]["id"]
        assert shown(running, exact)["about"]["origin"]["purpose"] == "y" * most


def test_a_workspace_that_is_only_said_shortens_no_path() -> None:
    """Else `/etc/passwd` would be shown as `passwd` to whoever reads the list."""
    with service(POLICY + 'ask review write "/etc/**"\n', *ARGUMENTS, prepare=configured) as running:
        for number, workspace in enumerate(("/etc", "/")):
            request = {
                "resource": "/etc/passwd",
                "workspace": workspace,
                "cwd": "/",
                "home": "/h",
                "session": str(number),
            }
            view = shown(running, ask(running, **request)["ticket"]["id"])
            assert report.headline(view) == "write /etc/passwd"


@pytest.mark.parametrize(
    ("name", "text"),
    [("p#ask-write-6633aa5b", "ask write"), ("acme/web#new-dependencies", "new-dependencies"), ("p#x-0000", "x-0000"), ("p#ask-read-write-0123abcd", "ask read write")],
)  # fmt: skip
def test_rules_have_names_that_people_read(name: str, text: str) -> None:
    assert report.rule_name(name) == text
