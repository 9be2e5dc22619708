"""The manifest for Kubernetes is of its form, and leaves the proxy as the only way out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_lang.exports.model import ExportError
from policy_lang.walls.losses import NOT_HELD
from tests.exports import world

TEXT = 'policy "p" allow read "./" allow connect "example.com" deny connect "10.0.0.0/8:*"'


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    made = world.world()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def parsed(text: str) -> dict[str, object]:
    """The YAML that it writes: mappings and lists by indentation, strings in quotes or plain."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]

    def value(raw: str) -> object:
        return json.loads(raw) if raw[:1] in '"[{' or raw.isdecimal() else raw

    def block(at: int, indent: int) -> tuple[object, int]:
        if lines[at].lstrip().startswith("- "):
            items: list[object] = []
            while at < len(lines) and _indent(lines[at]) == indent and lines[at].lstrip().startswith("- "):
                lines[at] = lines[at].replace("- ", "  ", 1)
                if ":" not in lines[at]:
                    items.append(value(lines[at].strip()))
                    at += 1
                else:
                    item, at = block(at, _indent(lines[at]))
                    items.append(item)
            return items, at
        found: dict[str, object] = {}
        while at < len(lines) and _indent(lines[at]) == indent and not lines[at].lstrip().startswith("- "):
            key, _, rest = lines[at].strip().partition(":")
            at += 1
            if rest.strip():
                found[key] = value(rest.strip())
            else:
                found[key], at = block(at, _indent(lines[at]))
        return found, at

    made, end = block(0, 0)
    assert end == len(lines)
    assert isinstance(made, dict)
    return made


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


@pytest.mark.parametrize(
    ("proxy", "peer"),
    [
        ("10.1.2.3:3128", {"ipBlock": {"cidr": "10.1.2.3/32"}}),
        ("[fd00::1]:3128", {"ipBlock": {"cidr": "fd00::1/128"}}),
        ("app=policy-proxy:3128", {"podSelector": {"matchLabels": {"app": "policy-proxy"}}}),
        ("acme.example/role=yes:3128", {"podSelector": {"matchLabels": {"acme.example/role": "yes"}}}),
    ],
)
def test_the_proxy_is_the_only_way_out(proxy: str, peer: dict[str, object], home: Path) -> None:
    policy, made = world.export("kubernetes", TEXT, home, proxy=proxy)
    assert parsed(made.written.text) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "policy-lang-a"},
        "spec": {
            "podSelector": {"matchLabels": {"policy-lang/agent": "a"}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [peer], "ports": [{"protocol": "TCP", "port": 3128}]}],
        },
    }
    codes = {loss.code for loss in made.losses if loss.held == NOT_HELD}
    assert codes == {"reads", "writes", "deletes", "variables", "words", "remote"}
    world.witnesses_hold(policy, made)


def test_without_a_proxy_there_is_no_way_out(home: Path) -> None:
    _, made = world.export("kubernetes", TEXT, home)
    assert "egress" in (spec := parsed(made.written.text)["spec"])  # type: ignore[operator]
    assert spec["egress"] == []  # type: ignore[index]
    assert "fewer-hosts" in {loss.code for loss in made.losses}
    assert "remote" not in {loss.code for loss in made.losses}


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy.example:3128",
        "10.1.2.3",
        "10.1.2.3:0",
        "10.1.2.3:65536",
        "app=a b:1",
        "=x:1",
        "app=x\ny:1",
        "10.0.0.1/8:80",
        "10.0.0.0/8:80",
    ],
)
def test_what_no_manifest_can_say_is_refused(proxy: str, home: Path) -> None:
    with pytest.raises(ExportError):
        world.export("kubernetes", TEXT, home, proxy=proxy)
