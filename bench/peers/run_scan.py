"""The floor: compiled regular expressions of the standard library, scanned in turn until a deny matches."""

import re

from harness import Decide, Rule, combined, main


def load(rules: list[Rule]) -> Decide:
    compiled = [
        (r["effect"] == "deny", re.compile(r["regex"]).fullmatch, re.compile(r["but"]).fullmatch if r["but"] else None)
        for r in rules
    ]

    def matched(text: str) -> tuple[bool, bool]:
        allowed = False
        for denies, match, but in compiled:
            if match(text) and not (but and but(text)):
                if denies:
                    return allowed, True
                allowed = True
        return allowed, False

    return combined(matched)


main(load)
