"""Secrets among the words of commands: which option or operand of which program is one (`secret_options.py`).

Text is cut into words by a light reader that never fails: what is redacted may be any text.
"""

from __future__ import annotations

from ..domain.limits import limit
from ..domain.regex import regex
from .secret_options import FIRST, ROWS
from .secret_values import NO, SECRET, harmless, looks_secret, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int]
    Row = tuple[tuple[str, ...], tuple[str, ...]]
    Found = tuple[int, int, int]
    """The number of a word, and from where to where in it."""

_TOKEN = regex(
    r"(?P<skip>(?:[ \t\r]|\\\n)++)|(?P<pipe>\|(?!\|)&?)|(?P<end>\n|;+|\|\||&&?)|(?P<here><<<)|(?P<open><\(|\$\(|`|[()])"
    r"|(?P<doc><<-?[ \t]{0,4}['\"]?(?P<tag>[A-Za-z0-9_]{1,64})['\"]?)|(?P<redirect>[<>]{1,2}&?)"
    r"|(?P<text>(?:[^\s'\"\\;|&()<>`]++|'[^']*+'|\"(?:[^\"\\]|\\.)*+\"|\\.)++)|.",
    16,  # re.DOTALL
)
_MOST = limit("log_secret_words")
_MOST_PROGRAMS = limit("log_secret_programs")
_SAYS = frozenset(("echo", "printf", "print"))
_CLUSTER = "-~"
_DEEP = 3
"""How far commands in quotes are followed: `ssh h "bash -c '...'"`."""
_LEAST = 4


class _Command:
    """Words of one command and where each begins, the command before it in a pipeline, and what it is given to read."""

    __slots__ = ("before", "given", "inside", "starts", "words")

    def __init__(self, before: _Command | None = None, inside: _Command | None = None) -> None:
        self.words: list[str] = []
        self.starts: list[int] = []
        self.before = before
        self.inside = inside
        self.given: list[Span] = []


def _table() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for line in ROWS.strip().splitlines():
        head, _, places = line.partition(" : ")
        programs, _, words = head.partition(" | ")
        for program in programs.split():
            found.setdefault(program, []).append((tuple(words.split()), tuple(places.split())))
    return found


PROGRAMS = _table()
_NAMED = frozenset(PROGRAMS) - FIRST | {"printf"}
_WORD = regex(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,40}")
_FIRST = regex(rf"(?m:^|[;|&(]) {{0,4}}(?:{'|'.join(sorted(FIRST))}) ")


def calls_programs(text: str) -> bool:
    """Whether a text names a program that takes secrets, and has what some row about it wants."""
    words = _WORD.findall(text)
    for name in _NAMED.intersection(words):
        if name == "printf" or any(_may_take(text, *row) for row in PROGRAMS[name]):
            return True
    first = FIRST.intersection(words)
    return any(f"{name} " in text for name in first) and _FIRST.search(text) is not None


def _may_take(text: str, needed: tuple[str, ...], places: tuple[str, ...]) -> bool:
    """Whether a text has what a row wants, in any order: most commands of a program take no secret."""
    if not all(need[:1] in text if need[:2] == _CLUSTER else need in text for need in needed):
        return False
    return any(_may_be(text, place) for place in places)


def _may_be(text: str, place: str) -> bool:
    if place[0] == "<":
        return "<<" in text or "|" in text or "<(" in text
    return place[0] in "+~" or place.rstrip("*:,%;") in text


def spans_of_commands(text: str, start: int = 0, end: int | None = None, deep: int = 0) -> Iterator[Span]:
    """Where secrets stand among the words of the commands in a text."""
    for command in _commands(text, start, len(text) if end is None else end):
        for number, begin, stop in secret_parts(command.words):
            at = command.starts[number]
            yield _bare(text, at + begin, at + stop)
        yield from _read(text, command)
        yield from _formatted(text, command)
        if command.inside is not None and _announced(command.inside) and command.words and command.words[0] in _SAYS:
            yield from _said(text, command)
        for word, at in zip(command.words, command.starts, strict=True):
            if deep < _DEEP and word[-1] in "'\"" and " " in word:
                inner = min(i for i in (word.find("'"), word.find('"')) if i >= 0)
                yield from spans_of_commands(text, at + inner + 1, at + len(word) - 1, deep + 1)


