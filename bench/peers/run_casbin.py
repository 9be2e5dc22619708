"""pycasbin: its matcher with `regexMatch`, the same regular expressions as the floor's, its own deny-overrides effect."""

import casbin
from harness import Decide, Rule, main

NEVER = r"[^\s\S]"
MODEL = """
[request_definition]
r = obj
[policy_definition]
p = obj, but, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = regexMatch(r.obj, p.obj) && !regexMatch(r.obj, p.but)
"""


def load(rules: list[Rule]) -> Decide:
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies([[f"^(?:{r['regex']})$", f"^(?:{r['but'] or NEVER})$", r["effect"]] for r in rules])
    return lambda text: "allow" if enforcer.enforce(text) else "deny"


main(load)
