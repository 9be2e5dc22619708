"""Cedar, by cedarpy: one policy a rule, `like` where we have patterns. Its `*` also crosses `/`: there is nothing narrower."""

import json

import cedarpy
from harness import Decide, Rule, main


def _like(texts: list[str]) -> str:
    return " || ".join(f"context.text {'like' if '*' in t else '=='} {json.dumps(t)}" for t in texts)


def load(rules: list[Rule]) -> Decide:
    out = []
    for rule in rules:
        effect = "permit" if rule["effect"] == "allow" else "forbid"
        unless = f" unless {{ {_like(rule['but_likes'])} }}" if rule["but_likes"] else ""
        out.append(f"{effect}(principal, action, resource) when {{ {_like(rule['likes'])} }}{unless};")
    policies = "\n".join(out)
    entities = cedarpy.Entities.from_json_str("[]")
    ready = cedarpy.PolicySet.from_str(policies)

    def decide(text: str) -> str:
        request = {
            "principal": 'User::"a"',
            "action": 'Action::"do"',
            "resource": 'Thing::"r"',
            "context": {"text": text},
        }
        return "allow" if cedarpy.is_authorized(request, ready, entities).allowed else "deny"

    return decide


main(load)
