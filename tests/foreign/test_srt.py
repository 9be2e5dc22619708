"""Settings of srt beyond what is published: overlapping lists, wildcards, hosts, bad input."""

from __future__ import annotations

import json

import pytest

from policy_lang.domain.errors import PolicyError, Source
from policy_lang.foreign.compare import Imported, decided, imported
from policy_lang.foreign.formats import format_named, format_of
from policy_lang.foreign.permissions import IDLE, STRICTNESS, ClientRequest
from policy_lang.foreign.srt import permissions

_LISTS = {"allowedDomains": "network", "deniedDomains": "network"}


def text_of(**lists: list[object]) -> str:
    out: dict[str, dict[str, object]] = {
        "network": {"allowedDomains": [], "deniedDomains": []},
        "filesystem": {"denyRead": [], "allowWrite": [], "denyWrite": []},
    }
    for name, value in lists.items():
        out[_LISTS.get(name, "filesystem")][name] = value
    return json.dumps(out)


def made(**lists: list[object]) -> Imported:
    return imported(permissions([Source(".srt-settings.json", text_of(**lists))]), "imported")


def both(got: Imported, action: str, resource: str) -> tuple[str, str]:
    asked = ClientRequest(action, resource)
    return got.translated.permissions.model(asked), decided(got.translated.policy, asked, confined=True).effect


def test_reads_and_writes_have_opposite_orders() -> None:
    got = made(denyRead=["~", "~/a/b"], allowRead=["~/a"], allowWrite=["."], denyWrite=["keep"])
    for place in ("~/x", "~/a/x", "~/a/b/x", "/etc/hosts", "a.txt", "keep/x", "/srv/a", "keepx"):
        for action in ("read", "write", "delete"):
            theirs, ours = both(got, action, place)
            assert theirs == ours, (action, place)
    assert both(got, "read", "~/a/x") == ("allow", "allow")
    assert both(got, "read", "~/a/b/x") == ("deny", "deny")
    assert both(got, "write", "keep/x") == ("deny", "deny")


def test_wildcards_of_write_lists_are_idle_but_for_a_subtree() -> None:
    got = made(allowWrite=["out/**", "tmp*"], denyWrite=["*.pem"])
    fits = {one.entry.text: one.fit for one in got.outcomes}
    assert fits["allowWrite: tmp*"] == fits["denyWrite: *.pem"] == IDLE
    assert both(got, "write", "out/a") == ("allow", "allow")
    assert both(got, "write", "tmp1/a") == ("deny", "deny")


def test_hosts_and_ports() -> None:
    got = made(
        allowedDomains=["a.example:8443", "*.b.example", "[::1]:80", "localhost"], deniedDomains=["x.b.example", "*:22"]
    )
    for url in (
        "https://a.example/", "https://a.example:8443/", "https://b.example/", "https://q.r.b.example:9/", "https://x.b.example/",
        "ssh://q.b.example:22", "http://[::1]:80/", "http://[::1]:81/", "http://localhost:3000/", "http://127.0.0.1/",
    ):  # fmt: skip
        theirs, ours = both(got, "connect", url)
        assert theirs == ours, url


def test_commands_run_behind_walls_only() -> None:
    got = made()
    asked = ClientRequest("run", "make all")
    assert both(got, "run", "make all") == ("allow", "allow")
    assert decided(got.translated.policy, asked).effect == "deny"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"network": 1}', "\0", '{"network": {"allowedDomains": []}}', text_of(allowedDomains=["*"]),
        text_of(allowedDomains=["*.com"]), text_of(allowedDomains=["https://a.example"]), text_of(denyRead=[1]),
        text_of(denyRead=[""]), text_of(deniedDomains=[["a"]]), '{"a":' * 100,
    ],
)  # fmt: skip
def test_what_it_refuses_is_refused_at_its_place(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        permissions([Source(".srt-settings.json", text)])
    assert [one.code for one in caught.value.diagnostics] == ["PLE601"]
    assert caught.value.diagnostics[0].span is not None


def test_odd_paths_are_no_fault_of_the_program() -> None:
    got = made(
        denyRead=["/", "../x", "a{b", "a\\b", "[a", "**/x", "*", "a\0b"], allowRead=[".", "/usr"], allowWrite=["/", "**"],
        denyWrite=["/**"],
    )  # fmt: skip
    assert not any(d for one in got.outcomes for d in one.differences if STRICTNESS[d.ours] < STRICTNESS[d.theirs])


def test_unknown_keys_are_remarked_on() -> None:
    value = json.loads(text_of())
    value["filesystem"]["denyReads"] = []
    (remark,) = permissions([Source("srt-settings.json", json.dumps(value))]).remarks
    assert "denyReads" in remark[0]


def test_it_is_known_by_name() -> None:
    assert format_of("/home/agent/.srt-settings.json") == format_named("srt")
