"""Cut a token list into statements, so that each is parsed alone and each mistake is reported once.

Words that begin a statement are reserved, so a beginning is seen without parsing. Blocks (scopes, tests,
proofs) are cut again inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..domain.errors import Diagnostic, Source, Span
from ..domain.limits import limit
from .tokens import Token, soften

FILE_ONLY = frozenset(
    {"POLICY", "GUARDRAIL", "IMPORT", "WITHIN", "PROFILE", "TRUST", "LET", "TIER", "CONTEXT", "FREEZE", "TEST", "PROVE"}
)
HEADERS = frozenset({"POLICY", "GUARDRAIL"})
_EFFECTS = frozenset({"ALLOW", "ASK", "DENY"})
_STARTERS = {
    "file": FILE_ONLY | _EFFECTS | {"RULE", "OTHERWISE"},
    "test": _EFFECTS,
    "prove": frozenset({"NEVER", "ALWAYS", "ONLY"}),
}
_CONTINUES = frozenset(
    {
        "COMMA",
        "EQUAL",
        "COLON",
        "COMPARE",
        "VBAR",
        "DOTDOT",
        "LPAR",
        "LSQB",
        "AND",
        "OR",
        "NOT",
        "IN",
        "WHEN",
        "ALLOW",
        "DENY",
        "ASK",
        "EXCEPT",
        "WITH",
        "WITHOUT",
        "ACTION",
        "METHOD",
        "IMPORT",
        "WITHIN",
        "PROFILE",
        "TRUST",
        "LET",
        "TIER",
        "FREEZE",
        "RULE",
        "OTHERWISE",
        "UNTIL",
        "BECAUSE",
        "AS",
        "GIVEN",
        "OVERRIDE",
        "FOR",
        "LBRACE",
        "TEST",
        "PROVE",
        "AGENT",
        "REPO",
        "CONTEXT",
        "POLICY",
        "GUARDRAIL",
        "NEVER",
        "ALWAYS",
        "ONLY",
        "MAY",
        "MATCH",
    }
)
"""After these a name on a new line goes on with the statement; after anything else it begins a new one."""
_NOT_IN_CONDITIONS = _STARTERS["file"] | {
    "UNTIL", "BECAUSE", "LOG", "OVERRIDE", "EXCEPT", "WITH", "WITHOUT", "WHEN", "FOR"
}  # fmt: skip


@dataclass(slots=True)
class Piece:
    """One statement's tokens; blocks have a body, and `end` is the offset after their `}`."""

    tokens: list[Token]
    kind: str = "leaf"
    body: list[Piece] = field(default_factory=list)
    end: int = 0


