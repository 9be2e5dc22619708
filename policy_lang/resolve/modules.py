"""Following `import` and `within`: files to a graph of modules."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache

from .._resources import resource_dir
from ..domain.edition import NEWEST_EDITION
from ..domain.errors import Diagnostic, PolicyError, Source, Span
from ..domain.limits import limit
from ..domain.suggest import joined, suggest
from ..syntax import tree
from ..syntax.parse import parse
from .files import Reader, read_bytes, read_source, read_with


@dataclass(slots=True)
class Module:
    """One file of the set. `path` is absolute, or empty for the library; `name` what rules are named after."""

    name: str
    path: str
    file: tree.File
    kind: str
    imports: list[tuple[Module, frozenset[str]]] = field(default_factory=list)
    ceilings: list[tuple[Module, tree.Within]] = field(default_factory=list)
    profiles: list[tuple[str, bytes, Span]] = field(default_factory=list)
    """Files of `profile` statements: path, content, and where they are named."""

    def labels(self) -> set[str]:
        """The labels of this file's rules."""
        return {rule.label.text for rule, _ in walk_rules(self.file.items) if rule.label}


def walk_rules(items: list[tree.Item]) -> list[tuple[tree.RuleNode, tuple[tree.Scope, ...]]]:
    """Every rule with the scopes around it, outermost first."""
    return [(item, scopes) for item, scopes in walk(items) if isinstance(item, tree.RuleNode)]


def walk(items: list[tree.Item]) -> list[tuple[tree.Deciding, tuple[tree.Scope, ...]]]:
    """Every rule and every `otherwise` with the scopes around it, outermost first."""
    out: list[tuple[tree.Deciding, tuple[tree.Scope, ...]]] = []
    todo: list[tuple[tree.Item, tuple[tree.Scope, ...]]] = [(item, ()) for item in reversed(items)]
    while todo:
        item, scopes = todo.pop()
        if isinstance(item, tree.Deciding):
            out.append((item, scopes))
        elif isinstance(item, tree.Scope):
            todo.extend((inner, (*scopes, item)) for inner in reversed(item.body))
    return out


def library_names() -> list[str]:
    """The modules of the standard library, such as `std.git`."""
    return list(_library())


@cache
def _library() -> tuple[str, ...]:
    folder = resource_dir("stdlib_policies") / "std"
    return tuple(
        sorted(f"std.{p.name.removesuffix('.policy')}" for p in folder.iterdir() if p.name.endswith(".policy"))
    )


