"""Decisions: layers, floor, tiers, absent attributes, time, partly known resources, threads."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from policy_lang import Policy, Request
from policy_lang.engine.memo import Memo

TIERS = """
tier review { approvers "@r" }
tier security { approvers "@s" includes review }
tier legal { approvers "@l" }
"""


def decide(text: str, action: str, resource: str, **more: object) -> tuple[str, tuple[str, ...]]:
    decision = Policy.loads(f'policy "p"\n{TIERS}{text}').decide(action=action, resource=resource, **more)  # type: ignore[arg-type]
    return decision.effect, decision.tiers


def test_nothing_is_allowed_that_no_rule_grants() -> None:
    assert decide("", "read", "a") == ("deny", ())
    decision = Policy.loads('policy "p"\nallow read "b"').decide(action="read", resource="a")
    assert decision.reasons == ("no rule of `p` grants `read` on this",)
    assert decision.rules == ()


def test_the_strictest_wins_whatever_the_order() -> None:
    rules = ['allow read "**"', 'ask review read "a*"', 'deny read "ab"']
    for order in (rules, rules[::-1]):
        text = "\n".join(order)
        assert decide(text, "read", "x") == ("allow", ())
        assert decide(text, "read", "aa") == ("ask", ("review",))
        assert decide(text, "read", "ab") == ("deny", ())


def test_an_exception_cannot_reopen_another_rule() -> None:
    text = 'allow read "**"\ndeny read "a/**" except "a/b"\ndeny read "a/b"'
    assert decide(text, "read", "a/b") == ("deny", ())


def test_tiers_add_up_and_included_ones_are_left_out() -> None:
    text = 'ask review read "**"\nask security read "a"\nask legal read "a", "b"'
    assert decide(text, "read", "x") == ("ask", ("review",))
    assert decide(text, "read", "b") == ("ask", ("legal", "review"))
    assert decide(text, "read", "a") == ("ask", ("legal", "security"))


def test_an_absent_attribute_is_read_against_the_agent() -> None:
    context = 'context { env: "dev" | "prod" }\n'
    assert decide(context + 'allow read "a" when env == "dev"', "read", "a") == ("deny", ())
    assert decide(context + 'allow read "a"\ndeny read "a" when env == "prod"', "read", "a") == ("deny", ())
    assert decide(context + 'allow read "a"\nask review read "a" when env == "prod"', "read", "a") == (
        "ask",
        ("review",),
    )
    assert decide(context + 'ask review read "a" when env == "prod"', "read", "a") == ("deny", ())
    assert decide(context + 'allow read "a" when not env == "prod"', "read", "a") == ("deny", ())
    assert decide(context + 'allow read "a" when env == "dev" or agent == "x"', "read", "a", agent="x") == ("allow", ())
    assert decide('agent "x" { deny read "a" }\nallow read "a"', "read", "a") == ("deny", ())
    reasons = (
        Policy.loads(f'policy "p"\n{context}allow read "a" when env == "dev"')
        .decide(action="read", resource="a")
        .reasons
    )
    assert "`env` is not given" in reasons[0]


@pytest.mark.parametrize("context", [{"other": 1}, {"env": "nope"}, {"env": 1}, {"n": True}, {"n": "1"}, {"ok": 1}])
def test_a_wrong_context_denies(context: dict[str, object]) -> None:
    text = 'context { env: "dev" | "prod"\n n: int\n ok: bool }\nallow read "a"'
    assert decide(text, "read", "a", context=context) == ("deny", ())
    assert decide(text, "read", "a", context={"env": "dev", "n": 1, "ok": True}) == ("allow", ())


def test_context_values_are_told_apart_by_type() -> None:
    policy = Policy.loads('policy "p"\ncontext { n: int\n ok: bool }\nallow read "a" when n == 1 or ok')
    assert policy.decide(action="read", resource="a", context={"n": 1, "ok": True}).effect == "allow"
    assert policy.decide(action="read", resource="a", context={"n": True, "ok": True}).effect == "deny"
    assert policy.decide(action="read", resource="a", context={"n": 1, "ok": 1}).effect == "deny"


def test_time() -> None:
    tuesday = 1795509000.0  # 2026-11-24T08:30Z
    for text, effect in (
        ("until 2026-11-24", "allow"), ("until 2026-11-23", "deny"), ("until 2026-11-24T08:31Z", "allow"),
        ("until 2026-11-24T08:30Z", "deny"), ("when now in 08:30..08:31", "allow"), ("when now in 08:00..08:30", "deny"),
        ("when now in 22:00..09:00", "allow"), ("when now in tue..tue", "allow"), ("when now in wed..mon", "deny"),
        ("when now in sat..tue", "allow"), ("when now < 2026-11-24", "deny"), ("when now >= 2026-11-24", "allow"),
    ):  # fmt: skip
        assert decide(f'allow read "a" {text}', "read", "a", now=tuesday)[0] == effect, text


def test_the_clock_is_read_when_nobody_says_the_time() -> None:
    assert decide('allow read "a" until 2020-01-01', "read", "a") == ("deny", ())
    assert decide('allow read "a" until 9000-01-01', "read", "a") == ("allow", ())


def test_the_floor_and_its_override() -> None:
    for path in (".git/hooks/x", "a/.git/config", ".claude/x", "~/.bashrc", ".git", "/x/.codex/y", "/etc/profile.d/x"):
        for action in ("write", "delete"):
            assert decide('allow write, delete "/", "~/", "./"', action, path)[0] == "deny", path
        assert decide('allow read "/", "~/", "./"', "read", path)[0] == "allow", path
    grant = 'allow write "./"\n'
    assert decide(grant + 'allow write ".git/config" override protected', "write", ".git/config")[0] == "allow"
    assert decide(grant + 'allow write ".git/config" override protected', "write", ".git/hooks/x")[0] == "deny"
    assert decide(grant + 'ask review write ".git/config" override protected', "write", ".git/config")[0] == "ask"
    assert (
        decide(grant + 'agent "x" { allow write ".git/config" override protected }', "write", ".git/config")[0]
        == "deny"
    )
    overridden = 'allow write ".git/config" override protected\ndeny write ".git/**"'
    assert decide(overridden, "write", ".git/config")[0] == "deny"


def files(folder: Path, **texts: str) -> Policy:
    for name, text in texts.items():
        (folder / f"{name}.policy").write_text(text)
    return Policy.load(str(folder / "root.policy"))


def test_a_ceiling_holds_whatever_the_policy_says(tmp_path: Path) -> None:
    policy = files(
        tmp_path,
        root='policy "root"\nwithin "org.policy"\nallow read, write "./"\nask review read "asked"',
        org=f'policy "org"\n{TIERS}allow read "./"\nask legal read "law", "asked"\nwithin "guard.policy"',
        guard='guardrail "guard"\ndeny read "secret/**"\nask security read "law"',
    )

    def ask(action: str, resource: str) -> tuple[str, tuple[str, ...]]:
        decision = policy.decide(action=action, resource=resource)
        return decision.effect, decision.tiers

    assert ask("read", "a") == ("allow", ())
    assert ask("write", "a") == ("deny", ())
    assert ask("read", "secret/x") == ("deny", ())
    assert ask("read", "law") == ("ask", ("legal", "security"))
    assert ask("read", "asked") == ("ask", ("legal", "review"))


def test_a_ceiling_must_override_the_floor_as_well(tmp_path: Path) -> None:
    root = 'policy "root"\nwithin "org.policy"\nallow write ".claude/x" override protected'
    assert (
        files(tmp_path, root=root, org='policy "org"\nallow write "./"')
        .decide(action="write", resource=".claude/x")
        .effect
        == "deny"
    )
    assert (
        files(tmp_path, root=root, org='policy "org"\nallow write "./" override protected')
        .decide(action="write", resource=".claude/x")
        .effect
        == "allow"
    )


def test_a_ceiling_of_an_import_holds_for_all(tmp_path: Path) -> None:
    policy = files(
        tmp_path, root='policy "root"\nimport "lib.policy"\nallow read "./"',
        lib='policy "lib"\nwithin "org.policy"\nallow read "lib/**"', org='policy "org"\nallow read "lib/**"',
    )  # fmt: skip
    assert policy.decide(action="read", resource="lib/a").effect == "allow"
    assert policy.decide(action="read", resource="a").effect == "deny"


def test_imports_are_union_and_labels_can_be_left_out(tmp_path: Path) -> None:
    lib = 'policy "lib"\nrule one: deny read "one"\nrule two: deny read "two"\nallow read "./"'
    whole = files(tmp_path, root='policy "root"\nimport "lib.policy"', lib=lib)
    part = files(tmp_path, root='policy "root"\nimport "lib.policy" without one', lib=lib)
    assert [whole.decide(action="read", resource=r).effect for r in ("one", "two", "x")] == ["deny", "deny", "allow"]
    assert [part.decide(action="read", resource=r).effect for r in ("one", "two", "x")] == ["allow", "deny", "allow"]


def test_a_guardrail_grants_nothing(tmp_path: Path) -> None:
    alone = Policy.loads(f'guardrail "g"\n{TIERS}ask review read "a"\ndeny read "b"')
    for resource in ("a", "b", "c"):
        assert alone.decide(action="read", resource=resource).effect == "deny"
    policy = files(
        tmp_path,
        root=f'policy "root"\n{TIERS}import "g.policy"\nallow read "a"',
        g='guardrail "g"\nask review read "a", "b"',
    )
    assert policy.decide(action="read", resource="a").effect == "ask"
    assert policy.decide(action="read", resource="b").effect == "deny"


@pytest.mark.parametrize(
    ("pattern", "effect"),
    [("src/**", "deny"), ("src/a/**", "ask"), ("src/b/**", "allow"), ("src/b/*.ts", "allow"), ("src/[!e]/x", "ask"), ("src/*/x", "deny"),
     ("other/**", "deny"), ("src/[!a]/x", "deny"), ("src/[b-d]/x", "allow"), ("**", "deny"), ("src/../x", "deny")],
)  # fmt: skip
def test_a_partly_known_path_is_decided_for_every_member(pattern: str, effect: str) -> None:
    text = 'allow read "src/**"\nask review read "src/a/**"\ndeny read "src/secret", "src/e/**"'
    assert decide(text, "read", pattern, pattern=True)[0] == effect


def test_a_partly_known_path_below_a_known_workspace() -> None:
    text = 'allow read "/repo/build/**", "other/**"\ndeny read "build/secret/**"'
    where = {"workspace": "/repo", "home": "/home/me", "lexical": True, "pattern": True}
    assert decide(text, "read", "build/x/**", **where)[0] == "allow"
    assert decide(text, "read", "build/**", **where)[0] == "deny"
    assert decide(text, "read", "build/*", **where)[0] == "allow"  # build/secret itself is not in build/secret/**


def test_a_partly_known_command_host_and_name() -> None:
    assert decide('allow run "tool build/*"', "run", "tool build/*", pattern=True)[0] == "allow"
    assert decide('allow run "rm build/*"', "run", "rm **", pattern=True)[0] == "deny"
    assert decide('allow run "git **"\ndeny run "git **" with "-f"', "run", "git push *", pattern=True)[0] == "deny"
    assert decide('allow connect "**.example"', "connect", "*.x.example", pattern=True)[0] == "allow"
    assert decide('allow connect "*.x.example"', "connect", "**.example", pattern=True)[0] == "deny"
    assert decide('allow call "a.*"', "call", "a.*", pattern=True)[0] == "allow"
    assert decide('allow call "a.b"', "call", "a.*", pattern=True)[0] == "deny"


def test_log_is_an_obligation_of_grants() -> None:
    policy = Policy.loads('policy "p"\nallow read "a" log\nallow read "b"')
    assert policy.decide(action="read", resource="a").obligations == ("log",)
    assert policy.decide(action="read", resource="b").obligations == ()


def test_rule_ids_survive_edits_elsewhere() -> None:
    rule = 'allow read "src/**" when agent == "x" because "why"'
    one = Policy.loads(f'policy "p"\n{rule}').decide(action="read", resource="src/a", agent="x")
    two = Policy.loads(f'policy "p"\n# moved\ndeny read "x"\n\n{rule}').decide(
        action="read", resource="src/a", agent="x"
    )
    assert one.rules[0].id == two.rules[0].id
    assert (one.rules[0].line, two.rules[0].line) == (2, 5)
    assert one.rules[0].because == "why"


def test_the_digest_is_of_the_meaning() -> None:
    base = 'policy "p"\nallow read "a"\ndeny read "b"'
    same = '# c\npolicy "p"\n\ndeny   read "b"\nallow read "a" # x'
    assert Policy.loads(base).digest == Policy.loads(same).digest
    for other in ('allow read "a"\ndeny read "c"', 'allow read "a"\ndeny read "b" when agent == "x"', 'allow read "a"'):
        assert Policy.loads('policy "p"\n' + other).digest != Policy.loads(base).digest


def test_decisions_have_their_own_ids_and_name_their_policy() -> None:
    policy = Policy.loads('policy "p"\nallow read "a"')
    one, two = (policy.decide(action="read", resource="a") for _ in range(2))
    assert one.id != two.id
    assert len(one.id) == 32
    assert one.policy_digest == policy.digest
    assert one.id == one.id
    assert one.effects[0].resource == "a"


@pytest.mark.parametrize("bad", [None, 7, b"a", {"a": 1}, ("a", "b"), ["a", "b"], object()])
def test_wrong_types_are_denied_not_raised(bad: object) -> None:
    policy = Policy.loads('policy "p"\nallow read "./"\nallow connect "**"')
    for action in ("read", "connect", "push", "nope", None):
        assert policy.decide(action=action, resource=bad).effect == "deny"  # type: ignore[arg-type]
    for field in ("agent", "repo", "branch", "cwd", "workspace", "home", "method", "shell"):
        values = {field: bad} if bad is not None else {field: 7}
        decision = policy.decide(action="read", resource="a", **values)  # type: ignore[arg-type]
        assert decision.effect in {"deny", "allow"}
    assert policy.decide(action="run", resource=bad).effect == "deny"  # type: ignore[arg-type]


def test_a_fault_inside_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy.loads('policy "p"\nallow read "a"')
    monkeypatch.setattr("policy_lang.ir.sorts.path.path_forms", lambda *_: 1 / 0)
    decision = policy.decide_request(Request("read", "a"))
    assert decision.effect == "deny"
    assert "PLI001" in decision.reasons[0]


def test_the_search_limit_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy.loads('policy "p"\nallow read "./"\ndeny read "**/a*/**/b*"')
    monkeypatch.setattr("policy_lang.automata.budget.limit", lambda _: 1)
    decision = policy.decide(action="read", resource="x/**/y*", pattern=True)
    assert decision.effect == "deny"
    assert "undecided" in decision.reasons[0]


def test_many_threads_get_the_same_answers() -> None:
    rules = "\n".join(f'{"deny" if i % 3 == 0 else "allow"} read "d{i}/**/*.x{i % 7}"' for i in range(200))
    text = f'policy "p"\nallow read "d*/**"\n{rules}'
    paths = [f"d{i}/a/b{i}.x{j}" for i in range(200) for j in range(7)]
    alone = Policy.loads(text)
    expected = [alone.decide(action="read", resource=p).effect for p in paths]
    shared = Policy.loads(text)
    failures: list[str] = []

    def work(seed: int) -> None:
        for offset in range(len(paths)):
            at = (offset * 37 + seed * 101) % len(paths)
            if shared.decide(action="read", resource=paths[at]).effect != expected[at]:
                failures.append(paths[at])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_caches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_lang.automata.walker.MAX_STATES", 8)
    monkeypatch.setattr("policy_lang.automata.walker.MAX_CLASSES", 16)
    monkeypatch.setattr("policy_lang.engine.pdp._MOST_ANSWERS", 10)
    rules = "\n".join(f'allow read "d{i}/**"' for i in range(50))
    policy = Policy.loads(f'policy "p"\n{rules}\ndeny read "**/secret"')
    for _ in range(2):
        for i in range(50):
            assert policy.decide(action="read", resource=f"d{i}/f{i}").effect == "allow"
            assert policy.decide(action="read", resource=f"d{i}/secret").effect == "deny"
    table = policy.engine.evaluator.table("read")
    assert len(table.walker._cache.states) <= 9
    assert table.walker.flushes > 0
    assert len(policy._engine._answers) <= 10


def test_states_are_bounded_where_classes_are_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_lang.automata.walker.MAX_STATES", 8)
    rules = "\n".join(f'allow read "d{i}/**"' for i in range(50))
    policy = Policy.loads(f'policy "p"\n{rules}')
    for i in range(50):
        assert policy.decide(action="read", resource=f"d{i}/f").effect == "allow"
    walker = policy.engine.evaluator.table("read").walker
    assert walker.flushes > 0
    assert len(walker._cache.states) <= 9


def test_a_full_memo_starts_anew() -> None:
    memo = Memo(2)
    for key in "abc":
        memo.keep(key, key.upper())
    assert memo == {"c": "C"}
    assert memo.get("a") is None
    with pytest.raises(TypeError):
        memo.keep([], 1)


def test_explain_says_why_each_rule_holds_or_not() -> None:
    policy = Policy.loads(f"""policy "p"
{TIERS}context {{ env: "dev" | "prod" }}
rule a: allow read "src/**" except "src/x"
rule b: deny read "src/**" when env == "prod"
rule c: ask review read "lib/**"
rule d: allow read "src/**" when env == "dev"
""")
    explained = policy.explain(Request("read", "src/x", context={"env": "prod"}))
    answers = {a.rule.id: (a.holds, a.why) for a in explained.rules}
    assert answers["p#a"] == ("no", "its `except` matches")
    assert answers["p#b"] == ("yes", "it matches")
    assert answers["p#c"] == ("no", "no pattern matches")
    assert answers["p#d"] == ("no", "its conditions do not hold")
    assert explained.reading == ("<workspace>/src/x",)
    unknown = policy.explain(Request("read", "src/a"))
    assert {a.rule.id: a.holds for a in unknown.rules}["p#b"] == "maybe"
    assert policy.explain(Request("read", "a\0b")).reading[0].startswith("refused (PLR005)")


def test_what_is_remembered_lexically_is_not_the_answer_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/link").symlink_to("/etc")
    policy = Policy.loads('policy "p"\nallow run "cat **"\nallow read "src/**"')
    where = {"workspace": str(tmp_path), "home": "/h", "cwd": str(tmp_path)}
    for first in (True, False):
        answers = {
            lexical: policy.decide(action="run", resource="cat src/link/passwd", lexical=lexical, **where).effect
            for lexical in (first, not first)
        }
        assert answers == {True: "allow", False: "deny"}
        asked = {
            lexical: policy.decide_request(Request("run", "cat src/link/passwd", lexical=lexical, **where)).effect
            for lexical in (first, not first)
        }
        assert asked == answers


def test_a_reason_says_whether_a_rule_applies_or_only_may() -> None:
    text = 'policy "p"\ncontext { env: "dev" | "prod" }\nallow read "**"\ndeny read "a" when env == "prod"\ndeny read "b"\n'
    policy = Policy.loads(text)
    (open_one,) = policy.decide(action="read", resource="a").reasons
    assert open_one.endswith(" denies it (it may apply: `env` is not given)")
    for resource, context in (("a", {"env": "prod"}), ("b", {})):
        (certain,) = policy.decide(action="read", resource=resource, context=context).reasons
        assert certain.endswith(" denies it")


def test_braces_in_a_class_are_no_group() -> None:
    policy = Policy.loads('policy "p"\nallow read "x[{]y{a,b}", "[}]z{c,d}"')
    for name, effect in (
        ("x{ya", "allow"),
        ("x{yb", "allow"),
        ("xya", "deny"),
        ("}zc", "allow"),
        ("}zd", "allow"),
        ("zc", "deny"),
    ):
        assert policy.decide(action="read", resource=name).effect == effect, name


def test_a_class_of_one_character_is_that_character() -> None:
    for pattern, names, others in (
        ("a[*]b", ("a*b",), ("aab", "axb", "a[b")),
        ("[?]", ("?",), ("x", "[")),
        ("x[[]y", ("x[y",), ("xxy", "xy")),
    ):
        policy = Policy.loads(f'policy "p"\nallow read "{pattern}"')
        for name in names:
            assert policy.decide(action="read", resource=name).effect == "allow", (pattern, name)
        for name in others:
            assert policy.decide(action="read", resource=name).effect == "deny", (pattern, name)


def test_a_reason_says_what_is_not_known() -> None:
    policy = Policy.loads('policy "x"\nrule env: deny read ".env"\nallow run "**"')
    places = {"workspace": "/w", "home": "/h", "lexical": True}
    unknown = policy.decide_request(Request("run", "cat $X", **places))  # type: ignore[arg-type]
    assert unknown.reasons[1].endswith("`x#env` denies it (it may apply: the path is not known)")
    nowhere = policy.decide_request(Request("read", "/w/.env"))
    assert nowhere.reasons == ("`x#env` denies it (it may apply: `workspace` or `home` is not given)",)


def test_a_path_is_shown_as_a_folder_only_where_it_may_be_one(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.ts").touch()
    policy = Policy.loads('policy "x"\nallow run "**"')

    def shown(script: str, lexical: bool = False) -> set[object]:
        request = Request("run", script, workspace=str(tmp_path), lexical=lexical)
        return {e.resource for e in policy.decide_request(request).effects if e.action == "read"}

    assert shown("git diff -- src/a.ts src") == {"src/a.ts", "src/"}
    assert shown("git diff -- src/a.ts", lexical=True) == {"src/a.ts/"}
    assert shown("cd src; cat .env") == {"src/.env or .env"}


@pytest.mark.parametrize(
    "name", ["user:alice", "user:rick@the-citadel.example", "a b", "ci//x", "*?", "~^", "\u00fcber"]
)
def test_an_agent_of_any_name_can_be_named(name: str) -> None:
    text = f'policy "p"\nallow read "**" when agent == "{name}"\nallow write "**" when agent != "{name}"\n'
    policy = Policy.loads(text)
    for agent, read in ((name, "allow"), ("other", "deny")):
        assert policy.decide(action="read", resource="x", agent=agent, lexical=True).effect == read
        assert policy.decide(action="write", resource="x", agent=agent, lexical=True).effect != read
    scoped = Policy.loads('policy "p"\nagent "user:*" { allow read "**" }\n')
    assert scoped.decide(action="read", resource="x", agent="user:alice", lexical=True).effect == "allow"
    assert scoped.decide(action="read", resource="x", agent="group:alice", lexical=True).effect == "deny"
