"""Suggesting: what was stopped becomes the least rules, nothing that a person stopped does, and a person accepts."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from policy_lang import Policy
from policy_lang.analysis.diff import diff
from policy_lang.domain.limits import limit
from policy_lang.domain.observe import observed
from policy_lang.domain.request import Request
from policy_lang.records.suggesting.edit import parsed
from policy_lang.records.suggesting.stops import finder
from policy_lang.syntax.format import format_file
from tests.console.support import ROOT, Result, policy

from .support import decided, request

BASE = """policy "p"

tier review { approvers "@team" }
allow read "src/**"
allow run "git status"
deny run "git push **" because "people push"
deny read "**/.env" because "secrets stay"

test "what there was" {
    allow read "src/a"
    deny read "docs/.env"
}
"""
SCOPED = """policy "p"

agent "codex-*" {
    allow read "src/**"  # what it works on
}

agent "review-bot" {
    allow read "docs/**"
}
"""


def place(tmp_path: Path, asked: list[Request], text: str = BASE) -> Path:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "agent.policy").write_text(text)
    decided(tmp_path / "log", asked, text)
    return tmp_path


def suggest(folder: Path, *words: str, code: int = 0) -> Result:
    done = policy("suggest", "log", "--no-lint", *words, cwd=folder)
    assert done.code == code, done.out + done.err
    return done


def proposals(folder: Path, *words: str) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(p["rules"]): p for p in suggest(folder, "--format", "json", *words).json()["proposals"]}


def refusals(folder: Path, *words: str) -> list[dict[str, Any]]:
    return list(suggest(folder, "--format", "json", *words).json()["not_proposed"])


def resources(examples: list[dict[str, Any]]) -> list[Any]:
    return [e["resource"] for e in examples]


# what is proposed


def test_few_spellings_stay_exact_and_several_become_a_pattern(tmp_path: Path) -> None:
    asked = [request("run", f"pytest tests/test_{n}.py", session=f"s{n}") for n in range(4)]
    folder = place(tmp_path, [*asked, request("run", "black --check")])
    found = proposals(folder)
    assert set(found) == {('allow run "pytest **"',), ('allow run "black --check"',)}
    wide = found['allow run "pytest **"',]
    assert (wide["times"], wide["different"], wide["sessions"], wide["agents"]) == (4, 4, 4, ["a"])
    assert [r["request"]["resource"] for r in wide["also"]]
    assert found['allow run "black --check"',]["also"] == []
    exact = proposals(folder, "--exact")
    assert not any("**" in rule for rules in exact for rule in rules) and len(exact) == 5


def test_what_it_would_also_permit_is_confirmed_by_the_policy_with_the_rule(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", f"docs/{n}.md") for n in range(3)])
    (found,) = proposals(folder).values()
    (row,) = found["also"]
    new = Policy.loads(patched(BASE, found))
    asked = {k: v for k, v in row["request"].items() if k in {"action", "resource"}}
    assert new.decide(**asked, workspace="/workspace", home="/home/agent", lexical=True).effect == "allow"
    assert Policy.loads(BASE).decide(**asked, workspace="/workspace", lexical=True).effect == "deny"


def patched(text: str, found: dict[str, Any]) -> str:
    """The text with the lines that the diff adds; it takes none away."""
    lines = found["diff"].splitlines()[2:]
    assert not [x for x in lines if x.startswith("-")]
    out: list[str] = []
    left = text.splitlines()
    for line in lines:
        if line.startswith("@@"):
            at = int(line.split("-")[1].split(",")[0]) - 1
            out += left[: at - (len(text.splitlines()) - len(left))]
            left = left[at - (len(text.splitlines()) - len(left)) :]
        elif line.startswith("+"):
            out.append(line[1:])
        else:
            assert left.pop(0) == line[1:]
            out.append(line[1:])
    return "\n".join([*out, *left]) + "\n"


def test_a_command_that_needs_several_rules_is_one_proposal(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("run", "cat docs/a.md | grep x")])
    (found,) = proposals(folder)
    assert sorted(found) == ['allow read "docs/a.md"', 'allow run "cat docs/a.md", "grep x"']


def test_the_tests_that_come_with_it_hold_and_fail_without_it_and_when_it_is_wider(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("run", "black --check")])
    (found,) = proposals(folder).values()
    text = patched(BASE, found)
    (folder / "new.policy").write_text(text)
    assert policy("test", "new.policy", cwd=folder).code == 0
    assert 'allow run "black --check"' in text and "deny run" in found["diff"]
    (folder / "without.policy").write_text(text.replace('allow run "black --check"', "", 1))
    assert policy("test", "without.policy", cwd=folder).code == 1
    (folder / "wider.policy").write_text(text.replace('allow run "black --check"', 'allow run "black **"', 1))
    assert policy("test", "wider.policy", cwd=folder).code == 1


def test_rules_go_where_the_agent_has_its_own(tmp_path: Path) -> None:
    asked = [
        request("read", "lib/a", agent="codex-7"), request("read", "lib/b", agent="review-bot"), request("read", "x", agent="new.bot"),
    ]  # fmt: skip
    folder = place(tmp_path, asked, SCOPED)
    found = proposals(folder)
    assert {p["for"] for p in found.values()} == {"agent `codex-*`", "agent `review-bot`", "agent `new.bot`"}
    ids = [p["id"] for p in found.values()]
    suggest(folder, *[w for i in ids for w in ("--accept", i)])
    text = (folder / "agent.policy").read_text()
    assert format_file(parsed(text, "p")) == text and "# what it works on" in text
    new = Policy.loads(text)
    for one, other in zip(asked, (*asked[1:], asked[0]), strict=True):
        assert new.decide_request(one).effect == "allow"
        assert new.decide_request(request("read", str(one.resource), agent=other.agent)).effect == "deny"
    assert new.decide_request(request("read", "x", agent="new-bot")).effect == "deny"


def test_rules_are_for_the_repository_where_the_file_tells_repositories_apart(tmp_path: Path) -> None:
    text = 'policy "p"\n\nagent "codex" {\n    repo "acme/web" {\n        allow read "src/**"\n    }\n}\n'
    asked = request("read", "lib/a", agent="codex", repo="acme/api")
    folder = place(tmp_path, [asked], text)
    ((_, found),) = proposals(folder).items()
    assert found["for"] == "agent `codex` on `acme/api`"
    assert found["untested"] == "" and 'given repo = "acme/api"' in found["diff"]
    suggest(folder, "--accept", found["id"])
    new = Policy.load(str(folder / "agent.policy"))
    assert new.decide_request(asked).effect == "allow"
    assert new.decide_request(request("read", "lib/a", agent="codex", repo="acme/web")).effect == "deny"
    assert new.decide_request(request("read", "lib/a", agent="x", repo="acme/api")).effect == "deny"


def test_when_all_are_accepted_all_pass_also_what_a_pattern_leaves_out(tmp_path: Path) -> None:
    """`-X` must be named by a grant, so a pattern for `curl` leaves it out."""
    asked = [request("run", f"curl https://api.example/v1/{n}") for n in range(4)]
    asked += [request("run", "curl -X POST https://api.example/v1/9"), request("run", "make && cat lib/x > out/y")]
    asked += [request("connect", f"h{n}.example:443") for n in range(2)] + [
        request("call", f"jira.get_{n}") for n in "abcd"
    ]
    folder = place(tmp_path, asked)
    for _ in range(4):
        found = proposals(folder)
        if found:
            suggest(folder, *[w for p in found.values() for w in ("--accept", p["id"])])
    new = Policy.load(str(folder / "agent.policy"))
    assert refusals(folder) == []
    assert [new.decide_request(r).effect for r in asked] == ["allow"] * len(asked)
    for other in (
        request("run", "curl -X DELETE https://api.example/v1/1"),
        request("connect", "h9.example"),
        request("run", "curl -o .git/hooks/x https://api.example/v1/1"),
    ):
        assert new.decide_request(other).effect == "deny"


def test_what_a_folder_may_hold_is_shown(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", f"conf/{n}") for n in "abc"], 'policy "p"\nallow read "src/**"\n')
    (found,) = proposals(folder).values()
    assert {r["request"]["resource"] for r in found["also"]} >= {"conf/.env", "conf/id_ed25519"}


def test_a_comparison_of_the_policies_shows_its_own_grants_and_nothing_else(tmp_path: Path) -> None:
    asked = [request("read", f"docs/{n}.md") for n in range(3)] + [
        request("run", "cat lib/x | grep y"),
        request("push", "topic/a"),
    ]
    folder = place(tmp_path, [*asked, request("write", "out/a")], BASE + "otherwise ask review write\n")
    old = Policy.loads((folder / "agent.policy").read_text())
    known = {r.id for layer in old.policy_set.layers for r in layer.rules}
    found = proposals(folder)
    assert len(found) == 4
    for one in found.values():
        new = Policy.loads(patched((folder / "agent.policy").read_text(), one))
        compared = diff(old.engine, new.engine)
        assert compared.rows and not compared.undecided
        for row in compared.rows:
            assert row.kind in {"widened", "lowered"}
            assert {r.id for r in row.new.rules} - known
        assert {row.action for row in compared.rows} <= {rule.split()[1] for rule in one["rules"]}


def test_rules_stand_before_the_tests_also_in_a_file_that_ends_with_a_rule(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "lib/a")], 'policy "p"\nallow read "src/**"')
    ((_, found),) = proposals(folder).items()
    suggest(folder, "--accept", found["id"])
    text = (folder / "agent.policy").read_text()
    assert text.startswith('policy "p"\nallow read "src/**"\n\n#') and text.index('allow read "lib/a"') < text.index(
        "test "
    )


def test_what_passes_now_is_not_proposed(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "lib/a")])
    (folder / "agent.policy").write_text(BASE.replace('"src/**"', '"src/**", "lib/**"'))
    done = suggest(folder, "--format", "json").json()
    assert done["proposals"] == [] and done["passing"] == 1


def test_what_otherwise_asks_is_proposed_and_what_a_rule_asks_is_not(tmp_path: Path) -> None:
    text = BASE + 'otherwise ask review\nask review write "package.json"\n'
    folder = place(tmp_path, [request("write", "out/a"), request("write", "package.json")], text)
    assert set(proposals(folder)) == {('allow write "out/a"',)}
    (refused,) = refusals(folder)
    assert refused["rule"]["line"] == text.splitlines().index('ask review write "package.json"') + 1
    assert proposals(folder, "--kind", "deny") == {}


def test_kinds_and_agents_and_how_often_select(tmp_path: Path) -> None:
    asked = [request("read", "a"), request("read", "a"), request("read", "b", agent="b")]
    folder = place(tmp_path, asked)
    assert set(proposals(folder, "--agent", "b")) == {('allow read "b"',)}
    assert set(proposals(folder, "--at-least", "2")) == {('allow read "a"',)}
    assert proposals(folder, "--kind", "would") == {}
    assert policy("suggest", "log", "--agent", "nobody", cwd=folder).code == 2


def test_what_was_only_observed_is_a_stop_too(tmp_path: Path) -> None:
    from policy_lang.audit.log import DecisionLog
    from policy_lang.audit.recorder import commit, watched

    (tmp_path / "agent.policy").write_text(BASE)
    made, log = Policy.loads(BASE), DecisionLog(str(tmp_path / "log"), flush=False)
    for asked in (request("read", "lib/a"), request("read", "src/.env")):
        one = watched(lambda r: observed(made.decide_request(r), frozenset()), asked, {"by": "hook", "pid": 1})
        commit(log, (one,))
    log.close()
    assert set(proposals(tmp_path, "--kind", "would")) == {('allow read "lib/a"',)}
    assert [r["rule"]["id"] for r in refusals(tmp_path)] == ["p#" + rule_id(made, "**/.env")]


def rule_id(made: Policy, pattern: str) -> str:
    (rule,) = (r for x in made.policy_set.layers for r in x.rules if any(p.text == pattern for p in r.include))
    return rule.id.partition("#")[2]


# what never is


def test_what_a_rule_the_floor_or_a_ceiling_denied_is_not_proposed(tmp_path: Path) -> None:
    (tmp_path / "top.policy").write_text('policy "top"\nallow read, write "**"\nallow run "git **"\n')
    text = 'policy "p"\nwithin "top.policy"\nallow read "src/**"\ndeny read "keys/**"\n'
    (tmp_path / "agent.policy").write_text(text)
    from policy_lang.audit.log import DecisionLog

    log = DecisionLog(str(tmp_path / "log"), flush=False)
    made = Policy(Policy.load(str(tmp_path / "agent.policy")).engine, log)
    for asked in (
        request("read", "keys/a"), request("write", ".git/hooks/pre-commit"), request("run", "make"), request("read", "docs/a"),
    ):  # fmt: skip
        made.decide_request(asked)
    log.close()
    assert set(proposals(tmp_path)) == {('allow read "docs/a"',)}
    found = {str(resources(r["examples"])[0]): r for r in refusals(tmp_path)}
    assert found["keys/a"]["rule"]["line"] == 4
    assert found[".git/hooks/pre-commit"]["rule"] is not None
    assert "top" in found["make"]["why"]


def test_what_could_not_be_read_or_is_known_in_part_or_has_lost_a_secret_is_not_proposed(tmp_path: Path) -> None:
    asked = [
        request("run", '$CMD "x"'), request("run", "pytest $X"), request("run", "eval $(curl x)"),
        request("read", "src/**", pattern=True), request("read", "lib/**", pattern=True),
        request("run", "tool --password=hunter2hunter2"), request("run", "deploy " + "x" * 1001),
    ]  # fmt: skip
    folder = place(tmp_path, asked)
    assert proposals(folder) == {}
    assert {"a secret was taken out of the record", "the resource was known in part only"} <= {
        r["why"] for r in refusals(folder)
    }


@pytest.mark.parametrize(("length", "proposed"), [(limit("suggest_text"), True), (limit("suggest_text") + 1, False)])
def test_a_text_that_is_too_long_to_judge_is_not_proposed(tmp_path: Path, length: int, proposed: bool) -> None:
    folder = place(tmp_path, [request("run", f"make {'x' * (length - 5)}")])
    assert bool(proposals(folder)) is proposed


@pytest.mark.parametrize(("more", "found"), [(0, True), (1, False)])
def test_a_record_that_is_too_long_is_not_looked_at(more: int, found: bool) -> None:
    """A record's size is its line's: `suggest_record_bytes`."""
    record = {
        "kind": "decision",
        "time": "",
        "effect": "deny",
        "request": {"action": "read", "resource": "a"},
        "pad": "",
    }
    record["pad"] = "x" * (limit("suggest_record_bytes") + more - len(json.dumps(record)))
    stops = finder(("deny",), None)([(json.dumps(record).encode(), 1)])
    assert bool(stops.found) is found and bool(stops.lost) is not found


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_different_ones_are_looked_at_and_the_others_are_told(more: int) -> None:
    records = [
        {"kind": "decision", "time": "", "effect": "deny", "request": {"action": "read", "resource": f"a{n}"}}
        for n in range(limit("suggest_stops") + more)
    ]
    stops = finder(("deny",), None)([(json.dumps(r).encode(), 1) for r in records])
    assert len(stops.found) == limit("suggest_stops") and stops.lost.total() == more


def test_a_rule_is_no_wider_than_what_was_denied_by_name(tmp_path: Path) -> None:
    """The rule that denied is gone; that somebody wrote it once is in the log."""
    old = BASE + 'deny read "docs/plan.md"\n'
    asked = [request("read", f"docs/{n}.md") for n in range(5)] + [request("read", "docs/plan.md")]
    folder = place(tmp_path, asked, old)
    (folder / "agent.policy").write_text(BASE)
    found = proposals(folder)
    assert all("*" not in rule for rules in found for rule in rules) and len(found) == 5
    assert not any("plan" in rule for rules in found for rule in rules)


def test_asking_a_thousand_times_changes_nothing(tmp_path: Path) -> None:
    once = proposals(
        place(
            tmp_path / "one", [request("read", "/srv/keys"), *(request("read", "b", session=f"s{n}") for n in range(2))]
        )
    )
    asked = [request("read", "/srv/keys")] * 300 + [request("read", "b", session=f"s{n}") for n in range(2)]
    often = proposals(place(tmp_path / "many", asked))
    assert list(once) == list(often) == [('allow read "b"',), ('allow read "/srv/keys"',)]
    assert {p["id"] for p in once.values()} == {p["id"] for p in often.values()}


@pytest.mark.parametrize(
    "name", ["src2/\u202egpj.exe", "a\u200bb", 'a\nallow run "**"', 'x" allow run "**', "\x1b[2Jx", "p\u0430yments/x", "# x", "a{b,c}*"]
)  # fmt: skip
def test_names_that_are_made_to_deceive_are_shown_as_what_they_are(tmp_path: Path, name: str) -> None:
    folder = place(tmp_path, [request("read", name)])
    shown = suggest(folder).out
    assert all(c.isprintable() or c == "\n" for c in shown)
    for rules, found in proposals(folder).items():
        new = Policy.loads(patched(BASE, found))
        assert new.decide_request(request("read", name)).effect == "allow"
        for other in ("src2/x", "ab", "payments/x", "x", "ab*", "secret"):
            assert new.decide_request(request("read", other)).effect == "deny", rules
        assert new.decide_request(request("run", "rm -rf x")).effect == "deny"
    if not name.isascii():
        assert "look closely" in shown


def test_the_log_must_be_whole_and_the_policy_one_that_grants(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "a")])
    file = folder / "log/00000001.jsonl"
    kept = file.read_text()
    file.write_text(kept.replace('"resource":"a"', '"resource":"b"', 1))
    assert "not whole" in suggest(folder, code=2).err
    file.write_text(kept)
    (folder / "agent.policy").write_text('guardrail "g"\ndeny read "x"\n')
    assert "guardrail" in suggest(folder, code=2).err
    (folder / "agent.policy").write_text('policy "g"\nallow raed "x"\n')
    assert "raed" in suggest(folder, code=2).err
    assert "`none.policy`" in suggest(folder, "--policy", "none.policy", code=2).err


# accepting


def test_nothing_is_written_without_being_told_so(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "lib/a")])
    suggest(folder)
    suggest(folder, "--format", "json")
    assert (folder / "agent.policy").read_text() == BASE


def test_what_is_accepted_is_written_with_its_tests_and_passes_then(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "lib/a"), request("run", "make")])
    name = proposals(folder)['allow read "lib/a"',]["id"]
    done = suggest(folder, "--accept", name)
    assert '+allow read "lib/a"' in done.out
    assert policy("test", "agent.policy", cwd=folder).code == 0
    assert set(proposals(folder)) == {('allow run "make"',)}
    assert "look anew" in suggest(folder, "--accept", name, code=2).err


def test_a_policy_whose_tests_fail_is_not_written(tmp_path: Path) -> None:
    text = BASE + '\ntest "broken" {\n    allow read "nothing"\n}\n'
    folder = place(tmp_path, [request("read", "lib/a")], text)
    ((_, found),) = proposals(folder).items()
    assert "tests would fail" in suggest(folder, "--accept", found["id"], code=1).err
    assert (folder / "agent.policy").read_text() == text


def test_an_id_is_of_one_policy_and_one_rule(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "lib/a")])
    ((_, found),) = proposals(folder).items()
    changed = BASE.replace('"git status"', '"git {status,log}"')
    (folder / "agent.policy").write_text(changed)
    assert "look anew" in suggest(folder, "--accept", found["id"], code=2).err
    assert (folder / "agent.policy").read_text() == changed


class Terminal:
    """A person at `policy suggest --review`: answers as questions come."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.main, side = pty.openpty()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "policy_lang", "suggest", "log", "--no-lint", "--review", *words]
        self.process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, cwd=folder, env=env)
        os.close(side)
        self.shown = ""

    def until(self, text: str) -> str:
        """What is shown from the last answer up to a text."""
        shown = ""
        while text not in shown:
            try:
                chunk = os.read(self.main, 4096).decode(errors="replace")
            except OSError:
                chunk = ""
            assert chunk, shown
            shown += chunk
        self.shown += shown
        return shown

    def answer(self, text: str) -> None:
        os.write(self.main, text.encode() + b"\n")

    def left(self) -> int:
        try:
            while chunk := os.read(self.main, 4096):
                self.shown += chunk.decode(errors="replace")
        except OSError:
            pass
        os.close(self.main)
        return self.process.wait(30)


