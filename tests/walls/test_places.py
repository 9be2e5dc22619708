"""What is said of trees agrees with what the engine decides of each path in them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_lang.domain.record import replace
from policy_lang.domain.request import Request
from policy_lang.engine.places import Places
from policy_lang.walls.port import DecisionPort
from tests.lanes import share
from tests.properties.strategies import policies, requests
from tests.properties.support import load, request_of

_NAMES = st.sampled_from(
    ["src", "app.ts", ".env", "a.pem", "home", "u", "w", "tmp", "x y", "é", "a\\b", "n\nl", "gen", ".git"]
)
_FOLDERS = ("/home/u/w", "/home/u", "/tmp")


@settings(max_examples=share(600))
@given(st.data())
def test_a_place_is_decided_like_its_path(data: st.DataObject) -> None:
    policy = data.draw(policies())
    loaded = load(policy)
    if loaded is None:
        return
    asked = request_of(data.draw(requests(policy)))
    like = replace(
        asked, confined=True, action="read", resource="/", workspace=_FOLDERS[0], home=_FOLDERS[1], tmp=_FOLDERS[2], cwd=None,
        lexical=True, pattern=False, inner=False, method=None, resolved=(), shell=None,
    )  # fmt: skip
    port = DecisionPort(loaded, like)
    for action in ("read", "write", "delete"):
        places = Places(loaded.engine, action, loaded.timed(like))
        for _ in range(6):
            word = data.draw(
                st.lists(_NAMES, max_size=5).map(tuple)
                | st.lists(_NAMES, max_size=3).map(lambda n: ("home", "u", "w", *n))
            )
            path = "/" + "/".join(word)
            place = places.at(path)
            decided = loaded.decide_request(replace(like, action=action, resource=path))
            assert places.verdict(place).effect == decided.effect, path
            assert port.path(action, path).effect == decided.effect, path
            extent, asked_extent = places.extent(place), places.extent(place, asked=True)
            below = data.draw(st.lists(_NAMES, min_size=1, max_size=3))
            under = loaded.decide_request(replace(like, action=action, resource="/".join((path.rstrip("/"), *below))))
            if extent == "all":
                assert under.effect == "allow" or _is_odd(below), (path, below)
            if extent == "none":
                assert under.effect != "allow", (path, below)
            if asked_extent == "none":
                assert under.effect == "deny", (path, below)
            names = data.draw(st.lists(_NAMES, max_size=4))
            decisions = [
                loaded.decide_request(replace(like, action=action, resource=f"{path.rstrip('/')}/{name}"))
                for name in names
            ]
            refused = [n for n, d in zip(names, decisions, strict=True) if d.effect != "allow"]
            assert places.not_allowed(place, names) == refused, (path, names)
            assert [places.verdict(places.child(place, n)).effect for n in names] == [d.effect for d in decisions]
            for name in list(places.names_below(place, frozenset({"deny"})))[:5]:
                assert loaded.decide_request(replace(like, action=action, resource=name.path)).effect == "deny"


def _is_odd(names: list[str]) -> bool:
    return any("\\" in n or "\n" in n for n in names)


def test_what_rules_spell_out_is_found() -> None:
    from policy_lang import Policy

    policy = Policy.loads('policy "p" allow read "/usr/**" deny read "/usr/local/secret/", "/**/*.pem"')
    places = Places(policy.engine, "read", Request("read", "/", workspace="/w", home="/h"))
    assert places.spelled_out(places.at("/usr")) == ["local"]
    assert places.extent(places.at("/usr/local/secret")) == "none"
    assert places.extent(places.at("/usr/share")) == "some"
    excepted = Policy.loads(
        'policy "p" allow read "/usr/**" deny read "/usr/local/secret/" except "/usr/local/secret/x"'
    )
    places = Places(excepted.engine, "read", Request("read", "/", workspace="/w", home="/h"))
    assert places.extent(places.at("/usr/local/secret")) == "some"


def test_names_are_told_apart_as_each_pattern_tells_them() -> None:
    from policy_lang import Policy

    patterns = [
        "**/.env",
        "**/*.pem",
        "**/id_*",
        "**/a*bcd",
        "**/ab*d",
        "**/x?y",
        "**/*tok*n*",
        "**/[q-s]1",
        "deep/*/*.c",
    ]
    policy = Policy.loads('policy "p" allow read "./" deny read ' + ", ".join(f'"{p}"' for p in patterns))
    places = Places(policy.engine, "read", Request("read", "/", workspace="/w", home="/h"))
    names = [".env", ".envy", "k.pem", ".pem", "pem", "id_", "id_rsa", "xid_", "abcd", "axbcd", "abd", "ab", "xzy", "xy",
             "tokn", "a-tok-n", "q1", "t1", "m.c", "m.h", "plain", "\u00e9"]  # fmt: skip
    for folder, denied in (("/w", 12), ("/w/deep", 12), ("/w/deep/er", 13)):
        place = places.at(folder)
        found = places.not_allowed(place, names)
        assert found == [n for n in names if policy.decide_request(Request("read", f"{folder}/{n}", workspace="/w", home="/h")).effect != "allow"]  # fmt: skip
        assert len(found) == denied
