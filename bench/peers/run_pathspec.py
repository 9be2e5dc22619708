"""pathspec: gitignore's patterns, one specification of what is allowed and one of what is denied."""

from harness import Decide, Rule, combined, main
from pathspec import GitIgnoreSpec


def load(rules: list[Rule]) -> Decide:
    lines: dict[str, list[str]] = {"allow": [], "deny": []}
    for rule in rules:
        lines[rule["effect"]] += [_anchored(p) for p in rule["patterns"]]
        lines[rule["effect"]] += ["!" + _anchored(p) for p in rule["excepts"]]
    allow, deny = (GitIgnoreSpec.from_lines(lines[k]) for k in ("allow", "deny"))
    return combined(lambda text: (allow.match_file(text), deny.match_file(text)))


def _anchored(pattern: str) -> str:
    return pattern if pattern.startswith("**/") else "/" + pattern


main(load)