def test_a_person_answers_each_at_a_terminal(tmp_path: Path) -> None:
    asked = [request("read", "lib/a"), request("run", "make"), request("write", "out/x")]
    folder = place(tmp_path, asked)
    person = Terminal(folder)
    assert 'allow read "lib/a"' in person.until("accept?")
    person.answer("y")
    assert 'allow run "make"' in person.until("accept?")
    assert 'allow read "lib/a"' in (folder / "agent.policy").read_text()
    person.answer("n")
    assert 'allow write "out/x"' in person.until("accept?")
    person.answer("e")
    person.until("rules")
    person.answer('deny write "out/x"')
    assert "rules that grant" in person.until("accept?")
    person.answer("e")
    person.until("rules")
    person.answer('ask review write "out/**"')
    assert 'ask review write "out/**"' in person.until("accept?")
    person.answer("y")
    assert person.left() == 0 and "2 proposals accepted" in person.shown
    new = Policy.load(str(folder / "agent.policy"))
    assert [new.decide_request(a).effect for a in asked] == ["allow", "deny", "ask"]


@pytest.mark.parametrize("words", ["q", "", "\x04"])
def test_who_leaves_has_written_nothing(tmp_path: Path, words: str) -> None:
    folder = place(tmp_path, [request("read", "lib/a")])
    person = Terminal(folder)
    person.until("accept?")
    person.answer(words)
    if words != "q":
        person.until("accept?" if not words else "")
        person.answer("q")
    assert person.left() == 0 and (folder / "agent.policy").read_text() == BASE


