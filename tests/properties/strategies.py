"""Hypothesis strategies: policy sets, the requests that hit and nearly hit them, and their text."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.reference import semantics as ref
from tests.reference.patterns import braces, glob

TIERS = {"review": [], "security": ["review"], "legal": []}
ATTRIBUTES: dict[str, Any] = {"env": None, "ci": None, "level": 2}
CONTEXT = 'context {\n    env: "dev" | "prod"\n    ci: bool\n    level: int = 2\n}\n'

SEGMENTS = ["a", "b", "src", "src.ts", "x.ts", ".env", ".git", "config", ".claude", "ab"]
GLOBS = ["*", "**", "s*", "*.ts", "?", "[ab]", "[!a]", "{a,b}", "a*b", "*c*", *SEGMENTS]
LABELS = ["a", "b", "api", "example", "com", "x-y"]
WORDS = [
    "tool",
    "push",
    "pull",
    "-f",
    "--force",
    "--forc",
    "-fu",
    "--",
    "main",
    "--force=x",
    "-x",
    "--dry-run",
    "-o",
    "-uf",
    "-X",
    "-XDEL",
    "--method",
    "--method=DEL",
    "--method=GET",
    "DEL",
    "GET",
    "",
]
AGENTS = ["codex", "codex-web", "claude", "a/b"]
REPOS = ["acme/web", "acme/api", "other/web"]


def joined(pieces: st.SearchStrategy[str], by: str, low: int = 1, high: int = 4) -> st.SearchStrategy[str]:
    return st.lists(pieces, min_size=low, max_size=high).map(by.join)


def _two_stars(text: str, by: str) -> bool:
    return text.split(by)[:-1].count("**") <= 2


paths = st.one_of(
    joined(st.sampled_from(SEGMENTS), "/"),
    joined(st.sampled_from(SEGMENTS), "/").map(lambda p: "/w/" + p),
    joined(st.sampled_from(SEGMENTS), "/").map(lambda p: "/h/" + p),
    joined(st.sampled_from(SEGMENTS), "/").map(lambda p: "/" + p),
    joined(st.sampled_from(SEGMENTS), "/").map(lambda p: "~/" + p),
)
path_patterns = st.builds(
    lambda prefix, body, end: prefix + body + end,
    st.sampled_from(["", "", "", "/", "~/", "/w/"]),
    joined(st.sampled_from(GLOBS), "/").filter(lambda p: _two_stars(p, "/")),
    st.sampled_from(["", "", "", "/"]),
).filter(lambda p: not p.endswith("**/") or p.count("**") <= 2)
names = st.one_of(
    joined(st.sampled_from(LABELS), "."), st.sampled_from(["10.0.0.1", "10.1.2.3", "192.168.0.1", "8.8.8.8"])
)
hosts = st.builds(lambda h, p: h + p, names, st.sampled_from(["", "", ":443", ":8080"]))
host_patterns = st.builds(
    lambda h, p: h + p,
    st.one_of(
        joined(st.sampled_from([*LABELS, "a*", "[ab]", "{a,b}"]), "."),
        joined(st.sampled_from(LABELS), ".").map(lambda h: "*." + h),
        joined(st.sampled_from(LABELS), ".").map(lambda h: "**." + h),
        st.sampled_from(["**", "10.0.0.0/8", "10.0.0.0/14", "192.168.0.1", "0.0.0.0/0"]),
    ),
    st.sampled_from(["", "", ":8080", ":*"]),
)
REF_PARTS = ["main", "release", "agent", "x", "v1"]
refs = st.builds(
    lambda remote, kind, body: remote + kind + body,
    st.sampled_from(["", "", "origin:", "fork:"]),
    st.sampled_from(["", "", "refs/heads/", "refs/tags/"]),
    joined(st.sampled_from(REF_PARTS), "/", 1, 3),
)
ref_patterns = st.builds(
    lambda remote, kind, body: remote + kind + body,
    st.sampled_from(["", "", "*:", "fork:"]),
    st.sampled_from(["", "", "refs/heads/", "refs/tags/"]),
    joined(st.sampled_from([*REF_PARTS, "*", "**", "a*", "v?"]), "/", 1, 3).filter(lambda p: _two_stars(p, "/")),
)
commands = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).filter(lambda w: bool(w[0])),
    st.lists(st.sampled_from(WORDS), max_size=4).map(lambda w: ["tool", "push", *w]),
    st.just("$x"),
)
command_patterns = joined(
    st.sampled_from(
        [
            "tool",
            "push",
            "{push,pull}",
            "*",
            "**",
            "-*",
            "--force",
            "main",
            "m*",
            "?*",
            "-X",
            "DEL",
            "--method=DEL",
            "--method",
            "-fu",
            "-X{DEL,GET}",
        ]
    ),
    " ",
).filter(lambda p: _two_stars(p, " ") and not p.startswith("**"))
dotted = joined(st.sampled_from(["github", "create", "a", "deploy", "prod"]), ".", 1, 3)
dotted_patterns = joined(st.sampled_from(["github", "create", "*", "**", "d*", "{a,prod}"]), ".", 1, 3).filter(
    lambda p: _two_stars(p, ".")
)
DESTINATIONS = [None, "a.example", "b.a.example", "example", "a.example:8443", "a.example:443", "c.b.a.example"]
HOSTS = [[], ["a.example"], ["*.a.example", "example"], [], ["**.example"], ["a.example:8443", "*.example"]]
"""Where credentials go, and may go: chosen by what was drawn before, so that all else is drawn as it was without them."""
options = st.lists(
    st.sampled_from(["--force", "-f", "--dry-run", "-o", "-uf", "-X=DEL", "--method=D*"]),
    min_size=1,
    max_size=2,
    unique=True,
)

SORTS: dict[str, tuple[list[str], st.SearchStrategy[str], st.SearchStrategy[Any]]] = {
    "path": (["read", "write", "delete"], path_patterns, paths),
    "run": (["run"], command_patterns, commands),
    "host": (["connect"], host_patterns, hosts),
    "ref": (["push", "force-push", "merge"], ref_patterns, refs),
    "name": (["call", "use", "do"], dotted_patterns, dotted),
}

atoms = st.one_of(
    st.builds(lambda op, v: (op, "env", v), st.sampled_from(["==", "!="]), st.sampled_from(["dev", "prod"])),
    st.just(("==", "ci", True)),
    st.just(("==", "confined", True)),
    st.just(("==", "versioned", True)),
    st.builds(lambda op, v: (op, "level", v), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(0, 4)),
    st.builds(lambda v: ("in", "level", v), st.lists(st.integers(0, 4), min_size=1, max_size=3)),
    st.builds(lambda v: ("==", "agent", v), st.sampled_from(AGENTS)),
)
argument_atoms = st.one_of(
    st.builds(
        lambda op, v: (op, "arg.repo", v),
        st.sampled_from(["==", "!="]),
        st.sampled_from(["acme/web", "Acme/web", "acme/api"]),
    ),
    st.builds(
        lambda v: ("pattern", "arg.repo", tuple(v)),
        st.lists(
            st.sampled_from(
                ["acme/*", "Acme/**", "**/web", "acme/[a-w]*", "{acme,b}/web", "/acme/**", "https://**", "*"]
            ),
            min_size=1,
            max_size=2,
        ),
    ),
    st.builds(lambda op, v: (op, "arg.n", v), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(-1, 3)),
    st.builds(lambda v: ("in", "arg.n", v), st.lists(st.integers(0, 3), min_size=1, max_size=3)),
    st.builds(lambda v: ("==", "arg.n", v), st.booleans()),
    st.builds(lambda v: ("==", "arg.n", v), st.sampled_from(["1", "acme"])),
    st.builds(lambda v: ("given", v, None), st.sampled_from(["arg.repo", "arg.n", "arg.a.b", "arg.a"])),
    st.builds(lambda op, v: (op, "arg.a.b", v), st.sampled_from(["==", "!="]), st.sampled_from(["x", "acme/web"])),
    st.builds(lambda v: ("same", v, "repo"), st.sampled_from(["arg.repo", "arg.a.b"])),
    st.just(("==", "env", "dev")),
)
texts = st.sampled_from(
    ["acme/web", "acme/api", "Acme/Web", "ACME/web", "acme", "acme/", "acme//web", "acme/../web", "/acme/web", "b/web"]
    + [
        "https://acme/web",
        "https://acme//web",
        "x",
        "X",
        "1",
        "",
        "acme/w\u200bb",
        " acme/web",
        "acme%2fweb",
        "%61cme/web",
        "acme/100%",
        "acme/a%20b",
        "acme\\web",
    ]
)
leaves = st.one_of(
    texts, texts, st.integers(-2, 4), st.sampled_from([0.5, 1.0, 2.5, 2.0**60]), st.booleans(), st.none()
)
plain_values = st.one_of(leaves, leaves, st.lists(st.one_of(leaves, st.just([])), max_size=3))
arguments = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "repo": st.one_of(texts, plain_values),
            "Repo": texts,
            "n": st.one_of(st.integers(-2, 4), plain_values),
            "a": st.one_of(
                leaves,
                st.fixed_dictionaries({}, optional={"b": plain_values}),
                st.lists(st.one_of(leaves, st.fixed_dictionaries({}, optional={"b": leaves})), max_size=2),
            ),
        },
    ),
    st.none(),
)
"""Arguments of a call, as JSON has them; None when nothing is known of them."""
argument_conditions = st.recursive(
    argument_atoms,
    lambda inner: st.one_of(
        inner.map(lambda c: ("not", c)),
        st.lists(inner, min_size=2, max_size=3).map(lambda cs: ("and", *cs)),
        st.lists(inner, min_size=2, max_size=3).map(lambda cs: ("or", *cs)),
    ),
    max_leaves=4,
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        inner.map(lambda c: ("not", c)),
        st.lists(inner, min_size=2, max_size=3).map(lambda cs: ("and", *cs)),
        st.lists(inner, min_size=2, max_size=3).map(lambda cs: ("or", *cs)),
    ),
    max_leaves=4,
)
scopes = st.one_of(
    st.lists(st.sampled_from(["codex", "codex*", "*", "**", "{codex,claude}", "a/*"]), min_size=1, max_size=2).map(
        lambda g: ("glob", "agent", g)
    ),
    st.lists(st.sampled_from(["acme/*", "**", "acme/web", "*/web"]), min_size=1, max_size=2).map(
        lambda g: ("glob", "repo", g)
    ),
    conditions,
)


@st.composite
def rules(draw: Any, guardrail: bool = False, sort: str | None = None) -> ref.Rule:
    sort = sort or draw(st.sampled_from(list(SORTS)))
    actions, patterns, _ = SORTS[sort]
    effect = draw(
        st.sampled_from(["deny", "ask"] if guardrail else ["allow", "allow", "allow", "allow", "ask", "ask", "deny"])
    )
    rule = ref.Rule(
        effect,
        draw(st.lists(st.sampled_from(actions), min_size=1, max_size=2, unique=True)),
        draw(st.lists(patterns, min_size=1, max_size=3)),
        draw(st.one_of(st.just([]), st.just([]), st.just([]), st.lists(patterns, min_size=1, max_size=2))),
        tier=draw(st.sampled_from(list(TIERS))) if effect == "ask" else "",
        scopes=draw(st.one_of(st.just([]), st.just([]), st.just([]), st.lists(scopes, min_size=1, max_size=2))),
    )
    if sort == "run":
        rule.with_ = draw(st.one_of(st.just([]), st.just([]), options))
        rule.without = draw(st.one_of(st.just([]), st.just([]), options))
        if draw(st.integers(0, 5)) == 0:
            (rule.exclude if effect == "deny" else rule.include).append("opaque")
    if sort == "host":
        rule.methods = draw(st.sampled_from([[], [], ["GET"], ["GET", "HEAD"]]))
    if rule.actions == ["call"]:
        rule.scopes += draw(st.one_of(st.just([]), st.lists(argument_conditions, min_size=1, max_size=2)))
    if rule.actions == ["use"]:
        rule.hosts = HOSTS[sum(map(len, rule.include)) % len(HOSTS)]
    if sort == "path" and effect != "deny" and not guardrail:
        rule.override = draw(st.integers(0, 3)) == 0
    return rule


otherwise = st.tuples(
    st.sampled_from(list(TIERS)),
    st.one_of(st.just([]), st.sampled_from([actions for actions, _, _ in SORTS.values()])),
    st.one_of(st.just([]), st.just([]), st.lists(scopes, min_size=1, max_size=1)),
)


@st.composite
def policies(draw: Any) -> ref.Policy:
    """A root with imports and ceilings; rules lean to few sorts, so that they meet."""
    sort = draw(st.sampled_from([None, *SORTS]))
    count = 0

    def module(kind: str, depth: int) -> ref.Module:
        nonlocal count
        count += 1
        made = ref.Module(f"m{count}", kind == "guardrail")
        made.rules = draw(st.lists(rules(made.guardrail, sort), min_size=0, max_size=5))
        for number, rule in enumerate(made.rules):
            if draw(st.booleans()):
                rule.label = f"r{number}"
        if not made.guardrail and draw(st.integers(0, 7)) == 0:
            made.otherwise = draw(st.lists(otherwise, min_size=1, max_size=2))
        if depth:
            for kind_of in draw(st.lists(st.sampled_from(["policy", "guardrail"]), max_size=2 if depth > 1 else 1)):
                inner = module(kind_of, depth - 1)
                labels = [r.label for r in inner.rules if r.label]
                dropped = draw(st.lists(st.sampled_from(labels), max_size=1)) if labels else []
                made.imports.append((inner, dropped))
            if draw(st.integers(0, 4)) == 0:
                made.ceilings.append(module(draw(st.sampled_from(["policy", "policy", "guardrail"])), depth - 1))
        return made

    return ref.Policy(module("policy", 2), TIERS, ATTRIBUTES)


FILLERS = {"path": SEGMENTS, "run": WORDS, "host": LABELS, "ref": REF_PARTS, "name": ["github", "create", "a"]}
SEPARATORS = {"path": "/", "run": " ", "host": ".", "ref": "/", "name": "."}


@st.composite
def members(draw: Any, sort: str, pattern: str) -> Any:
    """A resource that the pattern matches, or nearly: wildcards filled in, now and then one part changed."""
    text = draw(st.sampled_from(braces(pattern)))
    by, fill = SEPARATORS[sort], st.sampled_from([f for f in FILLERS[sort] if f])
    port = ""
    if sort == "host":
        text, _, port = text.partition(":")
        if text == "**" or "/" in text or text.replace(".", "").isdigit():
            return draw(hosts)
        port = f":{draw(st.sampled_from([443, 8080])) if port == '*' else port}" if port else ""
    parts: list[str] = []
    for part in text.split(by):
        if part == "**":
            parts += draw(st.lists(fill, max_size=2))
        elif any(c in part for c in "*?["):
            options = [f for f in FILLERS[sort] if f and glob(part, f)]
            parts.append(draw(st.sampled_from(options or ["b"])))
        else:
            parts.append(part)
    if parts and draw(st.integers(0, 3)) == 0:
        parts[draw(st.integers(0, len(parts) - 1))] = draw(fill)
    if text.endswith("**") and draw(st.booleans()):
        parts.append(draw(fill))
    parts = [p for i, p in enumerate(parts) if p or i == 0]
    if sort == "run":
        return parts or ["tool"]
    made = by.join(parts).rstrip("/") + port
    return made if made.strip("/~:") and not made.startswith("//") else draw(SORTS[sort][2])


@st.composite
def requests(draw: Any, policy: ref.Policy) -> ref.Request:
    """A request about something that the policy speaks of, with and without the facts it asks for."""
    rules_ = [r for _, found in ref.layers(policy.root, []) for _, r in found]
    rule = draw(st.sampled_from(rules_)) if rules_ else ref.Rule("deny", ["read"], ["a"])
    action = draw(st.sampled_from(rule.actions))
    sort = next(s for s, (actions, _, _) in SORTS.items() if action in actions)
    pattern = draw(st.sampled_from(rule.include))
    if pattern == "opaque" or draw(st.integers(0, 3)) == 0:
        resource = draw(SORTS[sort][2])
    else:
        resource = draw(members(sort, pattern))
    given = st.integers(0, 3).map(bool)  # mostly yes
    return ref.Request(
        action,
        resource,
        agent=draw(st.sampled_from(AGENTS)) if draw(given) else None,
        repo=draw(st.sampled_from(REPOS)) if draw(given) else None,
        context=draw(
            st.fixed_dictionaries(
                {}, optional={"env": st.sampled_from(["dev", "prod"]), "ci": st.booleans(), "level": st.integers(0, 4)}
            )
        ),
        workspace=draw(st.sampled_from([None, "/w", "/w", "/h/w"])) if sort == "path" else None,
        home=draw(st.sampled_from([None, "/h", "/h"])) if sort == "path" else None,
        method=draw(st.sampled_from([None, "GET", "GET", "POST"])) if sort == "host" else None,
        confined=draw(st.integers(0, 3)) == 0,
        versioned=draw(st.integers(0, 3)) == 0,
        destination=DESTINATIONS[len(resource) % len(DESTINATIONS)] if action == "use" else None,
        arguments=draw(arguments) if action == "call" else None,
    )


# text


def quote(text: str) -> str:
    return f'"{text}"'


def pattern_list(patterns: list[str]) -> str:
    return ", ".join(p if p == "opaque" else quote(p) for p in patterns)


def condition_text(node: ref.Condition) -> str:
    kind = node[0]
    if kind == "not":
        return f"not ({condition_text(node[1])})"
    if kind in {"and", "or"}:
        return "(" + f" {kind} ".join(condition_text(n) for n in node[1:]) + ")"
    value = node[2]
    if kind == "given":
        return f"given {node[1]}"
    if kind == "pattern":
        return f"{node[1]} in [{', '.join(map(quote, value))}]" if len(value) > 1 else f"{node[1]} in {quote(value[0])}"
    if isinstance(value, bool) and node[1].startswith("arg."):
        return f"{node[1]} == {str(value).lower()}"
    if kind == "same":
        return f"{node[1]} == {value}"
    if kind == "in":
        return f"{node[1]} in [{', '.join(map(str, value))}]"
    if isinstance(value, bool):
        return str(node[1])
    return f"{node[1]} {kind} {quote(value) if isinstance(value, str) else value}"


def rule_text(rule: ref.Rule) -> str:
    actions = ", ".join(a + (" " + ", ".join(rule.methods) if rule.methods else "") for a in rule.actions)
    text = f"rule {rule.label}: " if rule.label else ""
    text += f"{rule.effect}{' ' + rule.tier if rule.tier else ''} {actions} {pattern_list(rule.include)}"
    if rule.exclude:
        text += f" except {pattern_list(rule.exclude)}"
    if rule.hosts:
        text += f" for {pattern_list(rule.hosts)}"
    if rule.with_:
        text += " with " + ", ".join(map(quote, rule.with_))
    if rule.without:
        text += " without " + ", ".join(map(quote, rule.without))
    if rule.override:
        text += " override protected"
    return scoped(text, rule.scopes)


def scoped(text: str, scopes_: list[ref.Condition]) -> str:
    for scope in reversed(scopes_):
        head = (
            f"{scope[1]} {', '.join(map(quote, scope[2]))}" if scope[0] == "glob" else f"when {condition_text(scope)}"
        )
        text = f"{head} {{ {text} }}"
    return text


def module_text(module: ref.Module, rules: list[ref.Rule] | None = None, root: bool = False) -> str:
    edition = " language 1" if module.name.endswith(("1", "4", "7")) else ""  # of files read together, some say it
    lines = [f'{"guardrail" if module.guardrail else "policy"} "{module.name}"{edition}']
    for inner, dropped in module.imports:
        lines.append(f'import "{inner.name}.policy"' + (f" without {', '.join(dropped)}" if dropped else ""))
    lines += [f'within "{c.name}.policy"' for c in module.ceilings]
    if root:
        lines.append(CONTEXT)
        lines += [f'tier {t} {{ approvers "@x" {"includes " + ", ".join(i) if i else ""} }}' for t, i in TIERS.items()]
    lines += [rule_text(r) for r in (module.rules if rules is None else rules)]
    lines += [scoped(f"otherwise ask {tier} {', '.join(actions)}", given) for tier, actions, given in module.otherwise]
    return "\n".join(lines) + "\n"


def files(policy: ref.Policy) -> dict[str, str]:
    """File name to text, for the whole set."""
    out: dict[str, str] = {}
    todo = [policy.root]
    while todo:
        module = todo.pop()
        out[f"{module.name}.policy"] = module_text(module, root=module is policy.root)
        todo += [m for m, _ in module.imports] + module.ceilings
    return out
