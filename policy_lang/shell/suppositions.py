"""Suppositions: every reading of words that no profile explains, as far as a restriction may be about it.

These are words of a program without a profile, and of a command with an option that its profile does not know. A word
may be a file, a host, a branch, a variable that is set; from any word on it may be another command; and a word may be a
script. All of it is *supposed*: it meets what restricts and needs no grant.
"""

from __future__ import annotations

import re

from ..domain.limits import limit
from ..domain.record import replace
from ..domain.regex import regex
from .acts import Act, GitContext
from .call import ProgramCall
from .dialect import BASH
from .interpret import Interpreter
from .profile import Profiles
from .reading import Opaque
from .state import ShellState
from .values import NOTHING, Hole, Value, joined, literal
from .walk import Walk

_MOST_WORDS = limit("supposed_words")
_MOST_PIECES = limit("supposed_pieces")
_MOST_READINGS = limit("supposed_pieces")
_SEPARATORS = regex(r"[=:,@]")
_QUOTES = regex(r"[\"'`(){}\[\]<>;|&]+")
_BLANK = regex(r"[ \t\n]")
_ATTACHED = regex(r"[-+][A-Za-z0-9]+", re.ASCII)
_URL = regex(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s\"'<>\\^`{|}]+)", re.ASCII)
_HOST_SIGNS = regex(r"[.:@]|//|localhost")
_ADDRESS = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}|\[[0-9A-Fa-f:.]+\]"
_NAMED_HOST = regex(rf"(?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]*|localhost|{_ADDRESS}", re.ASCII)
_ANY_HOST = regex(rf"[0-9.-]*[A-Za-z_][A-Za-z0-9_.-]*|{_ADDRESS}", re.ASCII)
_FILE = regex(r"://[^/:@]+\.(?:[a-z]{1,2}|sh|zip|mov|app|info|name|pro|cab|dev|me|md|rs|py|so|bat|java)$", re.ASCII)
"""A name that may as well be a file's."""
_ASSIGNED = regex(r"([A-Za-z_][A-Za-z0-9_]*)=", re.ASCII)
_SCHEMES = ("https", "http", "ssh")
"""Whose ports a host is tried at when it is given without one."""
_REF_ACTIONS = {
    "push": ("push",), "force-push": ("force", "-f", "+"), "delete-ref": ("delete", "-d", ":"), "merge": ("merge",),
}  # fmt: skip
"""Actions on refs: what some word of the command has, or begins with, for the others to be branches of it."""
_COMMANDS = frozenset({"run", *_REF_ACTIONS})


def suppositions(act: Act, profiles: Profiles, context: GitContext, restricted: frozenset[str]) -> list[Act]:
    """What a command may do besides what is known of it, as far as it is about the `restricted` actions.

    A command of which a profile knows all but what its words mean is not taken to write or delete them.
    """
    if act.parsed is not None:
        restricted = restricted - {"write", "delete"}
    walk = Walk(BASH, context)
    walk.span = (act.start, act.end)
    walk.state.folders = act.folders
    try:
        _readings(walk, act, profiles, restricted)
    except Opaque as fault:
        return [Act("run", NOTHING, act.start, act.end, act.argv, opaque=fault.why, remediation=fault.remediation)]
    return [replace(a, supposed=True, unread=None) for a in walk.acts if a.action in restricted and not a.free]


def _readings(walk: Walk, act: Act, profiles: Profiles, restricted: frozenset[str]) -> None:
    assert act.unread is not None
    words = act.unread.argv
    if len(words) > _MOST_WORDS:
        raise Opaque(f"it has more than {_MOST_WORDS} words that no profile explains")
    for value in words:
        if value.text is not None or not act.opaque:
            _word(walk, value, restricted)
    _refs(walk, [v.text or "" for v in words], restricted)
    if not restricted.isdisjoint(_COMMANDS):
        _HiddenCommands(Interpreter(walk, profiles), act).find()


# words


def pieces(text: str) -> list[str]:
    """What may be meant in a word: all of it, an option's attached value, what stands between separators.

    Raises Opaque when it has too many of them.
    """
    found = dict.fromkeys([text])
    attached = _ATTACHED.match(text)
    if attached:
        found.update(dict.fromkeys(text[i:] for i in range(2, attached.end() + 1)))
    for part in (text, *(_QUOTES.split(text) if _QUOTES.search(text) else ())):
        bounds = [-1, *(m.start() for m in _SEPARATORS.finditer(part)), len(part)]
        if len(bounds) - 1 > _MOST_PIECES:
            raise Opaque(f"a word has more than {_MOST_PIECES} parts that no profile explains")
        for i, start in enumerate(bounds[:-1]):
            found.update(dict.fromkeys(part[start + 1 : end] for end in bounds[i + 1 :]))
    return [p for p in found if p and not p.startswith("-")]


def hosts(text: str) -> list[str]:
    """The hosts that may be meant in a word, as URLs."""
    found: dict[str, None] = {}
    for match in _URL.finditer(text):
        found[match[0]] = None
        found.update(dict.fromkeys(_at_ports(match[1].partition("/")[0].rpartition("@")[2])))
    for piece in pieces(text) if _HOST_SIGNS.search(text) else ():
        authority = piece.lstrip("/").partition("/")[0]
        host, _, port = authority.rpartition(":")
        numbered = bool(host) and port.isdigit()
        marked = numbered or piece.startswith("//") or f"@{piece}" in text
        if (_ANY_HOST if marked else _NAMED_HOST).fullmatch(host if numbered else authority):
            found.update(dict.fromkeys(_at_ports(authority)))
    return list(found)


