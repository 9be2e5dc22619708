"""Learning: keeps what was seen, grants nothing that was denied, says what it rests on, and proves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang import Policy, Request
from policy_lang.domain.limits import limit
from policy_lang.records.learning.propose import Wishes
from policy_lang.records.learning.prove import learn
from policy_lang.records.source import lines
from tests.console.support import policy
from tests.lanes import share

from .support import POLICY, decided, request


def learned(log: Path, in_force: str | None = None, **wishes: Any) -> tuple[Any, Policy]:
    old = None if in_force is None else Policy.loads(in_force)
    found = learn(lambda: lines(str(log)), Wishes(**wishes), old, workers=1)
    return found, Policy.loads(found.draft.text)


def says(made: Policy, asked: Request) -> str:
    return made.decide_request(asked).effect


def test_few_values_stay_exact_many_become_a_pattern(tmp_path: Path) -> None:
    text = 'policy "p" allow read, write "**"'
    asked = [request("read", f"src/{n}.ts") for n in range(6)] + [request("write", f"out/{n}") for n in range(3)]
    found, made = learned(decided(tmp_path / "log", asked, text), text)
    assert found.kept and found.narrow
    assert (
        'allow read "src/*.ts"' in found.draft.text and "# judge: `src/*.ts` for 6 different values" in found.draft.text
    )
    assert says(made, request("read", "src/new.ts")) == "allow"
    assert says(made, request("read", "src/new.pem")) == "deny"
    assert says(made, request("write", "out/1")) == "allow" and says(made, request("write", "out/9")) == "deny"


def test_nothing_is_generalised_over_a_denial(tmp_path: Path) -> None:
    text = 'policy "p" allow read "src/**" except "src/secret/**"'
    asked = [request("read", f"src/{n}") for n in range(9)] + [request("read", "src/secret/x")]
    found, made = learned(decided(tmp_path / "log", asked, text))
    assert found.kept and found.narrow
    assert "src/**" not in found.draft.text and says(made, request("read", "src/secret/x")) == "deny"


def test_nothing_is_granted_beyond_the_policy_in_force(tmp_path: Path) -> None:
    """The log does not show the exception; the comparison does."""
    text = 'policy "p" allow read "src/**" except "src/7*"'
    asked = [request("read", f"src/{n}") for n in range(6)]
    log = decided(tmp_path / "log", asked, text)
    assert says(learned(log)[1], request("read", "src/7")) == "allow"
    found, made = learned(log, text)
    assert found.kept and found.narrow and says(made, request("read", "src/7")) == "deny"


def test_asks_stay_asks_and_bring_their_tiers(tmp_path: Path) -> None:
    text = """policy "p"
