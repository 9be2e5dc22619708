"""Pattern texts to label sequences, one function a sort. Malformed texts raise PatternError."""

from __future__ import annotations

import re
import unicodedata

from ..automata.alphabet import LABELS, NAMES, PATHS, REFS, WORDS, Alphabet
from ..automata.glob import GlobError, is_literal
from ..automata.pattern import ANY, MANY, Label, Sequence, collapse, expand_braces, quoted
from ..domain.actions import COMMAND, HOST, NAME, PATH, REF
from ..domain.limits import limit
from ..domain.regex import regex
from ..facts.commands import OPAQUE, TRUSTED_DIRS
from ..facts.paths import HOME, ROOT, TMP, WORKSPACE
from ..facts.refs import DEFAULT_REMOTE, malformed_ref
from .scopes import PatternError, many_inside, part_label

ALPHABETS: dict[str, Alphabet] = {PATH: PATHS, COMMAND: WORDS, HOST: LABELS, REF: REFS, NAME: NAMES}
"""The alphabet of each sort's words."""


def compile_pattern(sort: str, text: str, methods: tuple[str, ...] = ()) -> tuple[Sequence, ...]:
    """The sequences that a pattern of a sort stands for. Raises PatternError."""
    if not text:
        raise PatternError("the pattern is empty")
    if len(text) > 1000 and len(text.encode("utf-8", "replace")) > limit("pattern_bytes"):
        raise PatternError(f"the pattern is longer than {limit('pattern_bytes')} bytes")
    if not text.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise PatternError("the pattern contains a control character", "no resource can, so it would match nothing")
    try:
        if sort == COMMAND:
            sequences = _command(text)
        elif sort == HOST:
            from .host_patterns import host_sequences

            texts = expand_braces(text, limit("pattern_alternatives"))
            sequences = [s for t in texts for s in host_sequences(t, methods)]
        else:
            one = {PATH: _path, REF: _ref, NAME: _name}[sort]
            anchor = "${tmp}" if sort == PATH and text.startswith("${tmp}") else ""  # its braces are not a group
            texts = [anchor + t for t in expand_braces(text[len(anchor) :], limit("pattern_alternatives"))]
            sequences = [one(t) for t in texts]
    except GlobError as error:
        raise PatternError(str(error)) from None
    for sequence in sequences:
        _bounded(sequence)
    return tuple(dict.fromkeys(sequences))


def _bounded(sequence: Sequence) -> None:
    inner = sum(label is MANY for label in sequence[:-1])
    if inner > limit("inner_double_stars"):
        raise PatternError(
            f"more than {limit('inner_double_stars')} inner `**` in one pattern",
            "each one multiplies the work of every decision; split the rule",
        )


# paths


def _path(text: str) -> Sequence:
    text = unicodedata.normalize("NFC", text)
    if "\\" in text:
        raise PatternError(
            "a path pattern cannot contain a backslash", "separate folders with `/`; `[*]` is the character `*`"
        )
    whole = {"/": ROOT, "./": WORKSPACE, "~/": HOME, "${tmp}/": TMP}.get(text)
    if whole:
        return (whole, MANY)
    if text in {"~", "${tmp}"}:
        return (HOME if text == "~" else TMP,)
    anchor, rest = WORKSPACE, text
    for prefix, name in (("/", ROOT), ("~/", HOME), ("${tmp}/", TMP)):
        if text.startswith(prefix):
            anchor, rest = name, text[len(prefix) :]
    if text.startswith("~") and anchor is WORKSPACE:
        raise PatternError("`~user` is not supported", "write `~/...` for the agent's home, or an absolute path")
    if re.search(r"\$\{|\$[A-Za-z_]", rest):
        raise PatternError("variables are not expanded in a pattern", "only `${tmp}/` at the beginning is known")
    folder = rest.endswith("/")
    parts = (rest[:-1] if folder else rest).split("/")
    for part in parts:
        if part in {"", ".", ".."}:
            shown = f"`{part}`" if part else "an empty segment"
            remediation = "write `./` alone for the workspace itself" if part == "." else "write the path without it"
            raise PatternError(
                f"a path pattern cannot contain {shown}" if part else f"the path has {shown}", remediation
            )
        if is_literal(part) and len(part.encode()) > limit("path_segment_bytes"):
            raise PatternError(f"a segment is longer than {limit('path_segment_bytes')} bytes, as no file name is")
    labels: list[Label] = [anchor, *(part_label(p) for p in parts)]
    return collapse([*labels, MANY]) if folder else many_inside(labels)