class Splitter:
    """Walks the tokens once. `diagnostics` collects unbalanced braces and misplaced statements."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.at = 0
        self.diagnostics: list[Diagnostic] = []
        self._unclosed = sum(t.type == "LBRACE" for t in tokens) - sum(t.type == "RBRACE" for t in tokens)

    def split(self) -> list[Piece]:
        """All statements of the file."""
        return self._block("file", 0)

    def _report(self, code: str, message: str, token: Token, remediation: str) -> None:
        if len(self.diagnostics) <= limit("diagnostics"):
            self.diagnostics.append(Diagnostic(code, message, Span(self.source, token.start, token.end), remediation))

    def _block(self, context: str, depth: int) -> list[Piece]:
        pieces: list[Piece] = []
        tokens = self.tokens
        while self.at < len(tokens):
            token = tokens[self.at]
            if token.type == "RBRACE":
                if depth:
                    return pieces
                self._report("PLE104", "unmatched `}`", token, "remove it, or open a block before it")
                self.at += 1
                continue
            if depth and self._unclosed > 0 and self._outer(context):
                return pieces
            opener = self._opens(context)
            if opener:
                pieces.append(self._open(opener, depth))
            else:
                pieces.append(self._leaf(context))
        return pieces

    def _outer(self, context: str) -> bool:
        """True when the statement here cannot stand in this block, so that a `}` is missing before it."""
        kind = self.tokens[self.at].type
        following = self.tokens[self.at + 1].type if self.at + 1 < len(self.tokens) else ""
        if kind in FILE_ONLY:
            return True
        return context != "file" and (kind == "RULE" or (kind in {"AGENT", "REPO"} and following == "STRING"))

    def _opens(self, context: str) -> str:
        if context != "file":
            return ""
        kind = self.tokens[self.at].type
        return {"AGENT": "scope", "REPO": "scope", "WHEN": "scope", "TEST": "test", "PROVE": "prove"}.get(kind, "")

    def _open(self, kind: str, depth: int) -> Piece:
        tokens, begin = self.tokens, self.at
        self.at += 1
        while self.at < len(tokens) and tokens[self.at].type not in {"LBRACE", "RBRACE"}:
            if tokens[self.at].type in _STARTERS["file"] | {"RULE"} or self._new_name():
                break
            self.at += 1
        header = tokens[begin : self.at]
        piece = Piece(header, kind, end=header[-1].end)
        if self.at >= len(tokens) or tokens[self.at].type != "LBRACE":
            if not any(t.type == "ERROR" for t in header):
                self._report("PLE105", f"`{header[0].value}` needs a block", header[-1], "add `{ ... }` after it")
            piece.kind = "broken"
            return piece
        brace = tokens[self.at]
        self.at += 1
        if depth >= limit("scope_nesting"):
            self._report("PLE106", f"blocks are nested deeper than {limit('scope_nesting')}", brace, "flatten them")
            self._skip_block()
            return piece
        piece.body = self._inner(kind, depth)
        if self.at < len(tokens) and tokens[self.at].type == "RBRACE":
            piece.end = tokens[self.at].end
            self.at += 1
            return piece
        self._unclosed -= 1
        self._report("PLE103", "`{` is not closed", brace, "add `}` where the block ends")
        piece.end = tokens[self.at - 1].end
        return piece

    def _inner(self, kind: str, depth: int) -> list[Piece]:
        if kind == "scope":
            return self._block("file", depth + 1)
        if kind == "prove":
            level, i = 1, self.at
            while i < len(self.tokens) and level:
                level += {"LBRACE": 1, "RBRACE": -1}.get(self.tokens[i].type, 0)
                i += 1
            soften(self.tokens[self.at : i], "prove")
        return self._block(kind, depth + 1)

    def _skip_block(self) -> None:
        level = 1
        while self.at < len(self.tokens) and level:
            level += {"LBRACE": 1, "RBRACE": -1}.get(self.tokens[self.at].type, 0)
            self.at += 1

    def _leaf(self, context: str) -> Piece:
        tokens, begin = self.tokens, self.at
        kind = tokens[begin].type
        self.at += 1
        opened: Token | None = None
        while self.at < len(tokens):
            token = tokens[self.at]
            if opened is not None:
                if token.type == "RBRACE":
                    self.at += 1
                    break
                if token.type in FILE_ONLY | _EFFECTS and token.first and kind != "CONTEXT":
                    self._unclosed -= 1
                    self._report("PLE103", "`{` is not closed", opened, "add `}` where the block ends")
                    return Piece(tokens[begin : self.at], "broken", end=tokens[self.at - 1].end)
            elif token.type == "LBRACE":
                opened = token
            elif token.type == "RBRACE" or self._begins(context, kind):
                break
            self.at += 1
        else:
            if opened is not None:
                self._unclosed -= 1
                self._report("PLE103", "`{` is not closed", opened, "add `}` where the block ends")
                return Piece(tokens[begin:], "broken", end=tokens[-1].end)
        piece = Piece(tokens[begin : self.at], end=tokens[self.at - 1].end)
        if kind in HEADERS:
            soften(piece.tokens[2:], "header")
        elif kind == "TIER":
            soften(piece.tokens[2:], "tier")
        elif kind == "FREEZE":
            soften(piece.tokens, "freeze")
        return piece

    def _begins(self, context: str, kind: str) -> bool:
        token, before = self.tokens[self.at], self.tokens[self.at - 1]
        following = self.tokens[self.at + 1].type if self.at + 1 < len(self.tokens) else ""
        if kind == "FREEZE" and token.type in {"WHEN", "WITHIN"} and (not token.first or before.value == "denials"):
            return False  # they are its own
        if kind in HEADERS and token.type == "NAME" and token.value == "language":
            return False
        if token.type in {"TEST", "PROVE"} and following != "STRING" and not token.first:
            return False  # a word of a command without quotes
        if token.type in _STARTERS[context]:
            return before.type not in {"COLON", "NEVER", "ALWAYS", "RULE", "LET", "TIER", "OTHERWISE"}
        if token.type in _STARTERS["file"]:
            return before.type not in {"COLON", "NEVER", "ALWAYS", "COMMA", "EQUAL", "OTHERWISE"} and token.first
        if token.type in {"AGENT", "REPO"} and following == "STRING":
            return True
        if token.type == "WHEN" and context == "file":
            return kind not in _EFFECTS | {"RULE"} or self._scope_ahead()
        return self._new_name()

    def _new_name(self) -> bool:
        token = self.tokens[self.at]
        return token.type == "NAME" and token.first and self.tokens[self.at - 1].type not in _CONTINUES

    def _scope_ahead(self) -> bool:
        """True when `when COND {` opens a scope and is not a clause before a rule's own body."""
        i = self.at + 1
        while i < len(self.tokens) and self.tokens[i].type not in {"LBRACE", "RBRACE"}:
            if self.tokens[i].type in _NOT_IN_CONDITIONS:
                return False
            following = self.tokens[i + 1].type if i + 1 < len(self.tokens) else ""
            if self.tokens[i].type in {"AGENT", "REPO"} and following == "STRING":
                return False  # the braces ahead are those of the next scope
            i += 1
        if i + 1 >= len(self.tokens) or self.tokens[i].type != "LBRACE":
            return False
        return self.tokens[i + 1].type not in {"MATCH", "NOT", "RBRACE"}