def secret_parts(words: list[str]) -> Iterator[Found]:
    """Which words of one command, or parts of words, are secrets."""
    for place, rows in _programs(words):
        for needed, places in rows:
            after = _behind(words, place, needed)
            if after:
                for kind in places:
                    yield from _at(words, after, kind)


def _programs(words: list[str]) -> list[tuple[int, list[Row]]]:
    """The words that may be programs: `sudo`, `env` and others have theirs among their own words."""
    found = []
    for place, word in enumerate(words):
        rows = PROGRAMS.get(word.rpartition("/")[2] if "/" in word else word)
        if rows is not None and (place == 0 or word not in FIRST):
            found.append((place, rows))
            if len(found) == _MOST_PROGRAMS:
                break
    return found


def _behind(words: list[str], place: int, needed: tuple[str, ...]) -> int:
    """From which word on a row's places count; 0 when its words do not occur."""
    at = place + 1
    for need in needed:
        at = next((i + 1 for i in range(at, len(words)) if _meets(words[i], need)), 0)
        if not at:
            return 0
    return at


def _meets(word: str, need: str) -> bool:
    if need[:2] == _CLUSTER:
        return word[:1] == "-" and word[:2] != "--" and need[2] in word
    return word == need or (need[-1] == "." and word.startswith(need))


def _at(words: list[str], after: int, kind: str) -> Iterator[Found]:
    """The secrets in one kind of place, from the word `after` on."""
    if kind[0] == "<":
        return
    if kind[0] == "+":
        operands = [i for i in range(after, len(words)) if words[i][:1] != "-" or len(words[i]) == 1]
        wanted = kind[1:].rstrip(":/")
        number = int(wanted) - 1 if wanted else len(operands) - 1
        if 0 <= number < len(operands):
            yield from _value(words, operands[number], 0, kind[-1] if kind[-1] in ":/" else "")
    elif kind == "~":
        for i in range(after, len(words) - 1):
            name = _plain(words[i]).rpartition("/")[2]
            said = NO if "=" in name else verdict(name)
            value = _plain(words[i + 1])
            if said != NO and value[:1] != "-" and (said == SECRET or looks_secret(value)) and words[i][:1] != "-":
                yield from _value(words, i + 1, 0)
    elif kind == "=*":
        for i in range(after, len(words)):
            if "=" in words[i]:
                yield from _value(words, i, words[i].index("=") + 1)
    elif kind[-1] == "*":
        head = kind[:-1]
        for i in range(after, len(words)):
            plain = len(words[i]) - len(words[i].lstrip("'\""))
            if words[i].startswith(head, plain) and not words[i].startswith("--", plain):
                yield from _value(words, i, plain + len(head))
    else:
        option, sep = (kind[:-1], kind[-1]) if kind[-1] in ":,%;" else (kind, "")
        for i in range(after, len(words)):
            if words[i] == option:
                if i + 1 < len(words) and words[i + 1][:1] != "-":
                    yield from _value(words, i + 1, 0, sep)
            elif words[i].startswith(f"{option}="):
                yield from _value(words, i, len(option) + 1, sep)
            elif sep and option[1:2] != "-" and words[i].startswith(option) and len(words[i]) > len(option):
                yield from _value(words, i, len(option), sep)


def _value(words: list[str], number: int, begin: int, sep: str = "") -> Iterator[Found]:
    """A word from `begin` on, or what in it follows `sep`, unless it is plainly no secret."""
    word = words[number]
    if sep == ";":  # cookies
        for part in word[begin:].split(";"):
            cut = part.find("=") + 1
            if cut and not harmless(part[cut:].strip("'\" ")):
                yield number, begin + cut, begin + len(part)
            begin += len(part) + 1
        return
    if sep:
        found = word.find(sep, begin)
        if found < 0:
            return
        begin = found + 1
    value = _plain(word[begin:])
    if value.startswith("pass:"):
        begin += word[begin:].index("pass:") + 5
        value = value[5:]
    elif value.startswith(("file:", "env:", "fd:", "stdin")):
        return
    end = len(word)
    if sep == "/" and "@" in value:
        end = word.index("@", begin)
    if len(value) >= _LEAST and not harmless(value):
        yield number, begin, end


def _plain(word: str) -> str:
    return word.strip("'\"")