class Loader:
    """Loads a file and everything it needs. `diagnostics` collects what is wrong; nothing is raised for it.

    `read` gives the bytes of files, from the disk unless something else is given.
    """

    def __init__(self, overlay: Source | None = None, read: Reader | None = None) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.modules: dict[str, Module] = {}
        self._open: list[str] = []
        self._overlay = overlay
        self._read = read or read_bytes

    def load(self, path: str) -> Module | None:
        """The module of a file; None when it cannot be read."""
        overlay = self._overlay
        try:
            key = os.path.realpath(path)
        except ValueError:  # with NUL or a lone surrogate
            at = None if overlay is None else Span(overlay, 0, 0)
            self.diagnostics.append(Diagnostic("PLE001", "this is not a valid file name", at, "name a policy file"))
            return None
        if overlay is not None and path == overlay.path:
            return self._module(key, overlay)
        try:
            return self._module(key, read_source(path, None, self._read))
        except PolicyError as error:
            self.diagnostics.extend(error.diagnostics)
            return None

    def _module(self, key: str, source: Source) -> Module:
        file = parse(source) if key.startswith("/") else _library_file(source)
        self.diagnostics.extend(file.diagnostics)
        header = self._header(file)
        std = not key.startswith("/")
        name = header.name.text if header else os.path.basename(source.path).removesuffix(".policy")
        module = Module(key if std else name, "" if std else key, file, header.kind if header else "policy")
        self.modules[key] = module
        self._open.append(key)
        for item in file.items:
            if isinstance(item, tree.Import):
                self._import(module, item)
            elif isinstance(item, tree.Within):
                self._within(module, item)
            elif isinstance(item, tree.ProfileFile):
                self._profile(module, item)
        self._open.pop()
        self._misplaced(file)
        return module

    def floor(self) -> Module:
        """The protected floor's module."""
        return self.modules.get(FLOOR) or self._module(FLOOR, _library_source(FLOOR))

    def _header(self, file: tree.File) -> tree.Header | None:
        headers = [i for i in file.items if isinstance(i, tree.Header)]
        for extra in headers[1:]:
            self._report("PLE501", f"a second `{extra.kind}` statement", file.span(extra.pos), "keep one per file")
        if headers and file.items[0] is not headers[0]:
            self._report(
                "PLE501",
                f"`{headers[0].kind}` must be the first statement",
                file.span(headers[0].pos),
                "move it to the top",
            )
        if not file.items and not file.diagnostics:
            self._report("PLE502", "the file has no statements", file.span((0, 0)), 'begin with `policy "name"`')
        if headers and not headers[0].name.text.strip() and file.edition <= NEWEST_EDITION:
            self._report("PLE501", "the policy's name is empty", file.span(headers[0].name.pos), "give it a name")
        return headers[0] if headers else None

    def _misplaced(self, file: tree.File) -> None:
        todo: list[tree.Scope] = [i for i in file.items if isinstance(i, tree.Scope)]
        while todo:
            scope = todo.pop()
            for item in scope.body:
                if isinstance(item, tree.Scope):
                    todo.append(item)
                elif not isinstance(item, tree.Deciding):
                    word = file.source.text[item.pos[0] : item.pos[1]].split(None, 1)[0]
                    self._report(
                        "PLE503",
                        f"`{word}` is not allowed inside a scope",
                        file.span(item.pos),
                        "move it to the top level of the file; if a `}` is missing before it, add that",
                    )

    def _report(self, code: str, message: str, span: Span, remediation: str = "") -> None:
        self.diagnostics.append(Diagnostic(code, message, span, remediation))

    def _import(self, module: Module, item: tree.Import) -> None:
        found = self._target(module, item.target, "import")
        if found is None:
            return
        known = found.labels()
        for label in item.without:
            if label.text not in known and not found.file.broken:
                self._report(
                    "PLE204",
                    f"`{found.name}` has no rule labelled `{label.text}`",
                    module.file.span(label.pos),
                    suggest(label.text, known, len(self.diagnostics)) or ("" if known else "it has no labelled rules"),
                )
        module.imports.append((found, frozenset(w.text for w in item.without)))

    def _within(self, module: Module, item: tree.Within) -> None:
        found = self._target(module, item.target, "within")
        if found is None:
            return
        if any(ceiling is found for ceiling, _ in module.ceilings):
            self._report(
                "PLE506", f"the ceiling `{item.target.text}` is named twice", module.file.span(item.pos), "remove one"
            )
            return
        module.ceilings.append((found, item))

    def _profile(self, module: Module, item: tree.ProfileFile) -> None:
        span = module.file.span(item.target.pos)
        if not module.path or "\0" in item.target.text or not item.target.text:
            self._report("PLE001", "this is not a valid file name", span, "name a profile, such as `tools/deploy.toml`")
            return
        path = os.path.join(os.path.dirname(module.file.source.path), item.target.text)
        try:
            module.profiles.append((path, read_with(self._read, path, span), span))
        except PolicyError as error:
            self.diagnostics.extend(error.diagnostics)

    def _target(self, module: Module, target: tree.Word, verb: str) -> Module | None:
        span = module.file.span(target.pos)
        if target.kind == "STRING":
            if "\0" in target.text or not target.text:
                self._report("PLE001", "this is not a valid file name", span, "name a policy file")
                return None
            base = os.path.dirname(module.file.source.path)
            path = os.path.join(base, target.text)
            key = os.path.realpath(path)
            if module.path == "":
                self._report(
                    "PLE205", "a library module imports library modules only", span, "name one, such as `std.git`"
                )
                return None
        else:
            if target.text not in _library():
                self._report(
                    "PLE202",
                    f"unknown module `{target.text}`",
                    span,
                    joined(
                        suggest(target.text, _library(), len(self.diagnostics)),
                        'a file goes in quotes: `"name.policy"`',
                    ),
                )
                return None
            path, key = "", target.text
        if key in self._open:
            names = [self.modules[k].name for k in self._open[self._open.index(key) :]] + [self.modules[key].name]
            self._report("PLE505", f"`{verb}` forms a cycle: {' -> '.join(names)}", span, "break it in one place")
            return None
        if key in self.modules:
            return self.modules[key]
        if len(self.modules) >= limit("source_files"):
            self._report(
                "PLE004", f"more than {limit('source_files')} files in one policy set", span, "join some of them"
            )
            return None
        if target.kind == "STRING" and target.text in _library() and not os.path.lexists(path):
            self._report(
                "PLE001",
                f"there is no file `{target.text}`",
                span,
                f"without quotes it is the library's: `{verb} {target.text}`",
            )
            return None
        try:
            source = read_source(path, span, self._read) if path else _library_source(key)
        except PolicyError as error:
            self.diagnostics.extend(error.diagnostics)
            return None
        return self._module(key, source)


@cache
def _library_file(source: Source) -> tree.File:
    """Library modules do not change while the program runs, so each is parsed once."""
    return parse(source)


FLOOR = "floor"
"""The protected floor: a library module that every policy has without importing it."""


def _library_source(name: str) -> Source:
    shown = f"{name.replace('.', '/')}.policy"
    file = resource_dir("stdlib_policies")
    for part in shown.split("/"):
        file = file / part
    return Source(shown, file.read_text(encoding="utf-8"))