# refs


def _ref(text: str) -> Sequence:
    remote, colon, ref = text.rpartition(":")
    if not colon:
        remote = DEFAULT_REMOTE
    elif not remote:
        raise PatternError("the remote before `:` is missing", "write `origin:main`, or `*:main` for any remote")
    if ref in {"HEAD", "@"}:
        raise PatternError(f"`{ref}` is not one ref", "name the branch")
    if ref.startswith("+"):
        raise PatternError("`+` forces a push", "write a rule for `force-push`")
    if ref.startswith(("heads/", "tags/", "remotes/")):
        raise PatternError(f"`{ref}` is ambiguous in git", f"write `refs/{ref}`")
    full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    plain = re.sub(r"\[[^\]]*\]|[*?]", "x", full)
    why = malformed_ref(plain if plain.count("/") > 1 else plain + "/x")
    if why and not full.endswith("/"):
        raise PatternError(f"no ref matches this: {why}")
    folder = full.endswith("/")
    labels: list[Label] = [part_label(p) for p in full.rstrip("/").split("/")]
    if folder:
        return (part_label(remote), *collapse([*labels, MANY]))
    return (part_label(remote), *many_inside(labels))


# names


def _name(text: str) -> Sequence:
    if not re.fullmatch(r"[!-~]+", text, re.ASCII):
        raise PatternError("a name must be printable ASCII without spaces")
    parts = text.split(".")
    if "" in parts:
        raise PatternError("the name has an empty segment between dots", "remove a dot")
    return collapse(part_label(p) for p in parts)


# commands


def _command(text: str) -> list[Sequence]:
    words = _split(text)
    if not words:
        raise PatternError("the pattern has no words", "write the program first, such as `git status`")
    most = limit("pattern_alternatives")
    sequences: list[tuple[Label, ...]] = [()]
    for i, word in enumerate(words):
        options = expand_braces(word, most)
        if len(sequences) * len(options) > most:
            raise GlobError(f"the braces expand to more than {most} alternatives")
        labels = [_word_label(option, first=i == 0) for option in options]
        sequences = [(*s, label) for s in sequences for label in labels]
    return [collapse(s) if s[0] is not MANY else collapse((ANY, *s)) for s in sequences]


def _word_label(text: str, first: bool) -> Label:
    if first and "=" in text and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text):
        raise PatternError("a command pattern must begin with a program", "use `setenv` rules for variables")
    if first and text.startswith("/") and is_literal(text):
        folder, _, name = text.rpartition("/")
        if folder in TRUSTED_DIRS and name:
            return name
    return part_label(text)


def _split(text: str) -> list[str]:
    """Words as a shell would split them; quoted text is literal, so its wildcards are wrapped."""
    words: list[str] = []
    current: list[str] | None = None
    quote = ""
    for char in text:
        if quote:
            if char == quote:
                quote = ""
            else:
                assert current is not None
                current.append(quoted(char))
        elif char in "'\"":
            quote = char
            current = current if current is not None else []
        elif char in " \t":
            if current is not None:
                words.append("".join(current))
            current = None
        elif char in ";&|<>()`$\\" or (char in "#~" and current is None):
            raise PatternError(
                f"`{char}` is not allowed in a command pattern",
                "a rule is about a single command; quote the character if an argument contains it",
            )
        else:
            current = current if current is not None else []
            current.append(char)
    if quote:
        raise PatternError(f"the quote {quote} is not closed")
    if current is not None:
        words.append("".join(current))
    return words


OPAQUE_SEQUENCE: Sequence = (OPAQUE,)


_OPTION = regex(r"--[A-Za-z0-9][A-Za-z0-9_.-]*|-[A-Za-z0-9?#@]|-[A-Za-z][A-Za-z0-9_-]+", re.ASCII)


def check_option(text: str) -> str:
    """An option as `with` and `without` take it. Raises PatternError."""
    if not _OPTION.fullmatch(text):
        raise PatternError(f"`{text}` is not a valid option", "write `-f` or `--force`, without a value")
    return text
