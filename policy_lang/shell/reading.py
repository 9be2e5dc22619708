"""Words of a script: quotes, expansions, substitutions; redirections and here-document bodies.

A construct that shells read differently, or that this reader does not know, raises `Opaque` with a reason: it is
never guessed at. The rules are those of bash 5.2 (bash(1), "QUOTING" and "EXPANSION").
"""

from __future__ import annotations

import re

from ..domain.limits import limit
from ..domain.regex import regex
from .dialect import Dialect
from .tree import (
    AndOrList,
    ArithmeticExpansion,
    CommandSubstitution,
    EitherText,
    ParameterExpansion,
    Part,
    ProcessSubstitution,
    Redirect,
    ShellWord,
    Text,
)

MOST_NESTING = limit("script_nesting")

_TEXT = regex(r"[^ \t\n;&|<>()$`\\\"']+")
_IN_DOUBLE = regex(r'[^"$`\\]+')
_IN_HEREDOC = regex(r"[^$`\\]+")
_IN_BRACES = regex(r"[^}\"'$`\\<>]+")
_REDIRECTS = frozenset("<>&0123456789")
_REDIRECT_ENDS = frozenset(("", *" \t\n;&|()<>"))
_VARIABLE_FD = regex(r"\{[A-Za-z_][A-Za-z0-9_]*\}", re.ASCII)
_REDIRECT = regex(r"([0-9]*)(<<<|<<-|<<|<>|<&|>>|>&|>\||<(?!\()|>(?!\()|&>>|&>)")
_NUMBERS_GLOB = regex(r"<[0-9]*-[0-9]*>")
BLANK = regex(r"(?:[ \t]|\\\n)+")
_IN_ARITH = regex(r"[^()$`\\\"']+")
_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BRACED = regex(r"([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(?:\[([A-Za-z0-9_@*$-]*)\])?", re.ASCII)
_OPERATOR = regex(r":[-=?+]|[-=?+]|##?|%%?|//|/[#%]?|\^\^?|,,?|@[A-Za-z]|:")
_ANSI = regex(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|(.))", re.DOTALL)
_ANSI_SIMPLE = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip


class Opaque(Exception):
    """The script cannot be read: why, where (an offset), and how to write it so that it can."""

    def __init__(self, why: str, remediation: str = "", at: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.at = at
        self.remediation = remediation


class WordReader:
    """Reads words. The grammar of commands is added by `Reader`.

    `detaches` says that the command read last has `&>`: a shell without that operator runs it in the background.
    """

    __slots__ = ("depth", "detaches", "dialect", "end", "offset", "pending", "pos", "text")

    def __init__(self, text: str, dialect: Dialect, depth: int = 0, offset: int = 0) -> None:
        self.text = text
        self.end = len(text)
        self.pos = 0
        self.dialect = dialect
        self.depth = depth
        self.detaches = False
        self.offset = offset
        self.pending: list[tuple[Redirect, str, bool, bool]] = []

    # faults

    def fail(self, why: str, remediation: str = "") -> Opaque:
        """The exception for what stands here."""
        return Opaque(why, remediation, self.offset + self.pos)

    def extended(self, what: str) -> None:
        """Refuse an addition to POSIX where it does not mean to every shell what it means to bash."""
        if not self.dialect.extended_syntax:
            raise self.fail(f"{what} means something else to some shells called `sh`", "say that the shell is bash")

    def attached(self) -> None:
        """More of a command or list stands here, which belongs to another one where `&>` is not an operator."""
        if self.detaches:
            self.extended("`&>` before more words or commands")

    def deeper(self) -> None:
        """One level down; bounded."""
        self.depth += 1
        if self.depth > MOST_NESTING:
            raise self.fail(f"it is nested deeper than {MOST_NESTING} levels")

    def commands(self, close: str) -> tuple[AndOrList, ...]:
        """A list of commands up to `close`; the grammar says what that is."""
        raise self.fail("commands are read by the grammar alone")

    def reader(self, text: str, offset: int) -> WordReader:
        """A reader of the same kind for a text inside this one."""
        return type(self)(text, self.dialect, self.depth + 1, offset)

    # words

    def word(self, first: bool = False) -> ShellWord:
        """The word that begins here. `first` where an assignment could stand."""
        start = self.pos
        parts: list[Part] = []
        text = self.text
        while True:
            match = _TEXT.match(text, self.pos)
            if match:
                parts.append(Text(match[0], False))
                self.pos = match.end()
            if self.pos >= self.end:
                break
            char = text[self.pos]
            if char in "<>":
                if text[self.pos + 1 : self.pos + 2] != "(":
                    break
                if parts:
                    raise self.fail("a process substitution inside a word")
                parts.append(self.process())
            elif char in " \t\n;&|()":
                break
            elif char == "\\":
                self.escape(parts, first)
            else:
                self.special(parts, char, quoted=False)
        if start == self.pos:
            raise self.fail(
                f"a word was expected, not `{text[self.pos : self.pos + 1]}`"
                if start < self.end
                else "it ends too early"
            )
        return ShellWord(tuple(parts), self.offset + start, self.offset + self.pos)

    def escape(self, parts: list[Part], first: bool) -> None:
        """A backslash outside quotes."""
        following = self.text[self.pos + 1 : self.pos + 2]
        if not following:
            raise self.fail("a backslash at the very end")
        if following == "\n":
            if first:
                raise self.fail("a line is continued inside the first word")
            if self.text[self.pos + 2 : self.pos + 3] in {"<", ">", "\\"}:
                raise self.fail("a line is continued before a redirection", "write a blank before it")
        else:
            parts.append(Text(following, True))
        self.pos += 2

    def special(self, parts: list[Part], char: str, quoted: bool) -> None:
        """A quote, `$` or a backquote. Inside double quotes only the last two."""
        if char == "'" and not quoted:
            parts.append(Text(self.single(), True))
        elif char == '"' and not quoted:
            self.double(parts)
        elif char == "`":
            parts.append(CommandSubstitution(self.backquoted(quoted), quoted))
        elif char == "$":
            self.dollar(parts, quoted)
        else:
            raise self.fail(f"an unexpected `{char}`")

    def single(self) -> str:
        """`'...'`."""
        close = self.text.find("'", self.pos + 1)
        if close < 0:
            raise self.fail("a single quote is not closed")
        value = self.text[self.pos + 1 : close]
        self.pos = close + 1
        return value

    def double(self, parts: list[Part]) -> None:
        """`"..."`."""
        opened = self.pos
        self.pos += 1
        before = len(parts)
        while True:
            match = _IN_DOUBLE.match(self.text, self.pos)
            if match:
                parts.append(Text(match[0], True))
                self.pos = match.end()
            if self.pos >= self.end:
                self.pos = opened
                raise self.fail("a double quote is not closed")
            char = self.text[self.pos]
            if char == '"':
                self.pos += 1
                break
            self.quoted_special(parts, char, '$`"\\')
        if len(parts) == before:
            parts.append(Text("", True))

    def quoted_special(self, parts: list[Part], char: str, escapable: str) -> None:
        """A backslash, `$` or backquote where text is quoted."""
        if char != "\\":
            self.special(parts, char, quoted=True)
            return
        following = self.text[self.pos + 1 : self.pos + 2]
        if following == "\n":
            pass
        elif following and following in escapable:
            parts.append(Text(following, True))
        else:
            parts.append(Text("\\" + following, True))
        self.pos += 2

    def process(self) -> ProcessSubstitution:
        """`<(...)` or `>(...)`."""
        self.extended("a process substitution")
        self.pos += 2
        body = self.inner()
        if not body:
            raise self.fail("a process substitution without commands")
        return ProcessSubstitution(body)

    def inner(self) -> tuple[AndOrList, ...]:
        """Commands up to the closing parenthesis."""
        if self.pending:
            raise self.fail("a substitution begins before the here-document of its line")
        self.deeper()
        body = self.commands(")")
        if self.pending:
            raise self.fail("a here-document's text begins outside its substitution")
        self.depth -= 1
        return body

    def backquoted(self, quoted: bool) -> tuple[AndOrList, ...]:
        """The commands between backquotes: everything up to the next one that no backslash precedes."""
        begin = at = self.pos + 1
        out: list[str] = []
        while True:
            if at >= self.end:
                raise self.fail("a backquote is not closed")
            char = self.text[at]
            if char == "`":
                break
            if char == "\\":
                following = self.text[at + 1 : at + 2]
                if (following == '"' and quoted) or following == "\n":
                    raise self.fail("an escape inside backquotes", "write `$(...)`")
                out.append(following if following in ("$", "`", "\\") else char + following)
                at += 2
                continue
            out.append(char)
            at += 1
        inner = self.reader("".join(out), self.offset + begin)
        if inner.depth > MOST_NESTING:
            raise self.fail(f"it is nested deeper than {MOST_NESTING} levels")
        body = inner.commands("")
        if inner.pending:
            raise self.fail("a here-document inside backquotes", "write `$(...)`")
        self.pos = at + 1
        return body

    def dollar(self, parts: list[Part], quoted: bool) -> None:
        """An expansion, from its `$`."""
        text, at = self.text, self.pos + 1
        char = text[at : at + 1]
        if char == "(":
            if text.startswith("((", at):
                self.pos = at + 2
                parts.append(ArithmeticExpansion(self.arithmetic(), quoted))
            else:
                self.pos = at + 1
                parts.append(CommandSubstitution(self.inner(), quoted))
        elif char == "{":
            self.pos = at + 1
            parts.append(self.braced(quoted))
        elif char in ("'", '"') and not quoted:
            if char == '"':
                raise self.fail('`$"..."` is translated', "leave the `$` out")
            self.pos = at
            value, shorter = self.ansi()
            raw = text[at + 1 : self.pos - 1]
            if self.dialect.extended_syntax:
                same = self.dialect.kept_escapes or value == shorter
                parts.append(Text(value, True) if same else EitherText(value, shorter))
            elif "'" in raw:
                self.extended("an escaped quote in `$'...'`")
            else:
                parts.append(EitherText(value, f"${raw}"))
        elif char == "[":
            raise self.fail("`$[...]` is obsolete", "write `$((...))`")
        elif char == "\\" and text[at + 1 : at + 2] == "\n":
            raise self.fail("a line is continued inside an expansion")
        else:
            name = _NAME.match(text, at)
            if name:
                parts.append(ParameterExpansion(name[0], "", (), quoted))
                self.pos = name.end()
                self.unbroken()
            elif char.isdigit() and text[at + 1 : at + 2].isdigit() and self.dialect.bare_subscripts:
                raise self.fail("a parameter of several digits without braces", "write `${10}`")
            elif char and char in "0123456789@*#?$!-":
                parts.append(ParameterExpansion(char, "", (), quoted))
                self.pos = at + 1
            else:
                parts.append(Text("$", quoted))
                self.pos = at

    def unbroken(self) -> None:
        """A name ends here: a continued line would make it longer."""
        if self.text.startswith("\\\n", self.pos):
            raise self.fail("a line is continued inside a name")

    def ansi(self) -> tuple[str, str]:
        """`$'...'`, from its quote (bash(1), QUOTING): as bash has it, and with unknown escapes shorter."""
        out: list[str] = []
        shorter: list[str] = []
        self.pos += 1
        while True:
            if self.pos >= self.end:
                raise self.fail("a quote is not closed")
            char = self.text[self.pos]
            if char == "'":
                self.pos += 1
                return "".join(out), "".join(shorter)
            if char != "\\":
                out.append(char)
                shorter.append(char)
                self.pos += 1
                continue
            match = _ANSI.match(self.text, self.pos)
            if match is None:
                raise self.fail("a quote is not closed")
            octal, short, four, eight, one = match.groups()
            if one is not None:
                if one == "c" or (one in "CM" and not self.dialect.kept_escapes):
                    raise self.fail("a control character in `$'...'`")
                out.append(_ANSI_SIMPLE.get(one, "\\" + one))
                shorter.append(_ANSI_SIMPLE.get(one, one))
            else:
                code = int(octal, 8) & 0xFF if octal else int(short or four or eight, 16)
                most = 0x7F if octal or short else 0x10FFFF
                if not 0 < code <= most or 0xD800 <= code <= 0xDFFF:
                    raise self.fail("a character code in `$'...'` that is not plain text")
                out.append(chr(code))
                shorter.append(chr(code))
            self.pos = match.end()

    def braced(self, quoted: bool) -> Part:
        """`${...}`, from behind its brace (bash(1), Parameter Expansion)."""
        self.deeper()
        text = self.text
        if text.startswith("#", self.pos) and not text.startswith(("#}", "#:", "#-", "#?", "#+", "#="), self.pos):
            match = _BRACED.match(text, self.pos + 1)
            if match is None or text[match.end() : match.end() + 1] != "}":
                raise self.fail("an unusual `${#...}`")
            self.pos = match.end() + 1
            self.depth -= 1
            return ParameterExpansion(match[1], "#len", (), quoted, match[2] or "")
        if text.startswith("!", self.pos) and not text.startswith("!}", self.pos):
            raise self.fail("`${!...}` names a variable by another's value")
        match = _BRACED.match(text, self.pos)
        if match is None:
            raise self.fail("an unusual `${...}`")
        self.pos = match.end()
        op = ""
        arg: tuple[Part, ...] = ()
        if not text.startswith("}", self.pos):
            operator = _OPERATOR.match(text, self.pos)
            if operator is None:
                raise self.fail("an unusual `${...}`")
            op = operator[0]
            if op[0] == "@":
                raise self.fail("`${name@...}` may run what the value says")
            if op not in (":-", "-", ":+", "+", ":?", "?", "#", "##", "%", "%%", ":=", "="):
                self.extended(f"`${{name{op}...}}`")
            self.pos = operator.end()
            arg = self.braced_argument(quoted)
        if not text.startswith("}", self.pos):
            raise self.fail("`${` is not closed")
        self.pos += 1
        self.depth -= 1
        return ParameterExpansion(match[1], op, arg, quoted, match[2] or "")

    def braced_argument(self, quoted: bool) -> tuple[Part, ...]:
        """The argument between an operator and the closing brace."""
        parts: list[Part] = []
        while True:
            match = _IN_BRACES.match(self.text, self.pos)
            if match:
                parts.append(Text(match[0], quoted))
                self.pos = match.end()
            if self.pos >= self.end:
                raise self.fail("`${` is not closed")
            char = self.text[self.pos]
            if char == "}":
                return tuple(parts)
            if char in "'\"" and quoted:
                raise self.fail("quotes inside `${...}` inside double quotes")
            if char in "<>":
                if self.text[self.pos + 1 : self.pos + 2] == "(":
                    raise self.fail("a process substitution inside `${...}`")
                parts.append(Text(char, quoted))
                self.pos += 1
            elif char == "\\":
                if quoted:
                    raise self.fail("an escape inside `${...}` inside double quotes")
                self.escape(parts, first=True)
            else:
                self.special(parts, char, quoted)

    def arithmetic(self) -> tuple[Part, ...]:
        """An arithmetic expression up to its `))`, from behind `((`."""
        self.deeper()
        parts: list[Part] = []
        level = 0
        while True:
            match = _IN_ARITH.match(self.text, self.pos)
            if match:
                parts.append(Text(match[0], True))
                self.pos = match.end()
            if self.pos >= self.end:
                raise self.fail("`((` is not closed")
            char = self.text[self.pos]
            if char == ")" and not level:
                if not self.text.startswith("))", self.pos):
                    raise self.fail("`((` may be arithmetic or two subshells", "write a blank between the parentheses")
                self.pos += 2
                self.depth -= 1
                return tuple(parts)
            if char in "()":
                level += 1 if char == "(" else -1
                parts.append(Text(char, True))
                self.pos += 1
            elif char in "`$":
                self.special(parts, char, quoted=True)
            else:
                raise self.fail("quotes or escapes in arithmetic")

    def braces_alone(self, words: list[ShellWord]) -> None:
        """Refuse a brace that begins or ends a group although no blank stands beside it, as zsh takes it."""
        for word in words:
            part = word.parts[0]
            if isinstance(part, Text) and not part.quoted and part.text:
                closes = part.text[-1] == "}" and "{" not in part.text and len(word.parts) == 1
                if closes or (word is words[0] and part.text[0] == "{"):
                    raise self.fail("a brace, which zsh reads in another way", "write a blank beside it")

    # redirections

    def operator_ends(self) -> None:
        """A line continued right behind an operator could make it longer."""
        at = self.pos
        while self.text.startswith("\\\n", at):
            at += 2
        if self.text[at : at + 1] in set(";&|<>("):
            raise self.fail("a line is continued inside an operator")

    def redirect(self) -> Redirect | None:
        """A redirection, or None."""
        if self.text[self.pos : self.pos + 1] not in _REDIRECTS:
            return None
        match = _REDIRECT.match(self.text, self.pos)
        if match is None or (match[1] and match[2][0] == "&"):
            return None
        if len(match[1]) > 1 and not self.dialect.long_descriptors:
            if self.dialect.long_descriptors is None:
                raise self.fail("a descriptor of several digits, which some shells called `sh` take for a word")
            return None
        start = self.pos
        if start and self.text[start - 1] == "}":
            opened = self.text.rfind("{", 0, start)
            apart = opened == 0 or self.text[opened - 1] in " \t\n;&|()<>"
            if opened >= 0 and apart and _VARIABLE_FD.fullmatch(self.text, opened, start):
                raise self.fail("`{name}>` keeps the descriptor's number in a variable", "write a number")
        fd, op = match[1], match[2]
        if self.dialect.modifiers and _NUMBERS_GLOB.match(self.text, self.pos):
            raise self.fail("a glob of numbers, which only zsh has")
        if op == "<<<":
            self.extended("`<<<`")
        if op[0] == "&" and not self.dialect.extended_syntax:
            self.detaches = True
        self.pos = match.end()
        if self.text.startswith("\\\n", self.pos):
            self.operator_ends()
        blank = BLANK.match(self.text, self.pos)
        if blank:
            self.pos = blank.end()
        if op in {"<&", ">&"} and self.text.startswith("-", self.pos) and self.closes():
            self.pos += 1
            return Redirect(op, ShellWord((Text("-", True),), 0, 0), fd, self.offset + start, self.offset + self.pos)
        if self.text.startswith("#", self.pos) or self.pos >= self.end:
            raise self.fail("a redirection without a target")
        target = self.word()
        if "&" in op and any(isinstance(p, Text) and "\\" in p.text for p in target.parts):
            raise self.fail("a backslash in the name behind `>&`")  # bash takes it away once more
        redirect = Redirect(op, target, fd, self.offset + start, self.offset + self.pos)
        if op in {"<<", "<<-"}:
            texts = [p.text if isinstance(p, Text) else None for p in target.parts]
            if None in texts or any(isinstance(p, Text) and not p.quoted and "`" in p.text for p in target.parts):
                raise self.fail("a here-document's end is written with an expansion")
            delimiter = "".join(t for t in texts if t is not None)
            if "\n" in delimiter or not delimiter:
                raise self.fail("an unusual here-document's end")
            raw = self.text[target.start - self.offset : target.end - self.offset]
            if "\\\n" in raw or raw.startswith("$"):
                raise self.fail("an unusual here-document's end")
            quoted = any(c in raw for c in "'\"\\")
            self.pending.append((redirect, delimiter, quoted, op == "<<-"))
        return redirect

    def closes(self) -> bool:
        """Whether a `-` behind `>&` closes: in bash it is a token of its own, whatever follows."""
        following = self.text[self.pos + 1 : self.pos + 2]
        return not self.dialect.redirection_marks or following in _REDIRECT_ENDS

    # here-documents

    def heredocs(self) -> None:
        """Read the bodies that wait for the line which begins here."""
        waiting, self.pending = self.pending, []
        for redirect, delimiter, literal, tabs in waiting:
            start = self.pos
            lines: list[str] = []
            joined = False
            while True:
                if self.pos >= self.end:
                    if self.depth or joined:  # only the end of the whole text ends it as well
                        raise self.fail(f"the here-document is not ended by a line `{delimiter[:40]}`")
                    break
                close = self.text.find("\n", self.pos)
                close = self.end if close < 0 else close
                line = self.text[self.pos : close]
                self.pos = min(close + 1, self.end)
                bare = line.lstrip("\t") if tabs else line
                if bare == delimiter:
                    if joined:
                        raise self.fail("a continued line before the end of a here-document")
                    break
                lines.append(bare + "\n")
                joined = not literal and (len(line) - len(line.rstrip("\\"))) % 2 == 1
            body = "".join(lines)
            parts = (Text(body, True),) if literal else self.reader(body, self.offset + start).heredoc_text()
            redirect.target = ShellWord(parts, self.offset + start, self.offset + self.pos)

    def heredoc_text(self) -> tuple[Part, ...]:
        """The whole text as a here-document's body: expansions happen, quotes are plain characters."""
        if self.depth > MOST_NESTING:
            raise self.fail(f"it is nested deeper than {MOST_NESTING} levels")
        parts: list[Part] = []
        while True:
            match = _IN_HEREDOC.match(self.text, self.pos)
            if match:
                parts.append(Text(match[0], True))
                self.pos = match.end()
            if self.pos >= self.end:
                return tuple(parts)
            self.quoted_special(parts, self.text[self.pos], "$`\\")
