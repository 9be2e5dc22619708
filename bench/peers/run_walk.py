"""policy_lang without its memory of whole answers: normalise, walk the automaton, combine, each time."""

from harness import Decide, Rule, main
from run_policy_lang import load as loaded


def load(rules: list[Rule]) -> Decide:
    return loaded(rules, remember=False)


main(load)
