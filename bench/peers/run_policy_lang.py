"""policy_lang itself, from source."""

import sys

from harness import Decide, Rule, main


def load(rules: list[Rule]) -> Decide:
    from policy_lang import Policy
    from policy_lang.compiler.load import _finish
    from policy_lang.domain.errors import Source
    from policy_lang.resolve.program import resolve_file

    text = 'policy "bench"\n' + "\n".join(r["ours"] for r in rules)
    policy = Policy._of(_finish(resolve_file("bench.policy", Source("bench.policy", text))))
    action = rules[0]["action"]
    if action == "run":
        return lambda text: policy.decide(action=action, resource=tuple(text.split(" "))).effect
    return lambda text: policy.decide(action=action, resource=text).effect


assert sys.version_info >= (3, 11)
main(load)
