"""google-re2: a Set of all rules' expressions, anchored at both ends, and one of their exceptions."""

import re2
from harness import Decide, Rule, combined, main


def load(rules: list[Rule]) -> Decide:
    options = re2.Options()
    options.max_mem = 1 << 30
    options.log_errors = False
    matches, excepts = re2.Set.FullMatchSet(options), re2.Set.FullMatchSet(options)
    owners = []
    for number, rule in enumerate(rules):
        matches.Add(rule["regex"])
        if rule["but"]:
            excepts.Add(rule["but"])
            owners.append(number)
    matches.Compile()
    excepts.Compile()
    denies = [r["effect"] == "deny" for r in rules]

    def matched(text: str) -> tuple[bool, bool]:
        found = matches.Match(text) or []
        if owners and found:
            left = {owners[i] for i in excepts.Match(text) or []}
            found = [i for i in found if i not in left]
        kinds = {denies[i] for i in found}
        return False in kinds, True in kinds

    return combined(matched)


main(load)
