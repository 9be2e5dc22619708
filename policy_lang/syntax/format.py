"""The one layout of a policy file. Meaning is untouched, comments are kept, formatting twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from . import tree
from .tokens import escape
from .tree import Comment, Pos, Word

WIDTH = 100
INDENT = "    "


def format_file(file: tree.File) -> str:
    """The formatted text of a file that parsed without mistakes."""
    printer = Printer(file)
    printer.items(file.items, 0, len(file.source.text))
    return printer.text()


Part = tuple[str, Pos]
"""One piece of a statement with its place in the source, so that comments stay beside it."""


class Printer:
    """Lays statements out. `lines` holds what is printed so far; comments come from the file, by their places."""

    def __init__(self, file: tree.File) -> None:
        self.source = file.source.text
        self.comments = list(reversed(file.comments))
        self.lines: list[str] = []
        self.last_end = 0

    def text(self) -> str:
        """The text printed so far, each line ended."""
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        return "\n".join(self.lines) + "\n" if self.lines else ""

    # comments and blank lines

    def _blank_between(self, start: int, end: int) -> bool:
        return self.source.count("\n", start, end) > 1 and "\n\n" in "".join(
            c for c in self.source[start:end] if c not in " \t\r"
        )

    def _take(self, before: int) -> list[Comment]:
        taken: list[Comment] = []
        while self.comments and self.comments[-1].start < before:
            taken.append(self.comments.pop())
        return taken

    def _gap(self, start: int) -> None:
        if (
            self.lines
            and self.lines[-1]
            and not self.lines[-1].endswith("{")
            and self._blank_between(self.last_end, start)
        ):
            self.lines.append("")

    def _leading(self, before: int, depth: int) -> None:
        """Comments in front of what begins at `before`; the first may trail on the last printed line."""
        for comment in self._take(before):
            self._comment(comment, depth)
        self._gap(before)

    def _comment(self, comment: Comment, depth: int) -> None:
        if not comment.own_line and self.lines and self.lines[-1] and "#" not in _outside(self.lines[-1]):
            self.lines[-1] += f"  {comment.text}"
        else:
            self._gap(comment.start)
            self.lines.append(INDENT * depth + comment.text)
        self.last_end = comment.start + len(comment.text)

    # items

    def items(self, items: Sequence[tree.Node], depth: int, end: int) -> None:
        """Statements of one block, with the comments between them and before its end."""
        for item in items:
            self._leading(item.pos[0], depth)
            self.item(item, depth)
        self._leading_end(end, depth)

    def _leading_end(self, end: int, depth: int) -> None:
        for comment in self._take(end):
            self._comment(comment, depth)

    def head(self, item: tree.Scope | tree.TestDef | tree.ProveDef, depth: int) -> None:
        """The first line of a block."""
        self._parts(_header_parts(item), depth, close=" {")

    def item(self, item: tree.Node, depth: int) -> None:
        """One statement with all that stands in it."""
        if isinstance(item, (tree.Scope, tree.TestDef, tree.ProveDef)):
            self.head(item, depth)
            self.items(item.body, depth + 1, item.end - 1)
            self.lines.append(INDENT * depth + "}")
            self.last_end = item.end
            return
        if isinstance(item, tree.TierDef) and item.defined:
            self._braced(
                f"tier {item.name.text}", [(self._tier_clause(item, k), p) for k, p in item.clauses], item.pos, depth
            )
            return
        if isinstance(item, tree.ContextDef):
            self._braced("context", [(_attribute(a), a.pos) for a in item.attributes], item.pos, depth)
            return
        body = item.examples if isinstance(item, tree.RuleNode) and item.has_body else None
        self._parts(_parts_of(item), depth, close=" {" if body else "", end=None if body else item.pos[1])
        if body:
            for example in body:
                self._leading(example.pos[0], depth + 1)
                self._parts([(_example(example), example.pos)], depth + 1)
            self._leading_end(item.pos[1], depth + 1)
            self.lines.append(INDENT * depth + "}")
        self.last_end = item.pos[1]

    def _tier_clause(self, tier: tree.TierDef, kind: str) -> str:
        return {
            "approvers": "approvers " + ", ".join(escape(w.text) for w in tier.approvers),
            "quorum": f"quorum {tier.quorum}",
            "expires": f"expires {duration(tier.expires)}",
            "includes": "includes " + ", ".join(w.text for w in tier.includes),
            "scope": f"scope {tier.scope}",
            "reason": "reason required",
            "on timeout": f"on timeout escalate {tier.escalate.text}" if tier.escalate else "on timeout deny",
            "break-glass": "break-glass " + ", ".join(w.text for w in tier.opens),
        }[kind]

    def _braced(self, head: str, parts: list[Part], pos: Pos, depth: int) -> None:
        flat = f"{INDENT * depth}{head} {{ {'  '.join(t for t, _ in parts)} }}"
        inner = bool(self.comments) and self.comments[-1].start < pos[1]
        if not parts and not inner:
            self.lines.append(f"{INDENT * depth}{head} {{}}")
        elif len(flat) <= WIDTH and not inner and "\n" not in self.source[pos[0] : pos[1]]:
            self.lines.append(flat)
        else:
            self.lines.append(f"{INDENT * depth}{head} {{")
            for text, place in parts:
                self._leading(place[0], depth + 1)
                self.lines.append(INDENT * (depth + 1) + text)
                self.last_end = place[1]
            self._leading_end(pos[1], depth + 1)
            self.lines.append(INDENT * depth + "}")
        self.last_end = pos[1]

    def _parts(self, parts: list[Part], depth: int, close: str = "", end: int | None = None) -> None:
        """A statement: on one line where it fits and holds no comment, else one part a line."""
        last = end if end is not None else parts[-1][1][1]
        flat = INDENT * depth + " ".join(text for text, _ in parts) + close
        if len(parts) == 1 or (len(flat) <= WIDTH and not (self.comments and self.comments[-1].start < last)):
            self.lines.append(flat)
        else:
            self._broken(parts, depth, close, last)
        self.last_end = last

    def _broken(self, parts: list[Part], depth: int, close: str, last: int) -> None:
        """Head and patterns on one line where they fit, every clause on its own; comments stay in their place."""
        pad = INDENT * (depth + 2)
        parts = self._with_patterns(parts, depth)
        self.lines.append(INDENT * depth + parts[0][0])
        for text, place in parts[1:]:
            comments = self._take(place[0])
            for comment in comments:
                if not comment.own_line and "#" not in _outside(self.lines[-1]):
                    self.lines[-1] += f"  {comment.text}"
                else:
                    self.lines.append(pad + comment.text)
            line = self.lines[-1]
            if not comments and line.startswith(pad) and line.endswith(",") and len(line) + len(text) < WIDTH:
                self.lines[-1] += f" {text}"
            else:
                self.lines.append(pad + text)
        for comment in self._take(last):
            self.lines.append(pad + comment.text)
        if close:
            self.lines.append(INDENT * depth + close.strip())

    def _with_patterns(self, parts: list[Part], depth: int) -> list[Part]:
        """The parts with all patterns joined to the head, when that fits and no comment stands among them."""
        count = 2
        while count < len(parts) and parts[count - 1][0].endswith(","):
            count += 1
        joined = " ".join(text for text, _ in parts[:count])
        end = parts[min(count, len(parts)) - 1][1][1]
        if len(INDENT * depth + joined) > WIDTH or (self.comments and self.comments[-1].start < end):
            return parts
        return [(joined, parts[0][1]), *parts[count:]]


def _outside(line: str) -> str:
    """The line without its strings, to see whether a comment stands on it."""
    out, inside, skip = [], False, False
    for char in line:
        if skip:
            skip = False
        elif char == "\\" and inside:
            skip = True
        elif char == '"':
            inside = not inside
        elif not inside:
            out.append(char)
    return "".join(out)


def _value(word: Word) -> str:
    return escape(word.text) if word.kind == "STRING" else word.text


def _list(words: list[Word]) -> list[Part]:
    last = len(words) - 1
    return [(_value(w) + ("," if i < last else ""), w.pos) for i, w in enumerate(words)]


def _joined(words: list[Word]) -> str:
    return ", ".join(_value(w) for w in words)


def _actions(actions: list[tuple[Word, list[Word]]]) -> str:
    return ", ".join(" ".join([a.text, ", ".join(m.text for m in methods)]).strip() for a, methods in actions)


def _header_parts(item: tree.Scope | tree.TestDef | tree.ProveDef) -> list[Part]:
    if isinstance(item, tree.Scope):
        if item.condition is not None:
            return [(f"when {show_condition(item.condition)}", item.pos)]
        return [(f"{item.kind} {_joined(item.globs)}", item.pos)]
    word = "test" if isinstance(item, tree.TestDef) else "prove"
    text = f"{word} {escape(item.name.text)}"
    if item.agent:
        text += f" as {escape(item.agent.text)}"
    if isinstance(item, tree.TestDef) and item.given:
        text += " given " + ", ".join(f"{n.text} = {_value(v)}" for n, v in item.given)
    if isinstance(item, tree.ProveDef) and item.condition is not None:
        text += f" when {show_condition(item.condition)}"
    return [(text, item.pos)]


def _parts_of(item: tree.Node) -> list[Part]:
    pos = item.pos
    match item:
        case tree.Header():
            edition = f" language {item.edition.text}" if item.edition else ""
            return [(f"{item.kind} {escape(item.name.text)}{edition}", pos)]
        case tree.Import():
            text = f"import {_value(item.target)}"
            return [(text + (f" without {_joined(item.without)}" if item.without else ""), pos)]
        case tree.Within():
            return [(f"within {_value(item.target)}", pos)]
        case tree.ProfileFile():
            return [(f"profile {_value(item.target)}", pos)]
        case tree.Trust():
            return [("trust", pos), *_list(item.folders)]
        case tree.TierDef():
            return [(f"tier {item.name.text}", pos)]
        case tree.Freeze():
            return [(f"freeze when {item.denials} denials within {duration(item.seconds)}", pos)]
        case tree.Let():
            return [(f"let {item.name.text} =", item.name.pos), *_list(item.patterns)]
        case tree.RuleNode():
            return _rule(item)
        case tree.Otherwise():
            actions = f" {', '.join(a.text for a in item.actions)}" if item.actions else ""
            return [(f"otherwise ask {item.tier.text}{actions}", pos)]
        case tree.CaseNode():
            text = _effect(item.effect, item.tier) + f" {item.action.text}"
            text += f" {item.method.text}" if item.method else ""
            to = [(f"for {escape(item.destination.text)}", item.destination.pos)] if item.destination else []
            return [(text, item.action.pos), *_list(item.resources), *to]
        case tree.PropertyNode():
            return [(_property(item), pos), *_list(item.patterns)]
    raise TypeError(type(item).__name__)


def _property(item: tree.PropertyNode) -> str:
    tier = item.tier.text if item.tier else ""
    head = {
        "never_allow": "never allow",
        "always_deny": "always deny",
        "always_ask": f"always ask {tier}",
        "only_may": f"only {_joined(item.agents)} may",
    }[item.kind]
    return f"{head} {_actions(item.actions)}"


def _effect(effect: Word, tier: Word | None) -> str:
    return effect.text + (f" {tier.text}" if tier else "")


def _rule(rule: tree.RuleNode) -> list[Part]:
    label = f"rule {rule.label.text}: " if rule.label else ""
    head = f"{label}{_effect(rule.effect, rule.tier)} {_actions(rule.actions)}"
    parts: list[Part] = [(head, rule.actions[-1][0].pos if rule.actions else rule.pos), *_list(rule.patterns)]
    order = ("except", "for", "with", "without", "when", "until", "log", "override", "because")
    for clause in sorted(rule.clauses, key=lambda c: order.index(c.kind)):
        parts += _clause(clause)
    return parts


def _clause(clause: tree.Clause) -> list[Part]:
    if clause.kind == "when" and clause.condition is not None:
        return [(f"when {show_condition(clause.condition)}", clause.pos)]
    if clause.kind == "log":
        return [("log", clause.pos)]
    if clause.kind == "override":
        return [("override protected", clause.pos)]
    words = _list(clause.words)
    first = (f"{clause.kind} {words[0][0]}", clause.pos)
    return [first, *words[1:]]


def _example(example: tree.ExampleNode) -> str:
    method = f"{example.method.text} " if example.method else ""
    return ("not " if example.negated else "") + f"match {method}{_joined(example.resources)}"


def _attribute(item: tree.Attribute) -> str:
    type_ = item.type.text if item.type else " | ".join(escape(m.text) for m in item.members)
    return f"{item.name.text}: {type_}" + (f" = {_value(item.default)}" if item.default else "")


def duration(seconds: int) -> str:
    """Seconds as they are written: `90s`, `30m`."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def show_condition(node: tree.Condition, inside: str = "or") -> str:
    """A condition as text; parentheses only where they are needed."""
    if isinstance(node, tree.Compare):
        name, values = node.subject.text, node.values
        if node.op in {"truth", "given"}:
            return name if node.op == "truth" else f"given {name}"
        if node.op == "glob":
            return f"{name} in {_value(values[0])}"
        if node.op == "in":
            return f"{name} in [{_joined(values)}]"
        if node.op == "window":
            return f"{name} in {_value(values[0])}..{_value(values[1])}"
        return f"{name} {node.op} {_value(values[0])}"
    if isinstance(node, tree.Not):
        return f"not {show_condition(node.of, 'not')}"
    word = "and" if isinstance(node, tree.All) else "or"
    text = f" {word} ".join(show_condition(kid, word) for kid in node.of)
    wants = {"or": 0, "and": 1, "not": 2}
    return f"({text})" if wants[word] < wants[inside] else text