tier boss { approvers "@boss"  quorum 2  expires 10m  reason required }
tier review { approvers "@team"  includes boss }
allow read "a/**"
ask review write "a/**"
"""
    asked = [request(a, f"a/{n}") for n in range(6) for a in ("read", "write")]
    log = decided(tmp_path / "log", asked, text)
    found, made = learned(log, text)
    assert found.kept and found.narrow
    assert made.policy_set.tiers == Policy.loads(text).policy_set.tiers
    alone, _ = learned(log)
    assert "judge: the records do not tell who approves" in alone.draft.text


def test_what_the_baseline_denies_is_never_granted(tmp_path: Path) -> None:
    text = 'policy "p" allow read "./", "~/.ssh/**"'
    log = decided(tmp_path / "log", [request("read", ".env"), request("read", "~/.ssh/id"), request("read", "a")], text)
    found, made = learned(log, text)
    assert not found.kept and found.narrow
    assert says(made, request("read", ".env")) == "deny" and says(made, request("read", "~/.ssh/id")) == "deny"
    assert says(made, request("read", "a")) == "allow"


def test_commands_are_learned_with_what_they_do(tmp_path: Path) -> None:
    text = 'policy "p" allow run "git **", "git -c **", "cat **", "make **", "python3 -c *" allow read "./" allow push "**"'
    scripts = [f"cat src/{n}.ts" for n in range(6)] + [f"git log -{n}" for n in range(6)]
    scripts += [
        "git push origin agent/1",
        "git commit -m 'a b'",
        "git commit -m 'c\nd'",
        "make all",
        "python3 -c 'print(1)'",
    ]
    found, made = learned(decided(tmp_path / "log", [request("run", s) for s in scripts], text), text)
    assert found.kept and found.narrow, found.draft.text
    assert all(says(made, request("run", s)) == "allow" for s in scripts)
    for script in ("git push origin main", "make install", "python3 -c 'print(2)'", "cat other", "git -c core.pager=x log", "rm x"):  # fmt: skip
        assert says(made, request("run", script)) == "deny", script
    assert "git commit -m *" in found.draft.text


def test_hosts_keep_their_methods_and_paths(tmp_path: Path) -> None:
    text = 'policy "p" allow connect "api.example", "http://old.example" allow run "curl **", "curl -X *" '
    asked = [request("connect", f"https://api.example/v1/{n}", method="GET") for n in range(3)]
    asked += [request("connect", "http://old.example/x", method="POST")]
    found, made = learned(decided(tmp_path / "log", asked, text), text)
    assert found.kept and found.narrow
    assert says(made, request("connect", "https://api.example/v1/9", method="GET")) == "allow"
    assert says(made, request("connect", "https://api.example/v1/9", method="POST")) == "deny"
    assert says(made, request("connect", "https://api.example/v2/9", method="GET")) == "deny"
    assert says(made, request("connect", "http://old.example/x", method="POST")) == "allow"


def test_names_and_refs(tmp_path: Path) -> None:
    text = 'policy "p" allow call "**" allow push "**", "fork:**" allow use, setenv, do "**"'
    asked = [request("call", f"github.get_{n}") for n in "abcdef"] + [request("call", "github.delete_repo")]
    asked += [request("push", f"agent/{n}") for n in range(6)] + [request("push", "fork:main"), request("use", "T")]
    asked += [request("setenv", "CI"), request("do", "deploy.preview")]
    found, made = learned(decided(tmp_path / "log", asked, text), text)
    assert found.kept and found.narrow
    assert says(made, request("call", "github.get_z")) == "allow"
    assert says(made, request("call", "github.delete_all")) == "deny"
    assert says(made, request("push", "agent/9")) == "allow" and says(made, request("push", "main")) == "deny"
    assert says(made, request("push", "fork:other")) == "deny"


def test_agents_and_repositories_are_kept_apart(tmp_path: Path) -> None:
    text = 'policy "p" allow read "**"'
    asked = [request("read", "a", agent="x", repo="acme/web"), request("read", "b", agent="y"), request("read", "b", agent="z")]  # fmt: skip
    found, made = learned(decided(tmp_path / "log", asked, text), text)
    assert found.kept and found.narrow
    assert says(made, request("read", "a", agent="x", repo="acme/web")) == "allow"
    assert says(made, request("read", "a", agent="x", repo="acme/other")) == "deny"
    assert says(made, request("read", "a", agent="y")) == "deny"
    assert 'agent "y", "z"' in found.draft.text


def test_what_could_not_be_read_stays_with_a_person(tmp_path: Path) -> None:
    text = 'policy "p"\ntier t { approvers "@x" }\nask t run opaque\nallow read "**"'
    found, made = learned(decided(tmp_path / "log", [request("run", "$X"), request("read", "a")], text), text)
    assert found.kept and found.narrow and says(made, request("run", "$Y")) == "ask"
    text = 'policy "p"\nallow run opaque\nallow read "**"'
    found, made = learned(decided(tmp_path / "other", [request("run", "$X"), request("read", "a")], text), text)
    assert not found.kept and any("could not be read" in why for _, _, why in found.observed.lost)
    assert says(made, request("run", "$X")) == "deny"


def test_attributes_are_declared_as_in_force_or_as_they_were_given(tmp_path: Path) -> None:
    text = 'policy "p"\ncontext { env: "dev" | "prod" = "dev"\n n: int\n ok: bool = false }\nallow read "**" when env == "dev"'
    log = decided(tmp_path / "log", [request("read", "a", context={"env": "dev", "n": 3, "ok": True})], text)
    found, made = learned(log, text)
    assert found.kept and made.attributes == Policy.loads(text).attributes
    found, made = learned(log)
    assert found.kept and {n: a.type for n, a in made.attributes.items()} == {"env": "string", "n": "int", "ok": "bool"}


def test_within_the_policy_in_force_nothing_can_go_beyond_it(tmp_path: Path) -> None:
    """A condition that a log does not show: alone the policy goes beyond, and says so."""
    text = 'policy "p"\ncontext { env: string }\ntier t { approvers "@x" }\nallow use "KEY" when env == "prod"\nask t write "a"\n'
    log = decided(tmp_path / "log", [request("use", "KEY", context={"env": "prod"}), request("write", "a", context={"env": "x"})], text)  # fmt: skip
    old = tmp_path / "old.policy"
    old.write_text(text)
    alone = policy("learn", log, "--against", old, "-o", tmp_path / "new.policy")
    assert alone.code == 1 and "1 things beyond" in alone.out and "`--within`" in alone.out
    done = policy("learn", log, "--against", old, "--within", "-o", tmp_path / "new.policy")
    assert done.code == 0 and "proved replayed: 2 of 2" in done.out and "0 things beyond" in done.out
    assert 'within "old.policy"' in (tmp_path / "new.policy").read_text()
    asked = ["use", "KEY", "--agent", "a", "--workspace", "/w"]
    assert policy("check", tmp_path / "new.policy", *asked, "--context", "env=prod").code == 0
    assert policy("check", tmp_path / "new.policy", *asked, "--context", "env=dev").code == 1


hostile = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=share(40))
@given(st.lists(st.tuples(st.sampled_from(["read", "use", "do", "setenv"]), hostile), min_size=1, max_size=10), hostile)
def test_no_text_in_a_record_writes_policy(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[str, str]], agent: str
) -> None:
    """Names that agents chose end up in a policy: as text, never as rules."""
    text = 'policy "p" allow read "**" allow use, do, setenv "**"'
    log = decided(tmp_path_factory.mktemp("learn") / "log", [request(a, r, agent=agent) for a, r in asked], text)
    found, made = learned(log)
    for action, resource in asked:
        if says(Policy.loads(text), request(action, resource, agent=agent)) == "allow" and found.kept:
            assert says(made, request(action, resource, agent=agent)) == "allow"
    assert says(made, request("run", "true", agent=agent)) == "deny"
    assert says(made, request("write", "x", agent=agent)) == "deny"


@pytest.mark.parametrize("name", ["log", "ask", "-a", "123", "a.b", "a b", "\u00e9", "a\n", "x" * 65])
def test_a_name_that_no_policy_can_say_is_told_and_not_learned(tmp_path: Path, name: str) -> None:
    """Records may come from anywhere: the names of tiers, attributes and agents in them are data."""
    log = decided(tmp_path / "log", [request("read", "src/a"), request("write", "src/b")])
    rows = [json.loads(line) for line in (log / "00000001.jsonl").read_text().splitlines()]
    asked = next(r for r in rows if r.get("effect") == "ask")
    asked["tiers"] = [name]
    for effect in asked["effects"]:
        effect["tiers"] = [name] if effect["effect"] == "ask" else []
    given_ = next(r for r in rows if r.get("effect") == "allow")
    given_["request"]["context"] = {name: "x", "now": "x", "env": "dev"}
    given_["request"]["agent"] = name
    other = tmp_path / "records.jsonl"
    other.write_text("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in rows))
    done = policy("learn", other, "--workers", "1", "--format", "json")
    assert done.code in {1, 3} and not done.err
    found = json.loads(done.out)
    reasons = {row["why"] for row in found["not_learned"]}
    assert {"no policy can have said that", "no policy can declare its attributes"} <= reasons
    assert "env: string" in found["policy"]
    Policy.loads(found["policy"])


names = st.sampled_from(["a", "b", "c", "secret"])
paths = st.builds("/".join, st.lists(names, min_size=1, max_size=3))
effects = st.sampled_from(["allow", "allow", "deny", "ask review"])
actions = st.sampled_from(["read", "write", "read, write"])
patterns = st.builds('"{}{}"'.format, paths, st.sampled_from(["", "/**", "/*", "/"]))
rules = st.lists(st.builds("{} {} {}".format, effects, actions, patterns), min_size=1, max_size=5)


@settings(deadline=None, max_examples=share(60))
@given(rules, st.lists(st.tuples(st.sampled_from(["read", "write"]), paths), min_size=1, max_size=20))
def test_learning_is_between_what_was_seen_and_what_is_in_force(
    tmp_path_factory: pytest.TempPathFactory, given_rules: list[str], asked: list[tuple[str, str]]
) -> None:
    text = "\n".join(['policy "p"', 'tier review { approvers "@x" }', *given_rules])
    log = decided(tmp_path_factory.mktemp("learn") / "log", [request(a, r) for a, r in asked], text)
    old = Policy.loads(text)
    found, made = learned(log, text, evidence=2)
    assert found.kept and found.narrow, found.draft.text
    order = {"deny": 0, "ask": 1, "allow": 2}
    for action in ("read", "write"):
        for path in {r for _, r in asked} | {"a", "a/b", "a/b/c", "b", "secret", "a/secret", "x", "a/x"}:
            assert order[says(made, request(action, path))] <= order[says(old, request(action, path))], (action, path)
    for action, path in asked:
        assert says(made, request(action, path)) == says(old, request(action, path))


def test_the_command_writes_a_policy_that_compiles(tmp_path: Path) -> None:
    log = decided(tmp_path / "log", [request("read", f"src/{n}.ts") for n in range(6)])
    old = tmp_path / "old.policy"
    old.write_text(POLICY)
    done = policy("learn", log, "--against", old, "-o", tmp_path / "new.policy", "--name", "acme/web")
    assert done.code == 0 and "proved replayed: 6 of 6" in done.out and "0 things beyond" in done.out
    assert (tmp_path / "new.policy").read_text().count("policy ") >= 1
    assert policy("check", tmp_path / "new.policy", "read", "src/x.ts", "--agent", "a").code == 0
    assert policy("replay", log, "--policy", tmp_path / "new.policy", "--fail-on", "any").code == 0
    value = policy("learn", log, "--format", "json").json()
    assert value["kept"] and value["rules"][0]["patterns"] == [{"text": "src/*.ts", "values": 6, "judge": True}]
    exact = policy("learn", log, "--exact")
    assert '"src/0.ts"' in exact.out and "*.ts" not in exact.out


def test_nothing_is_learned_from_a_log_that_was_edited(tmp_path: Path) -> None:
    log = decided(tmp_path / "log", [request("read", "src/a"), request("read", "/etc/shadow")])
    path = log / "00000001.jsonl"
    path.write_text(path.read_text().replace('"effect":"deny"', '"effect":"allow"'))
    done = policy("learn", log)
    assert done.code == 2 and "not whole: record 3" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["LOG", "--within"], "needs `--against"),
        (["LOG", "--name", 'x" allow read'], "is not a valid name"),
        (["LOG", "--without", "nosuch"], "PLE204"),
        (["LOG", "--agent", "nobody"], "holds no decision"),
        (["LOG", "--against", "nowhere.policy"], "PLE001"),
        (["nowhere"], "there is no log"),
    ],
)
def test_bad_input_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    log = decided(tmp_path / "log", [request("read", "src/a")])
    done = policy("learn", *[log if a == "LOG" else a for a in arguments], cwd=tmp_path)
    assert done.code == 2 and message in done.err


def test_a_label_that_is_no_name_is_bad_input(tmp_path: Path) -> None:
    log = decided(tmp_path / "log", [request("read", "src/a")])
    done = policy("learn", log, "--workers", "1", "--without", "-a b")
    assert done.code == 2 and "'-a b' is not a valid name" in done.err


def test_more_attributes_than_a_policy_can_declare_are_told(tmp_path: Path) -> None:
    most = limit("context_attributes")
    log = decided(tmp_path / "log", [request("read", "src/a"), request("read", "src/b")])
    rows = [json.loads(line) for line in (log / "00000001.jsonl").read_text().splitlines()]
    next(r for r in rows if r.get("effect") == "allow")["request"]["context"] = {f"a{i}": "x" for i in range(most + 6)}
    other = tmp_path / "records.jsonl"
    other.write_text("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in rows))
    done = policy("learn", other, "--workers", "1", "--format", "json")
    assert done.code == 3
    assert [r["times"] for r in json.loads(done.out)["not_learned"] if "more context attributes" in r["why"]] == [6]


def watched_log(folder: Path, asked: list[Request], text: str) -> Path:
    """A log of a policy that is only observed."""
    from policy_lang.audit.log import DecisionLog
    from policy_lang.audit.recorder import commit, watched
    from policy_lang.domain.observe import observed

    made, log = Policy.loads(text), DecisionLog(str(folder), flush=False)
    for one in asked:
        found = watched(lambda r: observed(made.decide_request(r), frozenset()), one, {"by": "hook", "pid": 1})
        commit(log, (found,))
    log.close()
    return folder


def test_what_was_only_observed_is_learned_when_it_is_wanted(tmp_path: Path) -> None:
    text = """policy "p"
