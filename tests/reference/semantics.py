"""The judge: what a policy means, naive and obvious. Patterns by backtracking, rules by linear scan.

Nothing in this folder is shared with the engine. The language reference in prose, these files, and the engine must
agree; where they do not, one of them is a bug.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from typing import Any

from .arguments import ORDER, compared, members, value_of
from .commands import bare, option
from .floor import INSIDE, KEPT, UNWRITTEN
from .patterns import NO, OPEN, YES, braces, every, glob, most, negate, sequence
from .readings import supposed

PATHS, REFS = ("read", "write", "delete"), ("push", "force-push", "delete-ref", "merge")
Condition = tuple[Any, ...]


@dataclass
class Rule:
    effect: str
    actions: list[str]
    include: list[str]
    exclude: list[str] = field(default_factory=list)
    tier: str = ""
    methods: list[str] = field(default_factory=list)
    with_: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    scopes: list[Condition] = field(default_factory=list)
    override: bool = False
    label: str = ""
    hosts: list[str] = field(default_factory=list)  # where a credential may go


@dataclass
class Module:
    name: str
    guardrail: bool = False
    rules: list[Rule] = field(default_factory=list)
    imports: list[tuple[Module, list[str]]] = field(default_factory=list)
    ceilings: list[Module] = field(default_factory=list)
    otherwise: list[tuple[str, list[str], list[Condition]]] = field(default_factory=list)
    """Tiers to ask for what nothing grants; of which actions (all when empty), under which conditions."""


@dataclass
class Policy:
    root: Module
    tiers: dict[str, list[str]]
    attributes: dict[str, Any]  # name -> default or None
    files: list[str] = field(default_factory=list)  # where its text stands, absolute


@dataclass
class Request:
    action: str
    resource: Any
    agent: str | None = None
    repo: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    workspace: str | None = None
    home: str | None = None
    method: str | None = None
    now: float = 0.0
    confined: bool = False
    versioned: bool = False
    destination: str | None = None
    arguments: dict[str, Any] | None = None


# patterns


def inside(parts: list[str]) -> list[str]:
    """A trailing `**` of a path or ref is everything inside: at least one more."""
    return [*parts[:-1], "*", "**"] if parts[-1] == "**" else parts


def slashed(text: str, word: list[str]) -> bool:
    if text.endswith("/"):
        return sequence([*text[:-1].split("/"), "**"] if text != "/" else ["**"], word)
    return sequence(inside(text.split("/")), word)


def path_matches(pattern: str, path: str, request: Request) -> str:
    """YES, NO, or OPEN when it hangs on where the workspace or the home is."""
    roots = {"/": "/", "~/": request.home, "./": request.workspace}
    anchor = "/" if pattern.startswith("/") else "~/" if pattern.startswith("~/") else "./"
    rest = pattern.removeprefix("./" if pattern == "./" else "" if anchor == "./" else anchor) or "/"
    if path.startswith("~/") or not path.startswith("/"):
        own, inner = ("~/", path[2:]) if path.startswith("~/") else ("./", path)
        if roots[own] is None:
            below = inner.split("/")
            if own == "~/" and anchor == "./":  # a home that nobody named may hold the workspace
                return OPEN if any(slashed(rest, below[i:]) for i in range(len(below) + 1)) else NO
            return YES if anchor == own and slashed(rest, below) else NO
        path = f"{roots[own]}/{inner}"
    parts = path.strip("/").split("/")
    root = roots[anchor]
    if root is None:
        return OPEN if any(slashed(rest, parts[i:]) for i in range(len(parts) + 1)) else NO
    above = [p for p in root.split("/") if p]
    return YES if parts[: len(above)] == above and slashed(rest, parts[len(above) :]) else NO


def ip(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return None


def host_matches(pattern: str, methods: list[str], request: Request) -> str:
    if methods and request.method not in methods:
        return NO
    host, _, port = pattern.partition(":")
    name, _, number = request.resource.partition(":")
    if port != "*" and (port or "443") != (number or "443"):
        return NO
    address, network = ip(ipaddress.ip_address, name), ip(ipaddress.ip_network, host)
    if host == "**":
        return YES
    if address is not None or network is not None:
        return YES if address is not None and network is not None and address in network else NO
    labels, word = host.split("."), name.split(".")
    if labels[0] == "*":
        labels[:1] = ["**", "*"]
    return YES if sequence(labels, word) else NO


def matches(rule: Rule, pattern: str, request: Request) -> str:
    if pattern == "opaque":
        return YES if isinstance(request.resource, str) and "run" in rule.actions else NO
    return most([one(rule, text, request) for text in braces(pattern)])


def one(rule: Rule, pattern: str, request: Request) -> str:
    if request.action in PATHS:
        return path_matches(pattern, request.resource, request)
    if request.action == "run":
        return OPEN if isinstance(request.resource, str) else [NO, YES][sequence(pattern.split(), request.resource)]
    if request.action == "connect":
        return host_matches(pattern, rule.methods, request)
    if request.action in REFS:
        full = [t.rpartition(":") for t in (pattern, request.resource)]
        (remote, _, ref), (his, _, name) = full
        ref, name = (r if r.startswith("refs/") else f"refs/heads/{r}" for r in (ref, name))
        return YES if glob(remote or "origin", his or "origin") and slashed(ref, name.split("/")) else NO
    return YES if sequence(pattern.split("."), request.resource.split(".")) else NO


# conditions


def condition(node: Condition, values: dict[str, Any]) -> str:
    kind = node[0]
    if kind == "not":
        return negate(condition(node[1], values))
    if kind == "and":
        return every([condition(n, values) for n in node[1:]])
    if kind == "or":
        return most([condition(n, values) for n in node[1:]])
    value, other = values.get(node[1]), values.get(node[2]) if kind == "same" else node[2]
    if node[1].startswith("arg."):
        return compared(kind.replace("same", "=="), value_of(node[1], values["arg"]), other)
    if value is None or other is None:
        return OPEN
    if kind == "glob":
        return most([YES if sequence(t.split("/"), value.split("/")) else NO for p in other for t in braces(p)])
    return YES if (value in other if kind == "in" else ORDER[kind.replace("same", "==")](value, other)) else NO


# decisions


def truth(rule: Rule, request: Request, values: dict[str, Any]) -> str:
    if request.action not in rule.actions:
        return NO
    include, exclude = (most([matches(rule, p, request) for p in some]) for some in (rule.include, rule.exclude))
    if request.action == "run" and rule.effect != "allow":
        include = most([include, *(bare(p, request.resource, rule.effect == "ask") for p in rule.include)])
    if request.action == "run" and rule.effect != "deny":
        exclude = most([exclude, *(bare(p, request.resource, False) for p in rule.exclude)])
    parts = [include, negate(exclude), *(condition(s, values) for s in rule.scopes)]
    if rule.hosts:
        there = replace(request, resource=request.destination or "")
        found = [host_matches(p, [], there) for p in rule.hosts]
        parts.append(OPEN if request.destination is None else most(found))
    if rule.with_:
        parts.append(option(rule.with_, request.resource))
    if rule.without:
        parts.append(negate(option(rule.without, request.resource)))
    return every(parts)


def gather(module: Module, without: list[str]) -> list[tuple[Module, Rule]]:
    rules = [(module, r) for r in module.rules if r.label not in without or not r.label]
    return rules + [pair for inner, dropped in module.imports for pair in gather(inner, dropped)]


def defaults(module: Module) -> list[tuple[str, list[str], list[Condition]]]:
    return module.otherwise + [found for inner, _ in module.imports for found in defaults(inner)]


def layers(module: Module, seen: list[Module]) -> list[tuple[Module, list[tuple[Module, Rule]]]]:
    if module in seen:
        return []
    seen.append(module)
    members = [module]
    for member in members:
        members += [m for m, _ in member.imports if m not in members]
    above = [c for member in members for c in member.ceilings]
    return [(module, gather(module, [])), *(one for c in above for one in layers(c, seen))]


def known(policy: Policy, request: Request) -> dict[str, Any]:
    own = {name: getattr(request, name) for name in ("agent", "repo", "now", "confined", "versioned")}
    return {**policy.attributes, **request.context, **own, "arg": request.arguments}


def decide(policy: Policy, request: Request, *, suppose: bool = True) -> tuple[str, set[str]]:
    """The effect and the tiers that it needs: the strictest over every method that it may have, and each member of a list.

    Without `suppose` a command is only run: what its words may mean is left to the other actions.
    """
    each = [replace(request, arguments=chosen) for chosen in members(request.arguments)]
    if request.action == "connect" and request.method is None:
        each = [replace(request, method=m) for m in ("GET", "HEAD", "POST")]
    if len(each) > 1:
        answers = [decide(policy, one) for one in each]
        effect = max((e for e, _ in answers), key=["allow", "ask", "deny"].index)
        return effect, reduced(policy, set().union(*(t for _, t in answers))) if effect == "ask" else set()
    ref = str(request.resource).rpartition(":")[2]
    if request.action in REFS and ref.startswith("refs/") and ref.count("/") == 1:
        return "deny", set()  # no ref has such a name (git-check-ref-format(1)), whatever is asked for
    values = known(policy, each[0])
    more = (UNWRITTEN if request.action == "write" else []) + (INSIDE if request.confined else [])
    floor = Rule("deny", ["write", "delete"], [*KEPT, *own_files(policy), *more])
    tiers: set[str] = set()
    found = layers(policy.root, [])
    if all(module.guardrail for module, _ in found):
        return "deny", set()
    for module, rules in found:
        held = [(m, r, t) for m, r in rules if (t := truth(r, request, values)) != NO]
        granted = [r for m, r, t in held if t == YES and r.effect != "deny" and not m.guardrail]
        protected = not module.guardrail and truth(floor, request, values) != NO
        if any(r.effect == "deny" for _, r, _ in held) or (protected and not any(r.override for r in granted)):
            return "deny", set()
        if not granted and not module.guardrail:
            otherwise = {t for t, actions, scopes in defaults(module) if request.action in actions or not actions
                         if every([condition(s, values) for s in scopes]) == YES}  # fmt: skip
            if not otherwise:
                return "deny", set()
            tiers |= otherwise
        tiers |= {r.tier for _, r, _ in held if r.effect == "ask"}
    for reading, ordinary in supposed(request) if suppose else []:
        said_of_all = {id(r) for r in restricted(policy, ordinary)}
        counted = [r for r in restricted(policy, reading) if id(r) not in said_of_all]
        if any(r.effect == "deny" for r in counted):
            return "deny", set()
        tiers |= {r.tier for r in counted}
    return ("ask" if tiers else "allow"), reduced(policy, tiers)


def restricted(policy: Policy, requests: list[Request]) -> list[Rule]:
    """Which rules deny or ask, whatever is granted, over all the requests."""
    rules = [rule for _, found in layers(policy.root, []) for _, rule in found if rule.effect != "allow"]
    return [r for one in requests for r in rules if truth(r, one, known(policy, one)) != NO]


def own_files(policy: Policy) -> list[str]:
    """Patterns of the policy's files, of the folders above them, and of copies of both in a workspace."""
    parts = [path.strip("/").split("/") for path in policy.files]
    above = ["/" + "/".join(p[: i + 1]) for p in parts for i in range(len(p))]
    return above + ["/".join(p[i:]) for p in parts for i in range(1, len(p))]


def reduced(policy: Policy, tiers: set[str]) -> set[str]:
    return {t for t in tiers if not any(t in included(policy, o) for o in tiers - {t})}


def included(policy: Policy, tier: str) -> set[str]:
    return {t for inner in policy.tiers[tier] for t in (inner, *included(policy, inner))}
