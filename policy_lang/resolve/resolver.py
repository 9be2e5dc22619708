"""The resolved policy set: layers of flattened rules with typed conditions, and what tests and proofs need."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..domain.actions import CALL
from ..domain.collection import no_collection
from ..domain.conditions import Atom, Formula, join
from ..domain.errors import Diagnostic, PolicyError, Source, Span
from ..domain.limits import limit
from ..domain.policy import AttributeType, Tier
from ..domain.suggest import suggest
from ..syntax import tree
from .files import Reader
from .modules import Loader, Module, walk
from .names import collect_attributes, collect_tiers
from .types import Checker, arguments


@dataclass(slots=True)
class ResolvedRule:
    """A rule with its scopes folded into one condition. `sound` when all of that was understood."""

    rule: tree.RuleNode
    module: Module
    condition: Formula
    grants: bool
    scopes: tuple[tree.Scope, ...]
    sound: bool


@dataclass(slots=True)
class ResolvedDefault:
    """An `otherwise` with its scopes folded into one condition. `sound` when all of that was understood."""

    item: tree.Otherwise
    module: Module
    condition: Formula
    scopes: tuple[tree.Scope, ...]
    sound: bool


@dataclass(slots=True)
class ResolvedLayer:
    """One layer of decision: a module with its imports, or a ceiling with its own."""

    module: Module
    rules: list[ResolvedRule] = field(default_factory=list)
    defaults: list[ResolvedDefault] = field(default_factory=list)
    within: tree.Within | None = None
    owner: Module | None = None


@dataclass(slots=True)
class ResolvedPolicy:
    """Everything that names mean. `floor` holds the protected floor's rules."""

    root: Module
    layers: list[ResolvedLayer]
    floor: list[ResolvedRule]
    tiers: dict[str, Tier]
    attributes: dict[str, AttributeType]
    modules: list[Module]
    diagnostics: list[Diagnostic]
    broken: frozenset[str] = frozenset()
    """Kinds of statements that did not parse in some file: what they would have defined is not missed again."""

    def checker(self, file: tree.File) -> Checker:
        """The checker of conditions in one of the files."""
        return Checker(file, self.attributes, self.diagnostics.append, "CONTEXT" not in self.broken)


def resolve_file(
    path: str, overlay: Source | None = None, library: bool = False, read: Reader | None = None
) -> ResolvedPolicy:
    """Load and resolve a policy file; `library` lets it declare tiers that others define.

    Raises PolicyError only when the file itself cannot be read.
    """
    loader = Loader(overlay, read)
    with no_collection():
        root = loader.load(path)
        if root is None:
            raise PolicyError(loader.diagnostics)
        return _Resolver(loader, root, library).run()


