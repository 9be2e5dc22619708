"""From the resolved policy to normal form: patterns compiled, rules checked, ids and digest given."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from ..automata.alphabet import Alphabet
from ..automata.glob import Glob
from ..automata.language import Language
from ..automata.pattern import CONTROL, Pattern, Sequence, instance
from ..automata.trie import Trie
from ..automata.walker import Walker
from ..domain.actions import ACTIONS, ALLOW, COMMAND, SORT_OF
from ..domain.conditions import Atom, atoms
from ..domain.errors import Diagnostic, SearchLimitError
from ..domain.policy import FreezeRule
from ..domain.suggest import suggest
from ..facts.commands import climbs
from ..ir.conditions import canonical, satisfiable
from ..ir.model import Default, Layer, PolicySet, Rule
from ..ir.patterns import compile_pattern
from ..ir.scopes import PatternError, scope_sequence
from ..ir.sorts.command import OPAQUE_SEQUENCE, options_in
from ..ir.sorts.sort import sort_named
from ..resolve.modules import Module, walk_rules
from ..resolve.resolver import ResolvedDefault, ResolvedPolicy, ResolvedRule
from ..syntax import tree
from .checks import ONLY_USE, lower_proofs, lower_tests
from .foreign import refuse_foreign
from .own_profiles import own_profiles, profile_name
from .server_tools import check_tools
from .trusts import trusted_folders


def lower(resolved: ResolvedPolicy) -> PolicySet:
    """The policy set in normal form. Adds what it finds wrong to `resolved.diagnostics`."""
    lowering = _Lowering(resolved)
    cache: dict[int, Rule | None] = {}

    def rules_of(written: list[ResolvedRule]) -> tuple[Rule, ...]:
        out: list[Rule] = []
        for one in written:
            if id(one) not in cache:
                cache[id(one)] = lowering.rule(one)
            made = cache[id(one)]
            if made is not None:
                out.append(made)
        return tuple(out)

    layers = tuple(
        Layer(
            layer.module.name,
            layer.module.kind == "guardrail",
            rules_of(layer.rules),
            tuple(d for one in layer.defaults if (d := lowering.default(one)) is not None),
        )
        for layer in resolved.layers
    )
    floor = rules_of(resolved.floor)
    taken = {id(r.rule) for layer in resolved.layers for r in layer.rules} | {id(r.rule) for r in resolved.floor}
    for module in resolved.modules:
        lowering.left_out(module, taken)
        lowering.unused_lets(module)
    tests = tuple(t for m in resolved.modules if m is resolved.root for t in lower_tests(m, resolved))
    proofs = tuple(p for m in resolved.modules for p in lower_proofs(m, resolved, lowering.patterns))
    sources = tuple(p for m in resolved.modules if m.path for p in (m.path, os.path.abspath(m.file.source.path)))
    written = {id(one): one for layer in resolved.layers for one in layer.rules}
    check_tools(resolved, ((written[key], rule) for key, rule in cache.items() if rule is not None and key in written))
    own, contents = own_profiles(resolved)
    trusts = trusted_folders(resolved)
    sources += tuple(p for path, _ in contents for p in (path, os.path.abspath(path)))
    return PolicySet(
        resolved.root.name,
        layers,
        floor,
        resolved.tiers,
        resolved.attributes,
        _digest(resolved, layers, floor, contents, trusts),
        sources,
        profiles=own,
        tests=tests,
        proofs=proofs,
        freezes=_freezes(resolved),
        trusts=trusts,
    )


def _freezes(resolved: ResolvedPolicy) -> tuple[FreezeRule, ...]:
    """Every `freeze` of the set: like denials, they add up over imports and ceilings."""
    return tuple(
        FreezeRule(item.denials, item.seconds, module.file.source.path, module.file.span(item.pos).line)
        for module in resolved.modules
        for item in module.file.items
        if isinstance(item, tree.Freeze)
    )


class _Lowering:
    def __init__(self, resolved: ResolvedPolicy) -> None:
        self.resolved = resolved
        self.report = resolved.diagnostics.append
        self.used_ids: dict[str, int] = {}
        self.sat: dict[object, bool] = {}
        self.lets: dict[int, dict[str, tree.Let]] = {}
        self.used_lets: set[int] = set()
        self.checked_globs: dict[Atom, bool] = {}
        self.faults = 0
        """Things so far that were not understood, reported here or where their definition is."""

    def _error(self, module: Module, code: str, message: str, pos: tree.Pos, remediation: str = "") -> None:
        self.faults += 1
        self.report(Diagnostic(code, message, module.file.span(pos), remediation))

    def rule(self, written: ResolvedRule) -> Rule | None:
        """One rule in normal form, or None when it has a mistake."""
        rule, module = written.rule, written.module
        before = self.faults
        sort = self.sort(module, rule.actions)
        sound = self._scope_globs(written) and written.sound
        self._options(module, rule, sort)
        if sort is None:
            return None
        methods = tuple(w.text for _, words in rule.actions for w in words)
        actions = tuple(w.text for w, _ in rule.actions)
        include = self.patterns(module, actions, rule.patterns, methods)
        except_ = rule.clause("except")
        exclude = self.patterns(module, actions, except_.words, methods) if except_ else ()
        if include is None or exclude is None or self.faults > before:
            return None
        self._possible(written, sort, include, exclude)
        return self._make(written, sort, include, exclude, methods) if sound and self.faults == before else None

    def default(self, written: ResolvedDefault) -> Default | None:
        """An `otherwise` in normal form, or None when it has a mistake."""
        item, module = written.item, written.module
        if not self._scope_globs(written) or not written.sound:
            return None
        actions = tuple(dict.fromkeys(w.text for w in item.actions)) or ACTIONS
        key = repr(("otherwise", item.tier.text, sorted(actions), canonical(written.condition)))
        span = module.file.span(item.pos)
        name = self._id(module, "", "otherwise", item.tier.text, key)
        path = module.file.source.path
        return Default(name, key, item.tier.text, actions, written.condition, path, span.line, module.name, span)

    def sort(self, module: Module, actions: list[tuple[tree.Word, list[tree.Word]]]) -> str | None:
        """The one sort of resource that all actions take."""
        if not actions:
            return None
        first = actions[0][0]
        for action, _ in actions[1:]:
            if SORT_OF[action.text] != SORT_OF[first.text]:
                self._error(
                    module,
                    "PLE311",
                    f"`{first.text}` takes a {SORT_OF[first.text]}, but `{action.text}` takes a {SORT_OF[action.text]}",
                    action.pos,
                    "write two rules",
                )
                return None
        return SORT_OF[first.text]

    def patterns(
        self, module: Module, actions: tuple[str, ...], words: list[tree.Word], methods: tuple[str, ...] = ()
    ) -> tuple[Pattern, ...] | None:
        """The compiled patterns of a list, names of `let` replaced by theirs; None when some are not understood."""
        sort = SORT_OF[actions[0]]
        before = self.faults
        out: list[Pattern] = []
        for word in self._expand(module, words, ()):
            if word.kind == "OPAQUE":
                if sort != COMMAND:
                    self._error(module, "PLE404", "`opaque` stands for commands only", word.pos, "use it with `run`")
                else:
                    out.append(Pattern(sort, "opaque", (OPAQUE_SEQUENCE,)))
                continue
            try:
                refuse_foreign(sort, actions, word.text)
                sequences = compile_pattern(sort, word.text, methods)
            except PatternError as error:
                self._error(module, "PLE401", error.message, word.pos, error.remediation)
                continue
            if "[" in word.text and not _has_members(sort, sequences):
                self._error(
                    module,
                    "PLE402",
                    "the pattern matches nothing",
                    word.pos,
                    "its character class contains no character that such a resource can have",
                )
                continue
            out.append(Pattern(sort, word.text, sequences))
        return tuple(out) if self.faults == before else None

    def _expand(self, module: Module, words: list[tree.Word], through: tuple[str, ...]) -> list[tree.Word]:
        if all(w.kind != "NAME" for w in words):
            return words
        known = self._lets_of(module)
        out: list[tree.Word] = []
        for word in words:
            if word.kind != "NAME":
                out.append(word)
            elif word.text in through:
                self._error(module, "PLE212", f"`let {word.text}` refers to itself", word.pos, "break the cycle")
            elif word.text in known:
                let = known[word.text]
                self.used_lets.add(id(let))
                inner = self._expand(module, let.patterns, (*through, word.text))
                out += [tree.Word(w.kind, w.text, word.pos if through else w.pos) for w in inner]
            elif module.file.broken & {"LET", "NAME"}:
                self.faults += 1  # its definition may be what did not parse
            else:
                self._error(
                    module,
                    "PLE211",
                    f"unknown name `{word.text}`",
                    word.pos,
                    suggest(word.text, known, self.faults) or "a pattern goes in double quotes",
                )
        return out

    def _lets_of(self, module: Module) -> dict[str, tree.Let]:
        if id(module) not in self.lets:
            found: dict[str, tree.Let] = {}
            for item in module.file.items:
                if isinstance(item, tree.Let):
                    if item.name.text in found:
                        message, place = f"`{item.name.text}` is defined twice", module.file.span(item.name.pos)
                        self.report(Diagnostic("PLE206", message, place, "rename one"))  # no fault of who names it
                    found.setdefault(item.name.text, item)
            self.lets[id(module)] = found
        return self.lets[id(module)]

    def left_out(self, module: Module, taken: set[int]) -> None:
        """Count the names that rules use which an import leaves out by their labels: their module needs them."""
        for rule in (r for r, _ in walk_rules(module.file.items) if id(r) not in taken):
            for words in (rule.patterns, *(c.words for c in rule.clauses if c.kind == "except")):
                self._expand(module, words, ())

    def unused_lets(self, module: Module) -> None:
        """Check the patterns of names that no rule uses: nothing is silent."""
        for let in self._lets_of(module).values():
            if id(let) not in self.used_lets and not module.file.broken:
                self._error(module, "PLE213", f"`let {let.name.text}` is never used", let.name.pos, "remove it")

    def _scope_globs(self, written: ResolvedRule | ResolvedDefault) -> bool:
        """Check the globs of the scopes around a rule, each once; True when all are well."""
        found: list[bool] = []
        for atom, word in [(Atom(s.kind, "glob", (w.text,)), w) for s in written.scopes for w in s.globs]:
            if atom not in self.checked_globs:
                try:
                    scope_sequence(word.text)
                except PatternError as error:
                    self._error(written.module, "PLE401", error.message, word.pos, error.remediation)
                    self.checked_globs[atom] = False
                else:
                    self.checked_globs[atom] = True
            found.append(self.checked_globs[atom])
        return all(found)

    def _options(self, module: Module, rule: tree.RuleNode, sort: str | None) -> None:
        hosts = rule.clause("for")
        if hosts is not None and any(word.text != "use" for word, _ in rule.actions):
            self._error(module, "PLE407", ONLY_USE, hosts.pos, "remove it")
        for kind in ("with", "without"):
            clause = rule.clause(kind)
            if clause is None:
                continue
            if sort != COMMAND:
                self._error(
                    module,
                    "PLE405",
                    f"`{kind}` names options, and only `run` has them",
                    clause.pos,
                    "use `except` for patterns" if kind == "without" else "remove it",
                )
                continue
            for word in clause.words:
                try:
                    options_in(word.text)
                except PatternError as error:
                    self._error(module, "PLE405", error.message, word.pos, error.remediation)

    def _possible(
        self, written: ResolvedRule, sort: str, include: tuple[Pattern, ...], exclude: tuple[Pattern, ...]
    ) -> None:
        rule, module = written.rule, written.module
        if written.condition not in self.sat:
            globs = [a for a in atoms(written.condition) if a.op == "glob"]
            usable = all(_valid_glob(a) for a in globs)
            self.sat[written.condition] = not usable or satisfiable(written.condition, self.resolved.attributes)
        if not self.sat[written.condition]:
            self._error(
                module,
                "PLE403",
                "no request can satisfy this rule's conditions",
                rule.pos,
                "check its `when` and the scopes around it",
            )
            return
        with_, without = rule.clause("with"), rule.clause("without")
        if with_ and without and {w.text for w in with_.words} <= {w.text for w in without.words}:
            self._error(
                module,
                "PLE402",
                "the rule matches nothing: `without` excludes every option of `with`",
                rule.pos,
                "remove one of the two",
            )
            return
        climbing = [p for p in include if sort == COMMAND and rule.effect.text == ALLOW and _climbing_globs(p)]
        for pattern in climbing:
            self._error(
                module,
                "PLE402",
                f"`{pattern.text}` grants nothing: no wildcard of a grant stands in a word with `..`",
                rule.pos,
                "write the words out, or use `*` for a whole word",
            )
        empty = exclude and not _has_members(
            sort, [s for p in include for s in p.sequences], [s for p in exclude for s in p.sequences]
        )
        if empty:
            self._error(
                module,
                "PLE402",
                "the rule matches nothing: its `except` excludes everything",
                rule.pos,
                "narrow the `except`, or remove the rule",
            )

    def _make(
        self,
        written: ResolvedRule,
        sort: str,
        include: tuple[Pattern, ...],
        exclude: tuple[Pattern, ...],
        methods: tuple[str, ...],
    ) -> Rule:
        rule, module = written.rule, written.module
        with_, without = rule.clause("with"), rule.clause("without")
        because = rule.clause("because")
        tier = rule.tier.text if rule.tier else ""
        actions = tuple(dict.fromkeys(w.text for w, _ in rule.actions))
        with_options, without_options = (
            tuple(sorted({option for w in c.words for option in options_in(w.text)})) if c else ()
            for c in (with_, without)
        )
        flags = (written.grants, bool(rule.clause("log")), bool(rule.clause("override")))
        key = repr(
            (
                rule.effect.text,
                tier,
                sorted(actions),
                sorted(methods),
                sorted(p.text for p in include),
                sorted(p.text for p in exclude),
                with_options,
                without_options,
                canonical(written.condition),
                flags,
            )
        )
        label = rule.label.text if rule.label else ""
        line = module.file.span(rule.pos).line
        return Rule(
            self._id(module, label, rule.effect.text, actions[0], key),
            key,
            rule.effect.text,
            tier,
            actions,
            sort,
            include,
            exclude,
            with_options,
            without_options,
            written.condition,
            *flags,
            because=because.words[0].text if because else "",
            file=module.file.source.path,
            line=line,
            module=module.name,
            label=label,
            span=module.file.span(rule.pos),
        )

    def _id(self, module: Module, label: str, effect: str, action: str, key: str) -> str:
        if label:
            return f"{module.name}#{label}"
        name = f"{module.name}#{effect}-{action}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        count = self.used_ids[name] = self.used_ids.get(name, 0) + 1
        return name if count == 1 else f"{name}~{count}"


def _climbing_globs(pattern: Pattern) -> bool:
    return any(isinstance(label, Glob) and climbs(label.text) for s in pattern.sequences for label in s)


def _has_members(sort: str, sequences: Iterable[Sequence], without: Iterable[Sequence] = ()) -> bool:
    """True when some resource matches `sequences` and not `without`, or when the search meets its limit."""
    alphabet = sort_named(sort).alphabet
    if _plain_member(alphabet, sequences, without):
        return True  # what one example shows needs no automaton
    try:
        return not (Language.of(alphabet, sequences) - Language.of(alphabet, without)).is_empty()
    except SearchLimitError:
        return True


def _plain_member(alphabet: Alphabet, sequences: Iterable[Sequence], without: Iterable[Sequence]) -> bool:
    """True when the plainest member of some sequence is not excluded."""
    excluded = Walker(Trie((s, 0) for s in without))
    for sequence in sequences:
        word = instance(sequence, "zq7x")
        fits = all(x[:1] == CONTROL or alphabet.admits(x) for x in word)
        if fits and not excluded.walk(word).marks:
            return True
    return False


def _valid_glob(atom: Atom) -> bool:
    try:
        for value in atom.values:
            scope_sequence(str(value))
    except PatternError:
        return False
    return True


def _digest(
    resolved: ResolvedPolicy,
    layers: tuple[Layer, ...],
    floor: tuple[Rule, ...],
    profiles: list[tuple[str, bytes]],
    trusts: tuple[str, ...],
) -> str:
    """SHA-256 over meaning alone: neither order nor layout nor file names change it."""
    parts: list[object] = ["+".join(sorted({str(m.file.edition) for m in resolved.modules}))]
    parts += sorted((layer.guardrail, sorted({(r.key, r.because, r.label) for r in layer.rules})) for layer in layers)
    parts += sorted((i, "otherwise", d.key) for i, layer in enumerate(layers) for d in layer.defaults)
    parts.append(sorted({r.key for r in floor}))
    parts.append(sorted(repr(t) for t in resolved.tiers.values()))
    parts.append(sorted(repr(a) for a in resolved.attributes.values()))
    parts += sorted(("freeze", f.denials, f.seconds) for f in _freezes(resolved))
    parts += [("trust", folder) for folder in trusts]
    parts += sorted((profile_name(path), hashlib.sha256(data).hexdigest()) for path, data in profiles)
    return "sha256:" + hashlib.sha256(repr(parts).encode()).hexdigest()