def test_a_policy_that_changed_while_a_person_thought_is_left_alone(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "lib/a")])
    person = Terminal(folder)
    person.until("accept?")
    (folder / "agent.policy").write_text(BASE + "# more\n")
    person.answer("y")
    assert person.left() == 1 and "has changed meanwhile" in person.shown
    assert (folder / "agent.policy").read_text() == BASE + "# more\n"


def test_review_needs_a_terminal(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "lib/a")])
    assert "there is no terminal" in suggest(folder, "--review", code=2).err


def test_what_the_linter_finds_stands_at_its_proposal(tmp_path: Path) -> None:
    folder = place(tmp_path, [request("read", "~/.netrc"), request("read", "lib/a")])
    done = policy("suggest", "log", "--format", "json", cwd=folder)
    found = {tuple(p["rules"]): p for p in done.json()["proposals"]}
    assert [f["code"] for f in found['allow read "~/.netrc"',]["lint"]] and found['allow read "lib/a"',]["lint"] == []


def test_what_was_stopped_behind_walls_is_proposed_for_there_alone(tmp_path: Path) -> None:
    asked = [request("write", "out/a", confined=True), request("write", "docs/b")]
    found = proposals(place(tmp_path, asked))
    assert set(found) == {('allow write "out/a" when confined',), ('allow write "docs/b"',)}
    for one in found.values():
        assert not one.get("untested"), one
