"""Rego, by rego-cpp (`regopy`): rules as data, `regex.match` over them."""

import json

from harness import Decide, Rule, main
from regopy import Interpreter

MODULE = """package bench
import rego.v1

matches(r) if {
    regex.match(r.regex, input.text)
    not regex.match(r.but, input.text)
}

denied if {
    some r in data.denies
    matches(r)
}

default allow := false
allow if {
    not denied
    some r in data.allows
    matches(r)
}
"""


def load(rules: list[Rule]) -> Decide:
    maker, rego = Interpreter(), Interpreter()
    maker.add_module("bench.rego", MODULE)
    kinds: dict[str, list[dict[str, str]]] = {"allow": [], "deny": []}
    for r in rules:
        kinds[r["effect"]].append({"regex": f"^(?:{r['regex']})$", "but": f"^(?:{r['but'] or 'x^'})$"})
    maker.add_data_json(json.dumps({"allows": kinds["allow"], "denies": kinds["deny"]}))
    bundle = maker.build("x = data.bench.allow", [])

    def decide(text: str) -> str:
        rego.set_input({"text": text})
        return "allow" if '"x":true' in str(rego.query_bundle(bundle)) else "deny"

    return decide


main(load)
