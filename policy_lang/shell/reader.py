"""The grammar of commands: lists, pipelines, compound and simple commands (bash(1), SHELL GRAMMAR)."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..domain.regex import regex
from .dialect import BASH, Dialect
from .reading import BLANK, Opaque, WordReader
from .tree import (
    AndOrList,
    ArithmeticCommand,
    ArithmeticFor,
    Assignment,
    CaseClause,
    CaseItem,
    Command,
    CompoundCommand,
    CompoundKind,
    ConditionalExpression,
    ForClause,
    FunctionDefinition,
    Grouping,
    IfClause,
    Part,
    Pipeline,
    Redirect,
    ShellWord,
    SimpleCommand,
    Text,
    WhileClause,
)

_SPACE = regex(r"(?:[ \t\n]|\\\n)+")
_BLANKS = frozenset(" \t\\#")
_COMMENT = regex(r"#[^\n]*")
_RESERVED = regex(
    r"(?:if|then|elif|else|fi|for|while|until|do|done|case|esac|select|function|time|coproc|\[\[|\{|\}|!|in)"
    r"(?=[ \t\n;&|()<>]|$|\\\n)",
    re.ASCII,
)
_ASSIGNMENT = regex(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[([A-Za-z0-9_@*$\"'+-]*)\])?(\+?=)", re.ASCII)
_SUBSCRIPT = regex(r"[A-Za-z_][A-Za-z0-9_]*\[", re.ASCII)
_FUNCTION = regex(r"([A-Za-z_][A-Za-z0-9_.:-]*)[ \t]*\([ \t]*\)", re.ASCII)
_FUNCTION_NAME = regex(r"[A-Za-z_][A-Za-z0-9_.:-]*", re.ASCII)
_DECLARING = frozenset({"declare", "typeset", "local", "export", "readonly"})
_BODIES = frozenset({"if", "for", "while", "until", "case", "[[", "{"})
_OPENERS = _BODIES | {"function", "select", "coproc"}


def parse_script(text: str, dialect: Dialect = BASH) -> tuple[AndOrList, ...]:
    """Parse a whole script. Raises Opaque."""
    reader = Reader(text, dialect)
    body = reader.commands("")
    if reader.pending:
        reader.heredocs()
    return body


class Reader(WordReader):
    """Reads commands; fail-closed: what it does not know is opaque."""

    __slots__ = ()

    # white space

    def blanks(self) -> None:
        """Skip blanks, continued lines and a comment."""
        char = self.text[self.pos : self.pos + 1]
        if char not in _BLANKS:
            return
        match = BLANK.match(self.text, self.pos)
        if match:
            self.pos = match.end()
        if self.text.startswith("#", self.pos):
            comment = _COMMENT.match(self.text, self.pos)
            assert comment is not None
            self.pos = comment.end()

    def newlines(self) -> None:
        """Skip blanks, comments and line ends, reading here-documents where lines end."""
        while True:
            self.blanks()
            if not self.text.startswith("\n", self.pos):
                return
            self.pos += 1
            if self.pending:
                self.heredocs()

    def reserved(self) -> str:
        """The reserved word that stands here, or an empty text."""
        match = _RESERVED.match(self.text, self.pos)
        return match[0] if match else ""

    def expect(self, word: str) -> None:
        """Take a reserved word."""
        self.newlines()
        if self.reserved() != word:
            raise self.fail(f"`{word}` was expected")
        self.pos += len(word)

    # lists

    def commands(self, close: str) -> tuple[AndOrList, ...]:
        """A list of commands up to the end (`close` is empty) or a closing parenthesis, which is taken."""
        body = self.list_until(lambda: close != "" and self.text.startswith(close, self.pos), empty=True)
        if close:
            if not self.text.startswith(close, self.pos):
                raise self.fail(f"`{close}` is missing")
            self.pos += 1
        elif self.pos < self.end:
            raise self.fail(f"an unexpected `{self.text[self.pos : self.pos + 1]}`")
        return body

    def list_until(self, ended: Callable[[], bool], empty: bool = False) -> tuple[AndOrList, ...]:
        """Commands until `ended` says so where one could begin."""
        items: list[AndOrList] = []
        while True:
            self.newlines()
            if self.pos >= self.end or ended():
                break
            items.append(self.item())
            self.blanks()
            if self.pos >= self.end or ended():
                break
            char = self.text[self.pos]
            if char == ";" and not self.text.startswith(";;", self.pos) and not self.text.startswith(";&", self.pos):
                self.pos += 1
            elif char == "&":
                self.pos += 1
                items[-1].background = True
            elif char != "\n":
                raise self.fail(f"an unexpected `{char}`")
            if char in ";&" and self.text.startswith("\\\n", self.pos):
                self.operator_ends()
        if not items and not empty:
            raise self.fail("a list of commands is empty")
        return tuple(items)

    def block(self, *stops: str) -> tuple[AndOrList, ...]:
        """Commands up to one of the reserved words, which is left standing."""
        self.deeper()
        body = self.list_until(lambda: self.reserved() in stops)
        if self.reserved() not in stops:
            raise self.fail(f"`{stops[0]}` is missing")
        self.depth -= 1
        return body

    def item(self) -> AndOrList:
        """Pipelines joined by `&&` and `||`."""
        outer, self.detaches = self.detaches, False
        pipelines = [self.pipeline()]
        operators: list[str] = []
        while True:
            self.blanks()
            operator = self.text[self.pos : self.pos + 2]
            if operator not in {"&&", "||"}:
                detached, self.detaches = self.detaches, outer
                return AndOrList(tuple(pipelines), tuple(operators), None if detached else False)
            self.attached()
            self.pos += 2
            self.newlines()
            operators.append(operator)
            pipelines.append(self.pipeline())

    def pipeline(self) -> Pipeline:
        """Commands joined by `|`, after `!` and `time`."""
        negated = timed = False
        while True:
            word = self.reserved()
            if word == "!":
                negated = not negated
                self.pos += 1
            elif word == "time":
                self.extended("`time`")
                timed = True
                self.pos += 4
                self.blanks()
                if self.text.startswith("-p", self.pos) and self.text[self.pos + 2 : self.pos + 3] in {" ", "\t"}:
                    self.pos += 2
            else:
                break
            self.blanks()
            if self.text[self.pos : self.pos + 1] in {"", "\n", ";", "&", "|", ")", "-"}:
                raise self.fail(f"`{word}` without a command")
        commands = [self.command()]
        while True:
            self.blanks()
            if not self.text.startswith("|", self.pos) or self.text.startswith("||", self.pos):
                return Pipeline(tuple(commands), negated, timed)
            self.attached()
            self.pos += 1
            if self.text.startswith("&", self.pos):
                self.extended("`|&`")
                self.pos += 1
            elif self.text.startswith("\\\n", self.pos):
                self.operator_ends()
            self.newlines()
            if self.reserved() in {"time", "!"}:
                raise self.fail("a reserved word inside a pipeline")
            commands.append(self.command())

    # commands

    def command(self) -> Command:
        """One command of a pipeline."""
        start = self.pos
        if self.text.startswith("((", self.pos):
            self.extended("`((`")
            self.pos += 2
            return self.compound(ArithmeticCommand(self.arithmetic()), start)
        if self.text.startswith("(", self.pos):
            self.pos += 1
            body = self.inner()
            if not body:
                raise self.fail("a subshell without commands")
            return self.compound(Grouping(body, True), start)
        word = self.reserved()
        if not word:
            function = _FUNCTION.match(self.text, self.pos)
            if function:
                self.pos = function.end()
                return FunctionDefinition(function[1], self.function_body())
            return self.simple()
        if word not in _OPENERS:
            raise self.fail(f"an unexpected `{word}`")
        if word in {"select", "coproc"}:
            raise self.fail(f"`{word}` is not read")
        self.pos += len(word)
        if word == "function":
            return self.function()
        if word == "{":
            if self.text[self.pos : self.pos + 1] not in {" ", "\t", "\n", "\\"}:
                raise self.fail("an unexpected `{`")
            body = self.block("}")
            self.pos += 1
            return self.compound(Grouping(body, False), start)
        if word == "[[":
            self.extended("`[[`")
            return self.compound(self.test(), start)
        made = {"if": self.if_, "for": self.for_, "while": self.while_, "until": self.while_, "case": self.case}[word]
        return self.compound(made(word), start)

    def compound(self, kind: CompoundKind, start: int) -> CompoundCommand:
        """Add the redirections behind a compound command."""
        redirects: list[Redirect] = []
        while True:
            self.blanks()
            redirect = self.redirect()
            if redirect is None:
                return CompoundCommand(kind, tuple(redirects), self.offset + start, self.offset + self.pos)
            redirects.append(redirect)

    def if_(self, _: str) -> IfClause:
        """`if list; then list; [elif ...] [else list;] fi`."""
        branches = []
        last: tuple[AndOrList, ...] = ()
        while True:
            condition = self.block("then")
            self.pos += 4
            body = self.block("elif", "else", "fi")
            branches.append((condition, body))
            word = self.reserved()
            self.pos += len(word)
            if word == "else":
                last = self.block("fi")
                self.pos += 2
            if word != "elif":
                return IfClause(tuple(branches), last)

    def while_(self, word: str) -> WhileClause:
        """`while list; do list; done`."""
        condition = self.block("do")
        return WhileClause(condition, self.do_group(), word == "until")

    def do_group(self) -> tuple[AndOrList, ...]:
        """`do list; done`."""
        self.expect("do")
        body = self.block("done")
        self.pos += 4
        return body

    def for_(self, _: str) -> ForClause | ArithmeticFor:
        """`for name [in words]; do list; done`, `for ((...)); do list; done`."""
        self.blanks()
        if self.text.startswith("((", self.pos):
            self.extended("`for ((`")
            self.pos += 2
            header = self.arithmetic()
            self.blanks()
            if self.text.startswith(";", self.pos):
                self.pos += 1
            return ArithmeticFor(header, self.do_group())
        name = _FUNCTION_NAME.match(self.text, self.pos)
        if name is None or not name[0].isidentifier():
            raise self.fail("`for` without a name")
        self.pos = name.end()
        self.unbroken()
        self.newlines()
        words: tuple[ShellWord, ...] | None = None
        if self.reserved() == "in":
            self.pos += 2
            found: list[ShellWord] = []
            self.blanks()
            while self.pos < self.end and self.text[self.pos] not in ";\n":
                found.append(self.word())
                self.blanks()
            if self.pos >= self.end:
                raise self.fail("`do` is missing")
            words = tuple(found)
        if self.text.startswith(";", self.pos):
            self.pos += 1
        return ForClause(name[0], words, self.do_group())

    def case(self, _: str) -> CaseClause:
        """`case word in [(] pattern [| pattern]) list ;; ... esac`."""
        self.blanks()
        subject = self.word()
        self.expect("in")
        items: list[CaseItem] = []
        self.deeper()
        while True:
            self.newlines()
            if self.reserved() == "esac":
                break
            if self.text.startswith("(", self.pos):
                self.pos += 1
                self.blanks()
            patterns = [self.word()]
            self.blanks()
            while self.text.startswith("|", self.pos):
                self.pos += 1
                self.blanks()
                patterns.append(self.word())
                self.blanks()
            if not self.text.startswith(")", self.pos):
                raise self.fail("`)` is missing behind a pattern")
            self.pos += 1
            body = self.list_until(
                lambda: self.text.startswith((";;", ";&"), self.pos) or self.reserved() == "esac", empty=True
            )
            end = next((e for e in (";;&", ";;", ";&") if self.text.startswith(e, self.pos)), "")
            self.pos += len(end)
            items.append(CaseItem(tuple(patterns), body, end))
            if not end:
                break
        self.expect("esac")
        self.depth -= 1
        return CaseClause(subject, tuple(items))

    def function(self) -> FunctionDefinition:
        """`function name [()] compound`."""
        self.extended("`function`")
        self.blanks()
        name = _FUNCTION_NAME.match(self.text, self.pos)
        if name is None:
            raise self.fail("a function without a plain name")
        self.pos = name.end()
        parentheses = re.compile(r"[ \t]*\([ \t]*\)").match(self.text, self.pos)
        if parentheses:
            self.pos = parentheses.end()
        elif self.text[self.pos : self.pos + 1] not in {" ", "\t", "\n"}:
            raise self.fail("a function without a plain name")
        return FunctionDefinition(name[0], self.function_body())

    def function_body(self) -> Command:
        """A compound command."""
        self.newlines()
        if not self.text.startswith("(", self.pos) and self.reserved() not in _BODIES:
            raise self.fail("a function's body was expected")
        return self.command()

    def test(self) -> ConditionalExpression:
        """The inside of `[[ ... ]]`."""
        words: list[ShellWord | str] = []
        if not _SPACE.match(self.text, self.pos):
            raise self.fail("a blank was expected behind `[[`")
        while True:
            self.newlines_plain()
            if self.pos >= self.end:
                raise self.fail("`]]` is missing")
            rest = self.text[self.pos : self.pos + 2]
            if rest in {"&&", "||"}:
                words.append(rest)
                self.pos += 2
            elif rest[0] in "()<>" and rest not in {"<(", ">("}:
                words.append(rest[0])
                self.pos += 1
            elif words and words[-1] == "=~":
                words.append(self.regex())
            else:
                word = self.word()
                plain = word.parts[0].text if len(word.parts) == 1 and isinstance(word.parts[0], Text) else ""
                if plain == "]]" and not word.parts[0].quoted:  # type: ignore[union-attr]
                    break
                words.append("=~" if plain == "=~" else word)
        if not words:
            raise self.fail("an empty `[[ ]]`")
        return ConditionalExpression(tuple(words))

    def newlines_plain(self) -> None:
        """White space inside `[[ ]]`."""
        match = _SPACE.match(self.text, self.pos)
        if match:
            if self.pending and "\n" in match[0]:
                raise self.fail("a here-document before a line end inside `[[ ]]`")
            self.pos = match.end()
        if self.text.startswith("#", self.pos):
            raise self.fail("a comment inside `[[ ]]`")

    def regex(self) -> ShellWord:
        """The right side of `=~`: parentheses and bars belong to the word."""
        start = self.pos
        parts: list[Part] = []
        level = 0
        while self.pos < self.end and self.text[self.pos] not in " \t\n":
            char = self.text[self.pos]
            if char in "'\"$`":
                self.special(parts, char, quoted=False)
            elif char == "\\":
                self.escape(parts, first=True)
            elif char in ";&<>":
                raise self.fail(f"`{char}` in a regular expression", "quote the expression")
            else:
                level += {"(": 1, ")": -1}.get(char, 0)
                if level < 0:
                    break
                parts.append(Text(char, True))
                self.pos += 1
        if level > 0 or start == self.pos:
            raise self.fail("an unusual regular expression", "put it into a variable")
        return ShellWord(tuple(parts), self.offset + start, self.offset + self.pos)

    # simple commands

    def simple(self) -> SimpleCommand:
        """Assignments, words, redirections."""
        start = self.pos
        assigns: list[Assignment] = []
        words: list[ShellWord] = []
        redirects: list[Redirect] = []
        arrays: tuple[Assignment, ...] = ()
        declaring = False
        while True:
            self.blanks()
            if self.pos >= self.end or self.text[self.pos] in "\n;|)":
                break
            if self.text[self.pos] == "&" and not self.text.startswith("&>", self.pos):
                break
            redirect = self.redirect()
            if redirect is not None:
                redirects.append(redirect)
                continue
            self.attached()
            if not words or declaring:
                assign = self.assign()
                if assign is not None:
                    if words and not declaring:
                        raise self.fail("an assignment in an unusual place")
                    if not words:
                        assigns.append(assign)
                    else:
                        words.append(_declared(assign, self))
                        if not isinstance(assign.value, ShellWord):
                            arrays += (assign,)
                    continue
                if _SUBSCRIPT.match(self.text, self.pos):
                    raise self.fail("an unusual subscript")
            word = self.word(first=not words)
            if not words:
                first = word.parts[0]
                declaring = len(word.parts) == 1 and isinstance(first, Text) and first.text in _DECLARING
            words.append(word)
            if self.text.startswith("(", self.pos):
                raise self.fail("an unexpected `(`")
        if not words and not assigns and not redirects:
            char = self.text[self.pos : self.pos + 1]
            raise self.fail(f"an unexpected `{char}`" if char else "it ends too early")
        if self.dialect.modifiers:
            self.braces_alone(words)
        end = self.offset + self.pos
        return SimpleCommand(tuple(assigns), tuple(words), tuple(redirects), self.offset + start, end, arrays)

    def assign(self) -> Assignment | None:
        """An assignment, or None when no such thing stands here."""
        match = _ASSIGNMENT.match(self.text, self.pos)
        if match is None:
            return None
        name, subscript, op = match.groups()
        if op == "+=" or subscript is not None:
            self.extended("`+=` or an array")
        start = self.pos
        self.pos = match.end()
        if self.text.startswith("(", self.pos):
            self.extended("an array")
            if subscript is not None:
                raise self.fail("an array inside an array")
            self.pos += 1
            elements = self.array()
            if self.pos < self.end and self.text[self.pos] not in " \t\n;&|)<>":
                raise self.fail("something behind an array")
            return Assignment(name, op == "+=", elements)
        at = self.text[self.pos : self.pos + 1]
        if at in {"", " ", "\t", "\n", ";", "&", "|", ")"} or (
            at in "<>" and self.text[self.pos + 1 : self.pos + 2] != "("
        ):
            value = ShellWord((), self.offset + start, self.offset + self.pos)
        else:
            value = self.word()
            value = ShellWord(value.parts, self.offset + start, value.end)
        return Assignment(name, op == "+=", value, subscript or "")

    def array(self) -> tuple[ShellWord, ...]:
        """The words of `name=(...)`."""
        words: list[ShellWord] = []
        while True:
            self.newlines()
            if self.text.startswith(")", self.pos):
                self.pos += 1
                return tuple(words)
            if self.pos >= self.end or self.text[self.pos] in ";&|<>(":
                raise self.fail("an unusual array")
            words.append(self.word(first=True))


def _declared(assign: Assignment, reader: Reader) -> ShellWord:
    """An assignment behind `export` and its like, as a word whose first part says what it is."""
    if assign.subscript:
        raise reader.fail("an element is declared", "assign it first")
    if not isinstance(assign.value, ShellWord):
        at = reader.offset + reader.pos
        return ShellWord((Text(assign.name, True),), at, at)
    head = Text(f"{assign.name}{'+' if assign.append else ''}=", True)
    return ShellWord((head, *assign.value.parts), assign.value.start, assign.value.end)


__all__ = ["Opaque", "parse_script"]