def _at_ports(authority: str) -> list[str]:
    host, _, port = authority.rpartition(":")
    if host and port.isdigit():
        return [f"https://{authority}", *(f"{s}://{host}" for s in _SCHEMES)]
    return [f"{s}://{authority}" for s in _SCHEMES]


def _is_ordinary(text: str) -> bool:
    """True for a word that need not be a file, a branch or a program."""
    return "/" not in text and "." not in text


def _word(walk: Walk, value: Value, restricted: frozenset[str]) -> None:
    """One word as a path, a host, a variable."""
    text = value.text
    if text is None:
        _path(walk, value, restricted)
        return
    for piece in pieces(text):
        _path(walk, joined([Hole.HOME, piece[1:]]) if piece.startswith("~/") else literal(piece), restricted)
    if "connect" in restricted:
        for host in hosts(text):
            walk.act("connect", literal(host), doubtful=bool(_FILE.search(host)))
    assigned = _ASSIGNED.match(text)
    if assigned and "setenv" in restricted:
        walk.act("setenv", literal(assigned[1]))


def _path(walk: Walk, value: Value, restricted: frozenset[str]) -> None:
    """A word that may be a file, or a folder in which files are meant; the working folder is not looked into."""
    if value.text in {".", "./"}:
        return
    # of all files some are protected in every policy, so a program could be given no word that is not known
    rooted = value.starts().startswith("/") or value.parts[:1] in {(Hole.HOME,), (Hole.TMP,)}
    unknown = Hole.ANY in value.parts or (walk.state.folders is None and not rooted)
    for action in ("read",) if unknown else ("read", "write", "delete"):
        if action in restricted:
            walk.act(action, value, tree="own", doubtful=_is_ordinary(value.text or "/"))


def _refs(walk: Walk, texts: list[str], restricted: frozenset[str]) -> None:
    """Words of a command that speaks of pushing or merging may be branches."""
    if restricted.isdisjoint(_REF_ACTIONS) or not any("push" in t or "merge" in t for t in texts):
        return
    for action, signs in _REF_ACTIONS.items():
        if action in restricted and any(s in t if s.isalpha() else t.startswith(s) for t in texts for s in signs):
            for piece in (p.lstrip("+") for t in texts for p in pieces(t)):
                walk.act(action, literal(piece), doubtful=_is_ordinary(piece))


def without_options(words: tuple[Value, ...]) -> list[tuple[Value, ...]]:
    """The words without their options, each of which may take the next word as its value or not."""
    found: list[tuple[Value, ...]] = [()]
    taking = True
    for i, value in enumerate(words):
        start = value.starts()
        if start.startswith("-") and len(start) > 1:
            continue
        before = words[i - 1].starts() if i else ""
        if before.startswith("-") and "=" not in before and taking:
            found += found  # with the word, and without it
            half = len(found) // 2
            found = [*(f + (value,) for f in found[:half]), *found[half:]]
            taking = len(found) < _MOST_READINGS
        else:
            found = [f + (value,) for f in found]
    return list(dict.fromkeys(found))


# commands


class _HiddenCommands:
    """Looks for commands in the words of another one: from any word on, and in scripts that a word holds."""

    def __init__(self, shell: Interpreter, act: Act) -> None:
        assert act.unread is not None
        self._shell = shell
        self._walk = shell.walk
        self._program = act.argv[0].text or ""
        self._words = act.unread.argv
        self._opaque = bool(act.opaque)
        self._stdin = act.unread.stdin

    def find(self) -> None:
        """Record them."""
        _, folder, name = self._program.rpartition("/")
        if folder:
            self._command(name, self._words)
        if name.startswith("git-"):
            self._command("git", (literal(name[4:]), *self._words))
        if self._opaque:
            shorter = [self._words[i:] for i in range(1, len(self._words))]
            for words in dict.fromkeys([*without_options(self._words), *shorter]):
                if words != self._words:
                    self._command(self._program, words)
        for i, value in enumerate(self._words, 1):
            text = value.text
            rest = self._words[i:]
            if text is None:
                if value.parts[:1] == (Hole.ANY,) and not self._opaque:
                    self._walk.opaque("a word that is not known may be a command")
                continue
            for piece in pieces(text):
                command = piece.strip().lstrip("!:+")
                if _BLANK.search(command):
                    self._script(command)
                elif command.isprintable():
                    for name in dict.fromkeys((command, command.rpartition("/")[2])):
                        self._command(name, rest)

    def _command(self, name: str, rest: tuple[Value, ...]) -> None:
        if not name:
            return
        self._walk.step()
        argv = (literal(name), *rest)
        unknown = self._stdin is not None or any(v.text is None for v in rest)
        before, state = len(self._walk.acts), self._walk.state.copy()
        self._shell.programs.command(ProgramCall(argv, self._stdin))
        self._walk.state = state
        self._keep(before, unknown or any("$" in (v.text or "") for v in rest), argv[0] if _is_ordinary(name) else None)

    def _script(self, text: str) -> None:
        before, state = len(self._walk.acts), self._walk.state.copy()
        self._shell.nested(text, BASH, ShellState({}, {}, state.folders))
        self._walk.state = state
        self._keep(before, "$" in text)

    def _keep(self, before: int, unknown: bool, program: Value | None = None) -> None:
        """Keep what was found since; what is opaque only where its words are, or hold something `unknown`.

        A `program` that is an ordinary word is doubtful, and so is one without a profile.
        """
        found = self._walk.acts[before:]
        del self._walk.acts[before:]
        for act in found:
            if act.opaque and unknown:
                self._walk.acts.append(act)
            elif act.argv and all(v.text is not None for v in act.argv):
                doubtful = act.argv[0] == program or act.parsed is None
                self._walk.acts.append(replace(act, opaque="", remediation="", doubtful=doubtful))
            elif not act.opaque:
                self._walk.acts.append(act)