def _bare(text: str, begin: int, end: int) -> Span:
    """A span without the quotes around it."""
    while begin < end and text[begin] in "'\"":
        begin += 1
    while end > begin and text[end - 1] in "'\"":
        end -= 1
    return begin, end


def _announced(command: _Command) -> bool:
    last = _plain(command.words[-1]) if command.words else ""
    return verdict(last.lstrip("-")) != NO


def _formatted(text: str, command: _Command) -> Iterator[Span]:
    """What `printf` puts behind a name: `printf 'API_TOKEN=%s' X`."""
    if len(command.words) > 2 and command.words[0] == "printf" and "%s" in command.words[1]:
        names = command.words[1].partition("%s")[0].rstrip(" :=\"'").split()
        if names and verdict(_plain(names[-1])) == SECRET:
            yield from _said(text, command, skip=2)


def _read(text: str, command: _Command) -> Iterator[Span]:
    """What is secret on the standard input of a program that reads a secret there."""
    if command.before is None and not command.given:
        return
    for place, rows in _programs(command.words):
        for needed, places in rows:
            kinds = [k for k in places if k[0] == "<"]
            if kinds and _behind(command.words, place, needed):
                sep = kinds[0][1:]
                for begin, end in command.given:
                    yield from _lines(text, begin, end, sep)
                before = command.before
                if before is not None and before.words:
                    if before.words[0] in _SAYS:
                        yield from _said(text, before, sep)
                    for begin, end in before.given:  # `cat <<< X |`
                        yield from _lines(text, begin, end, sep)


def _said(text: str, command: _Command, sep: str = "", skip: int = 1) -> Iterator[Span]:
    """What `echo` or `printf` says."""
    for word, at in zip(command.words[skip:], command.starts[skip:], strict=True):
        if word[:1] != "-":
            yield from _lines(text, at, at + len(word), sep)


def _lines(text: str, begin: int, end: int, sep: str) -> Iterator[Span]:
    """Each line of what is read, also where a line's end is written as `\\n`."""
    begin, end = _bare(text, begin, end)
    for line in text[begin:end].replace("\\n", "\n\n").split("\n"):
        start = begin
        begin += len(line) + 1
        cut = line.rfind(":") + 1 if sep or line.startswith("$") else 0
        value = line[cut:].strip()
        if len(value) >= _LEAST and not harmless(value):
            lead = line.find(value, cut)
            yield start + lead, start + lead + len(value)


def _commands(text: str, start: int, end: int) -> Iterator[_Command]:
    """The commands of a text, as far as a light reader can tell."""
    command, here, count = _Command(), "", 0
    outer: list[_Command] = []
    docs: list[tuple[_Command, str]] = []
    endless: set[str] = set()
    at = start
    while at < end:
        if count == _MOST:  # what is not looked at is not shown
            command.given.append((at, end))
            command.words[:], command.starts[:] = ["chpasswd"], [at]
            break
        match = _TOKEN.match(text, at, end)
        if match is None:
            break
        count += 1
        at, kind = match.end(), match.lastgroup
        if kind in ("tag", "doc"):
            docs.append((command, match["tag"]))
        elif kind == "text":
            if here == "<<<":
                command.given.append(match.span())
                here = ""
            elif here:  # a file that is read or written
                here = ""
            else:
                command.words.append(match[0])
                command.starts.append(match.start())
        elif kind in ("here", "redirect"):
            here = match[0]
        elif kind == "pipe":
            yield command
            command = _Command(before=command)
        elif kind == "open":
            if match[0] == ")":
                yield command
                command = outer.pop() if outer else _Command()
            elif match[0] != "`":
                outer.append(command)
                command = _Command(inside=command if match[0] == "<(" else None)
        elif kind == "end":
            if match[0] == "\n" and docs:
                at = _documents(text, at, end, docs, endless)
                docs = []
            yield command
            command = _Command()
    yield command
    yield from outer


def _documents(text: str, at: int, end: int, docs: list[tuple[_Command, str]], endless: set[str]) -> int:
    """Where here-documents end; each is what its command is given. What ends none is looked for once."""
    for command, tag in docs:
        stop = -1 if tag in endless else text.find(f"\n{tag}", at - 1, end)
        if stop < 0:
            endless.add(tag)
            return at
        command.given.append((at, stop))
        at = stop + 1 + len(tag)
    return at
