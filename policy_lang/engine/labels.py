"""Labels for what is partly known: values of the shell as segments and sequences of patterns."""

from __future__ import annotations

from ..automata.glob import REPEATED
from ..automata.pattern import ANY, MANY, Label, Sequence, collapse, quoted, segment_label
from ..domain.errors import RequestError
from ..domain.faults import CallerError
from ..domain.limits import limit
from ..domain.regex import regex
from ..ir.scopes import PatternError
from ..shell.values import Hole, Value

SOME = {Hole.FILE, Hole.ENTRY, Hole.NAME, Hole.WORD, Hole.DIGITS, Hole.NUMBER}
"""What stands for some characters within one segment."""
_MARKS = {
    **dict.fromkeys(SOME, "\1"),
    Hole.FILE: "\0", Hole.ENTRY: "\2", Hole.BELOW: "/\3/", Hole.DIGITS: "\4", Hole.NUMBER: "\5",
}  # fmt: skip
_MARKED = regex("[\0-\5]")
_GLOBS = {"": "", "\4": f"[0-9]{REPEATED}", "\5": f"[0-9-]{REPEATED}"}
"""What a mark stands for that is not any characters; behind the last text there is none."""
VISIBLE = segment_label("[!.]*")
"""Any name that a glob's `*` stands for."""
_STARS = regex(r"\*\*+")
_MOST_WILDCARDS = limit("segment_wildcards")


class UnknownResourceError(CallerError):
    """A resource that is not known; the text says what is not. It never leaves the engine."""


def word_label(value: Value) -> Label:
    """The label of a word of a command."""
    if value.many:
        return MANY
    if value.text is not None:
        return value.text
    text = one_star("".join(quoted(p) if isinstance(p, str) else "*" for p in value.parts))
    if sum(text.count(c) for c in "*?[") > _MOST_WILDCARDS:
        return ANY
    return segment_label(text)


def one_star(glob: str) -> str:
    """A glob of one segment, in which no `**` arises where two unknown parts meet."""
    return _STARS.sub("*", glob)


def ref_sequences(value: Value, branch: str | None = None) -> tuple[Sequence, ...]:
    """The refs that a partly known `remote:ref` may be, where `branch` is the current one."""
    from ..domain.actions import REF
    from ..ir.patterns import compile_pattern

    text = ""
    for part in value.parts:
        if isinstance(part, str):
            text += part
        elif ":" not in text:
            text = "\0"  # the remote is not known
        else:
            text = (
                text.rpartition("/")[0] + "/**" if "/" in text.rpartition(":")[2] else text.rpartition(":")[0] + ":**"
            )
            break
    remote, _, ref = text.rpartition(":")
    if ref in {"HEAD", "@"} and branch is not None:
        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
    ref = ref if ref not in {"", "HEAD", "@"} else "refs/heads/**"
    if "\0" in remote or not remote or any(c in remote for c in ":*?[{"):
        remote = "*"
    stem = ref.removesuffix("**")
    try:
        if ref == "**":
            return tuple(
                s for k in ("refs/heads/**", "refs/tags/**", "refs/**") for s in compile_pattern(REF, f"{remote}:{k}")
            )
        return compile_pattern(REF, f"{remote}:{quoted(stem)}{ref[len(stem) :]}")
    except PatternError as error:
        raise RequestError("PLR031", f"the ref is malformed: {error.message}") from None


def split_path(value: Value, folder: str) -> tuple[str, Sequence]:
    """The part of a path before its first unknown segment, and labels for the others. Raises UnknownResourceError."""
    parts = list(value.parts)
    prefix = folder
    if parts and parts[0] in {Hole.HOME, Hole.TMP, Hole.CWD}:
        prefix = {Hole.HOME: "~", Hole.TMP: "${tmp}"}.get(parts[0], folder)
        parts = parts[1:]
        if parts and parts[0] is not Hole.BELOW:
            if not (isinstance(parts[0], str) and parts[0].startswith("/")):
                raise UnknownResourceError(f"the path is not known ({value.why})")
            parts[0] = parts[0].lstrip("/")
    elif parts and isinstance(parts[0], str) and parts[0].startswith("/"):
        prefix = ""
    elif parts and isinstance(parts[0], str) and parts[0].startswith(("~", "$")):
        parts[0] = "./" + parts[0]
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part if part.isprintable() else _MARKED.sub("\x06", part)  # refused further on
        elif part in _MARKS:
            text += _MARKS[part]
        else:
            raise UnknownResourceError(f"the path is not known: {value.why or 'it depends on a value'} may be anything")
    if not prefix and parts and parts[0] is Hole.BELOW:
        text = text[1:]  # `**` begins in the folder where it stands, not at the root
    full = f"{prefix.rstrip('/')}/{text}" if prefix and text else (text or prefix or ".")
    if text.isprintable():
        return full, ()
    segments = full.split("/")
    first = next((i for i, s in enumerate(segments) if _MARKED.search(s)), len(segments))
    labels: list[Label] = []
    for segment in segments[first:]:
        if segment in {"", "."}:
            continue
        if segment == "\3":
            labels.append(MANY)
            continue
        if segment == ".." or not segment.replace("\1", "").strip("."):
            raise UnknownResourceError(f"the path is not known: {value.why or 'a part'} may be `..`")
        visible = "[!.]" if segment.startswith("\0") else ""  # a glob leaves hidden files out
        texts, marks = _MARKED.split(segment), _MARKED.findall(segment)
        globs = "".join(quoted(t) + _GLOBS.get(m, "*") for t, m in zip(texts, [*marks, ""], strict=True))
        labels.append(segment_label(one_star(visible + globs)))
    known = "/".join(segments[:first]) or ("/" if full.startswith("/") else ".")
    return known, collapse(labels)
