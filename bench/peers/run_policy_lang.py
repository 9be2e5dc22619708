"""policy_lang itself, from source."""

from harness import Decide, Rule, main


def load(rules: list[Rule], remember: bool = True) -> Decide:
    from policy_lang import Policy, Request
    from policy_lang.compiler.load import compile_source
    from policy_lang.domain.errors import Source

    text = 'policy "bench"\n' + "\n".join(r["ours"] for r in rules)
    policy = Policy._of(compile_source(Source("bench.policy", text))[1])
    action = rules[0]["action"]
    engine = policy.engine
    if not remember and action == "run":
        return lambda text: engine.decide(Request(action, tuple(text.split(" ")))).effect
    if not remember:
        return lambda text: engine.decide(Request(action, text)).effect
    if action == "run":
        return lambda text: policy.decide(action=action, resource=tuple(text.split(" "))).effect
    return lambda text: policy.decide(action=action, resource=text).effect


if __name__ == "__main__":
    main(load)
