"""Text to tree. Every statement is parsed alone; a broken one costs one report and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any as Anything

from lark import Lark, UnexpectedInput
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from .._resources import resource_dir
from ..domain.collection import no_collection
from ..domain.edition import NEWEST_EDITION, edition
from ..domain.errors import Diagnostic, Source, Span
from ..domain.habits import meant_by
from ..domain.limits import limit
from ..domain.suggest import suggest
from . import tree
from .build import Builder, too_deep
from .foreign import FILE_HELP, other_language
from .hints import ending_hint, hint_for
from .split import FILE_ONLY, HEADERS, Piece, Splitter
from .tokens import Token, keywords, scan, unescape

_SHOWN = {
    "STRING": "text in double quotes",
    "NAME": "a name",
    "QNAME": "a dotted name",
    "INT": "a number",
    "DATE": "a date",
    "DATETIME": "a date and time",
    "DURATION": "a duration such as `30m`",
    "COMPARE": "a comparison",
    "ACTION": "an action",
    "METHOD": "a method",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "COMMA": "`,`",
    "EQUAL": "`=`",
    "COLON": "`:`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "VBAR": "`|`",
    "DOTDOT": "`..`",
    "TIME": "a time",
}
_CLAUSES = frozenset({"EXCEPT", "WITH", "WITHOUT", "WHEN", "UNTIL", "BECAUSE", "LOG", "OVERRIDE", "FOR"})
_EDITIONS = f"editions are whole numbers from 1; the newest is `language {NEWEST_EDITION}`"
_START = {"file": "statement", "test": "case", "prove": "property"}


class _Passed(Lexer):
    """Hands over tokens that are already scanned."""

    def __init__(self, _conf: object) -> None:
        """Nothing to set up."""

    def lex(self, data: Anything) -> Iterator[Anything]:  # type: ignore[override]
        """The tokens as they are."""
        return iter(data)


@cache
def _parser() -> tuple[Lark, Builder]:
    builder = Builder()
    text = (resource_dir("grammar") / "policy.lark").read_text(encoding="utf-8")
    lark = Lark(text, parser="lalr", lexer=_Passed, start=["statement", "case", "property"], transformer=builder)
    return lark, builder


def parse(source: Source) -> tree.File:
    """The tree of a policy file with everything that is wrong in its text. Never raises on bad text."""
    lark, builder = _parser()
    with no_collection():
        if language := other_language(source.text):
            return _of_another(source, language)
        scanned = scan(source, lark)
        header = _header(scanned.tokens)
        newer = edition(header[3].value) or 0 if header else 0
        if newer > NEWEST_EDITION:
            return _newer(source, scanned.comments, header, newer)
        splitter = Splitter(source, scanned.tokens)
        pieces = splitter.split()
        parsing = _Parsing(source, lark, builder)
        items: list[tree.Item] = parsing.run(pieces, "file")
    found = scanned.diagnostics + splitter.diagnostics + parsing.diagnostics
    found.sort(key=lambda d: d.span.start if d.span else 0)
    named = next((i.edition.text for i in items if isinstance(i, tree.Header) and i.edition), "")
    return tree.File(source, items, scanned.comments, found, edition(named) or NEWEST_EDITION, parsing.broken)


def _of_another(source: Source, language: str) -> tree.File:
    """A file that is none of this language: all that it can be told is that."""
    begin = len(source.text) - len(source.text.lstrip())
    report = Diagnostic("PLE110", f"this is {language}, not a policy", Span(source, begin, begin + 1), FILE_HELP)
    return tree.File(source, [], [], [report], NEWEST_EDITION, {*FILE_ONLY, "NAME"})


def tokens(source: Source) -> list[Token]:
    """The tokens of a text, comments left out."""
    return scan(source, _parser()[0]).tokens


def kind_of(text: str) -> str:
    """The terminal that a whole text is in every statement, such as `NAME` or `ACTION`; empty when it is not one."""
    scanned = scan(Source("", text), _parser()[0])
    one = scanned.tokens[0] if len(scanned.tokens) == 1 and not scanned.diagnostics else None
    return one.type if one is not None and one.value == text else ""


def is_name(text: str) -> bool:
    """Whether a policy can call a rule, a tier or an attribute so: a name of the grammar, and not a reserved word."""
    return kind_of(text) == "NAME"


_HEADER = 4
"""Tokens of a header with its edition: `policy "name" language 1`."""


def _header(tokens: list[Token]) -> list[Token]:
    """The first header of a file, wherever it stands, when it names an edition; else nothing."""
    at = next((i for i, t in enumerate(tokens) if t.type in HEADERS), len(tokens))
    head = tokens[at : at + _HEADER]
    named = [t.type for t in head[1:]] == ["STRING", "NAME", "INT"] and head[2].value == "language"
    return head if named else []


def _newer(source: Source, comments: list[tree.Comment], header: list[Token], named: int) -> tree.File:
    """A file in an edition that this program does not know: all that it can be told is its header."""
    kind, name, _, number = header
    try:
        title = unescape(name.value)
    except ValueError:  # an escape of that edition
        title = name.value[1:-1]
    places = [(t.start, t.end) for t in header]
    number_word = tree.Word("INT", number.value, places[3])
    item = tree.Header(kind.value, tree.Word("STRING", title, places[1]), (kind.start, number.end), number_word)
    return tree.File(source, [item], comments, [_too_new(source, number_word)], named, {*FILE_ONLY, "NAME"})


def _too_new(source: Source, word: tree.Word) -> Diagnostic:
    named = _brief(word.text)
    return Diagnostic(
        "PLE008",
        f"the file is written in language edition {named}; this program reads up to edition {NEWEST_EDITION}",
        Span(source, *word.pos),
        f"upgrade policy_lang, or write the file in `language {NEWEST_EDITION}`",
    )


def _brief(number: str) -> str:
    return number if len(number) <= 20 else number[:17] + "..."


class _Parsing:
    def __init__(self, source: Source, lark: Lark, builder: Builder) -> None:
        self.source = source
        self.lark = lark
        self.builder = builder
        builder.source = source
        self.diagnostics: list[Diagnostic] = []
        builder.diagnostics = self.diagnostics
        self.count = 0
        self.broken: set[str] = set()
        self.lost = -1
        """Where a line ends whose beginning was not understood: what follows on it is not reported again."""

    def run(self, pieces: list[Piece], context: str) -> list[Anything]:
        out: list[Anything] = []
        for piece in pieces:
            self.count += 1
            if self.count > limit("statements"):
                self._report("PLE004", f"more than {limit('statements')} statements", piece.tokens[0])
                break
            if len(self.diagnostics) > limit("diagnostics"):
                break  # nobody reads on, and a hostile file must not cost more
            known = len(self.diagnostics)
            node = self._one(piece, context)
            if node is None and piece.tokens[0].start < self.lost and not piece.tokens[0].first:
                del self.diagnostics[known:]
            if node is None:
                self.lost = self.source.text.find("\n", piece.tokens[-1].end) % (len(self.source.text) + 1)
            body = self.run(piece.body, "file" if piece.kind == "scope" else piece.kind) if piece.body else []
            if node is None:
                self.broken.add(piece.tokens[0].type)
                continue
            if isinstance(node, (tree.Scope, tree.TestDef, tree.ProveDef)):
                node.body = body
                node.end = piece.end
            out.append(node)
        return out

    def _report(self, code: str, message: str, token: Token, remediation: str = "") -> None:
        self.diagnostics.append(Diagnostic(code, message, Span(self.source, token.start, token.end), remediation))

    def _one(self, piece: Piece, context: str) -> Anything:
        if piece.kind == "broken" or any(t.type == "ERROR" for t in piece.tokens):
            return None
        before = len(self.diagnostics)
        try:
            node: Anything = self.lark.parse(piece.tokens, start=_START[context])
        except UnexpectedToken as error:
            self._syntax(error, piece, context)
            return None
        except UnexpectedInput:
            self._report("PLE110", "the statement cannot be parsed", piece.tokens[0])
            return None
        if any(d.code == "PLE107" for d in self.diagnostics[before:]):
            return None
        if isinstance(node, tree.Header) and node.edition:
            self._edition(node.edition)
        condition = getattr(node, "condition", None)
        if isinstance(node, tree.RuleNode) and (clause := node.clause("when")):
            condition = clause.condition
        if condition is not None and too_deep(condition):
            self._report(
                "PLE106",
                "the condition is too large or too deeply nested",
                piece.tokens[0],
                f"at most {limit('condition_atoms')} comparisons, {limit('condition_nesting')} levels",
            )
            return None
        return node

    def _edition(self, word: tree.Word) -> None:
        named = edition(word.text)
        if named is None:
            shown = _brief(word.text)
            self.builder.report("PLE114", f"`{shown}` is not an edition of the language", word.pos, _EDITIONS)
        elif named > NEWEST_EDITION:
            self.diagnostics.append(_too_new(self.source, word))

    def _syntax(self, error: UnexpectedToken, piece: Piece, context: str) -> None:
        expected = {str(e) for e in (error.accepts or error.expected or ())}
        token: Anything = error.token
        if not isinstance(token, Token):  # the end came too early
            last = piece.tokens[-1]
            wanted = ending_hint(self.source.text, last) or _wanted(expected)
            self._report("PLE110", f"the statement ends unexpectedly after `{_short(last)}`", last, wanted)
            return
        shown = _short(token)
        words = keywords(self.lark)
        near = [w for w, terminal in words.items() if terminal in expected]
        hint = hint_for(self.source.text, piece.tokens, token, expected)
        if "INT" in expected and piece.tokens[piece.tokens.index(token) - 1].type == "LANGUAGE":
            self._report("PLE110", f"unexpected `{shown}`", token, _EDITIONS)
        elif hint:
            self._report("PLE110", f"unexpected `{shown}`", token, hint)
        elif token is piece.tokens[0]:
            if token.type in words.values() and token.type != "NAME":
                where = {"test": "a test", "prove": "a proof"}.get(context, "this place")
                self._report("PLE111", f"`{shown}` is not allowed in {where}", token, _wanted(expected))
            else:
                self._report("PLE111", f"unknown statement `{shown}`", token, suggest(shown, near))
        elif token.type == "EQUAL" and "COMPARE" in expected:
            self._report("PLE110", "`=` is not a comparison", token, "write `==`")
        elif token.type in _CLAUSES and piece.tokens[piece.tokens.index(token) - 1].type == "COMMA":
            self._report("PLE110", f"something is missing between `,` and `{shown}`", token, "remove the comma")
        elif token.type == "NAME" and "STRING" in expected and "NAME" not in expected and not near:
            self._report("PLE110", f"unexpected `{shown}`", token, f'text goes in double quotes: `"{shown}"`')
        elif (method := _method_before(piece, token)) is not None:
            methods = [w for w, terminal in words.items() if terminal == "METHOD"]
            self._report("PLE110", f"unknown method `{_short(method)}`", method, suggest(method.value, methods))
        elif "ACTION" in expected and token.type == "NAME":
            actions = [w for w, terminal in words.items() if terminal == "ACTION"]
            hint = suggest(shown, actions)
            if meant_by(shown).startswith("when"):
                hint = 'a condition follows the patterns: `allow read "src/**" when env == "dev"`'
            self._report("PLE201", f"unknown action `{shown}`", token, hint)
        elif token.type == "NAME" and near:
            hint = suggest(shown, near)
            self._report(
                "PLE110", f"unexpected `{shown}`", token, hint if hint.startswith("did") else _wanted(expected)
            )
        elif token.type == "ACTION" and _asks(piece, token):
            self._report("PLE113", "`ask` needs the tier that approves", token, "write `ask TIER " + shown + " ...`")
        elif token.type in words.values() and "NAME" in expected and token.type != "STRING":
            self._report("PLE112", f"`{shown}` is a reserved word, not a name", token, "choose another name")
        else:
            self._report("PLE110", f"unexpected `{shown}`", token, _wanted(expected))


def _method_before(piece: Piece, token: Token) -> Token | None:
    """The name between `connect` and a pattern, which can only be meant as a method."""
    at = piece.tokens.index(token)
    before = piece.tokens[:at]
    if token.type == "STRING" and at > 1 and before[-1].type == "NAME" and before[-2].value in {"connect", ","}:
        return before[-1] if any(t.value == "connect" for t in before) else None
    return None


def _asks(piece: Piece, token: Token) -> bool:
    at = piece.tokens.index(token)
    return at > 0 and piece.tokens[at - 1].type == "ASK"


def _short(token: Token) -> str:
    return token.value if len(token.value) <= 40 else token.value[:37] + "..."


def _wanted(expected: set[str]) -> str:
    """A help sentence of the terminals that fit, the likely ones first."""
    names = [
        _SHOWN.get(e, f"`{e.lower()}`")
        for e in sorted(expected, key=lambda e: (e not in _SHOWN, e in _CLAUSES, e))
        if e != "$END"
    ]
    if not names:
        return "expected the end of the statement"
    return "expected " + ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