tier review { approvers "@team" }
allow read "src/**"
ask review write "package.json"
deny read "keys/**"
"""
    passed = [request("read", "lib/a"), request("run", "make lint"), request("read", "src/a")]
    asks = [request("write", "package.json"), request("run", "cat lib/b > package.json")]
    stopped = [
        request("read", "keys/a"),
        request("run", "cat keys/a"),
        request("run", "$X y"),
        request("write", ".git/hooks/x"),
    ]
    watched_log(tmp_path / "log", passed + asks + stopped, text)
    (tmp_path / "p.policy").write_text(text)
    without = policy("learn", "log", "-o", "without.policy", cwd=tmp_path)
    assert without.code == 0, without.out
    done = policy("learn", "log", "--observed", "-o", "with.policy", cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    old, new = (Policy.load(str(tmp_path / name)) for name in ("without.policy", "with.policy"))
    assert [says(old, r) for r in passed] == ["deny", "deny", "allow"]
    assert [says(new, r) for r in passed] == ["allow"] * 3
    assert [says(new, r) for r in asks] == ["ask"] * 2
    assert [says(new, r) for r in stopped] == ["deny"] * 4


def test_what_was_seen_behind_walls_is_granted_there_alone(tmp_path: Path) -> None:
    """Whatever was also seen without them is granted everywhere."""
    text = 'policy "p" allow read, write "**" allow run "**"'
    asked = [request("write", f"out/{n}", confined=True) for n in range(8)]
    asked += [request("run", "make all -j 4", confined=True), request("run", "git status", confined=True)]
    asked += [request("run", "git status"), request("read", "src/a")]
    found, made = learned(decided(tmp_path / "log", asked, text), text)
    assert found.kept and found.narrow
    for confined, effect in ((True, "allow"), (False, "deny")):
        assert says(made, request("write", "out/3", confined=confined)) == effect
        assert says(made, request("run", "make all -j 4", confined=confined)) == effect
        assert says(made, request("run", "git status", confined=confined)) == "allow"
        assert says(made, request("read", "src/a", confined=confined)) == "allow"
    assert found.draft.text.count("git status") == 1