class _Resolver:
    def __init__(self, loader: Loader, root: Module, library: bool) -> None:
        self.loader = loader
        self.root = root
        self.diagnostics = loader.diagnostics
        self.report = self.diagnostics.append
        self.floor = loader.floor()
        self.modules = [m for m in loader.modules.values() if m is not self.floor]
        self.broken = frozenset[str]().union(*(m.file.broken for m in self.modules))
        self.tiers = collect_tiers(self.modules, self.report, library)
        self.attributes = collect_attributes(self.modules, self.report)
        self.rules: dict[int, list[ResolvedRule]] = {}
        self.defaults: dict[int, list[ResolvedDefault]] = {}
        self.misplaced: set[tuple[int, tree.Pos]] = set()
        """Arguments in conditions on what is no call."""
        self.unsound: set[int] = set()
        """Scopes whose conditions were not understood."""

    def run(self) -> ResolvedPolicy:
        for module in [*self.modules, self.floor]:
            self.rules[id(module)], self.defaults[id(module)] = self._deciding(module)
            self._no_double_labels(module)
        layers: list[ResolvedLayer] = []
        self._layers(self.root, None, None, layers, [])
        for layer in layers:
            self._empty_ceiling(layer)
        count = sum(len(layer.rules) for layer in layers)
        if count > limit("statements"):
            self.report(Diagnostic("PLE004", f"more than {limit('statements')} rules in one policy set", None))
        return ResolvedPolicy(
            self.root,
            layers,
            self.rules[id(self.floor)],
            self.tiers,
            self.attributes,
            self.modules,
            self.diagnostics,
            self.broken,
        )

    def _layers(
        self,
        module: Module,
        within: tree.Within | None,
        owner: Module | None,
        out: list[ResolvedLayer],
        seen: list[Module],
    ) -> None:
        if module in seen:
            return
        seen.append(module)
        layer = ResolvedLayer(module, within=within, owner=owner)
        kept: dict[int, ResolvedRule] = {}
        members: list[Module] = []
        self._gather(module, frozenset(), kept, members, set())
        layer.rules = list(kept.values())
        layer.defaults = [default for member in members for default in self.defaults[id(member)]]
        out.append(layer)
        for member in members:
            for ceiling, statement in member.ceilings:
                self._layers(ceiling, statement, member, out, seen)

    def _gather(
        self,
        module: Module,
        without: frozenset[str],
        kept: dict[int, ResolvedRule],
        members: list[Module],
        done: set[tuple[int, frozenset[str]]],
    ) -> None:
        if (id(module), without) in done:
            return
        done.add((id(module), without))
        if module not in members:
            members.append(module)
        for rule in self.rules[id(module)]:
            if rule.rule.label is None or rule.rule.label.text not in without:
                kept[id(rule)] = rule
        for imported, dropped in module.imports:
            self._gather(imported, dropped, kept, members, done)

    def _deciding(self, module: Module) -> tuple[list[ResolvedRule], list[ResolvedDefault]]:
        checker = Checker(module.file, self.attributes, self.report, "CONTEXT" not in self.broken)
        scopes: dict[int, Formula] = {}
        out: list[ResolvedRule] = []
        defaults: list[ResolvedDefault] = []
        for rule, around in walk(module.file.items):
            parts = [self._scope(s, checker, scopes) for s in around]
            before = checker.faults
            self._only_calls(rule, around, module, checker)
            if isinstance(rule, tree.Otherwise):
                sound = self._default(rule, module) and not any(id(s) in self.unsound for s in around)
                defaults.append(ResolvedDefault(rule, module, join("and", parts), around, sound))
                continue
            when = rule.clause("when")
            if when and when.condition:
                parts.append(checker.formula(when.condition))
            hosts = rule.clause("for")
            if hosts:
                parts.append(checker.destinations(hosts.words))
            until = rule.clause("until")
            if until:
                parts.append(checker.until(until.words[0]))
            sound = (
                self._effect(rule, module)
                and checker.faults == before
                and not any(id(s) in self.unsound for s in around)
            )
            grants = rule.effect.text != "deny" and module.kind == "policy"
            out.append(ResolvedRule(rule, module, join("and", parts), grants, around, sound))
        return out, defaults

    def _only_calls(
        self, rule: tree.RuleNode | tree.Otherwise, around: tuple[tree.Scope, ...], module: Module, checker: Checker
    ) -> None:
        """Report conditions about arguments on what is no call."""
        actions = (
            [w.text for w in rule.actions] if isinstance(rule, tree.Otherwise) else [w.text for w, _ in rule.actions]
        )
        if actions and all(action == CALL for action in actions):
            return
        when = rule.clause("when") if isinstance(rule, tree.RuleNode) else None
        conditions = [*(s.condition for s in around), when.condition if when else None]
        for word in [next(arguments(c), None) for c in conditions if c is not None]:
            if word is not None and (id(module), word.pos) not in self.misplaced:
                self.misplaced.add((id(module), word.pos))
                other = next((a for a in actions if a != CALL), "")
                what = f"`{other}`" if other else "an `otherwise` about every action"
                checker.refuse("PLE319", f"`{word.text}` is an argument of a call, and {what} has none", word.pos,
                               "write a rule of its own for `call`")  # fmt: skip

    def _default(self, item: tree.Otherwise, module: Module) -> bool:
        """Check what an `otherwise` names; True when all is well."""
        before = len(self.diagnostics)
        if module.kind == "guardrail":
            self.report(
                Diagnostic(
                    "PLE504",
                    "`otherwise` lets things be asked for that no rule grants, and a guardrail grants nothing",
                    module.file.span(item.pos),
                    "move it to a policy, or begin this file with `policy`",
                )
            )
        return self._tier(item.tier, module.file) and len(self.diagnostics) == before

    def _scope(self, scope: tree.Scope, checker: Checker, known: dict[int, Formula]) -> Formula:
        if id(scope) not in known:
            before = checker.faults
            known[id(scope)] = (
                checker.formula(scope.condition)
                if scope.condition is not None
                else Atom(scope.kind, "glob", tuple(w.text for w in scope.globs))
            )
            if checker.faults > before:
                self.unsound.add(id(scope))
        return known[id(scope)]

    def _effect(self, rule: tree.RuleNode, module: Module) -> bool:
        """Check a rule's effect and what depends on it; True when all is well."""
        file = module.file
        before = len(self.diagnostics)
        known = rule.tier is None or self._tier(rule.tier, file)
        if rule.effect.text == "allow" and module.kind == "guardrail":
            self.report(
                Diagnostic(
                    "PLE504",
                    "a guardrail can only deny and ask",
                    file.span(rule.effect.pos),
                    "move the `allow` to a policy, or begin this file with `policy`",
                )
            )
        override = rule.clause("override")
        if override and (rule.effect.text == "deny" or module.kind == "guardrail"):
            self.report(
                Diagnostic(
                    "PLE309", "`override protected` belongs to a rule that grants", file.span(override.pos), "remove it"
                )
            )
        log = rule.clause("log")
        if log and rule.effect.text == "deny":
            self.report(
                Diagnostic(
                    "PLE310",
                    "`log` flags what is granted; denials are always recorded",
                    file.span(log.pos),
                    "remove it",
                )
            )
        return len(self.diagnostics) == before and known

    def _tier(self, tier: tree.Word, file: tree.File) -> bool:
        """Check that a tier which is asked for is one; True when it is known."""
        if "TIER" not in self.broken:
            if tier.text not in self.tiers:
                self._unknown_tier(tier, file)
            elif self.tiers[tier.text].opens:
                text = f"`{tier.text}` is a break-glass tier: people use it in an emergency, no rule asks for it"
                remediation = f"ask for what it opens: `{self.tiers[tier.text].opens[0]}`"
                self.report(Diagnostic("PLE317", text, file.span(tier.pos), remediation))
        return tier.text in self.tiers

    def _unknown_tier(self, tier: tree.Word, file: tree.File) -> None:
        if self._declared(tier.text):
            return
        known = suggest(tier.text, self.tiers, len(self.diagnostics))
        remediation = known or f'define it: `tier {tier.text} {{ approvers "@group" }}`'
        self.report(Diagnostic("PLE203", f"unknown tier `{tier.text}`", file.span(tier.pos), remediation))

    def _declared(self, name: str) -> bool:
        return any(isinstance(i, tree.TierDef) and i.name.text == name for m in self.modules for i in m.file.items)

    def _no_double_labels(self, module: Module) -> None:
        seen: dict[str, Span] = {}
        for resolved in self.rules[id(module)]:
            label = resolved.rule.label
            if label is None:
                continue
            span = module.file.span(label.pos)
            if label.text in seen:
                self.report(
                    Diagnostic(
                        "PLE210",
                        f"two rules are labelled `{label.text}`",
                        span,
                        "rename one",
                        (("first here", seen[label.text]),),
                    )
                )
            seen.setdefault(label.text, span)

    def _empty_ceiling(self, layer: ResolvedLayer) -> None:
        if layer.within is None or layer.owner is None or layer.module.file.broken:
            return
        span = layer.owner.file.span(layer.within.pos)
        if layer.module.kind == "policy" and not layer.defaults and not any(r.grants for r in layer.rules):
            self.report(
                Diagnostic(
                    "PLE507",
                    f"the ceiling `{layer.module.name}` grants nothing, so nothing is possible",
                    span,
                    "give it `allow` or `ask` rules, or begin it with `guardrail`",
                )
            )
        elif layer.module.kind == "guardrail" and not layer.rules:
            self.report(
                Diagnostic(
                    "PLE507",
                    f"the guardrail `{layer.module.name}` has no rules, so it restricts nothing",
                    span,
                    "remove the `within`",
                )
            )
