"""Paths: below `/`, the workspace, the home or the temporary folder, split at `/`."""

from __future__ import annotations

from ...automata.alphabet import CONTROLS, Alphabet
from ...automata.glob import is_literal
from ...automata.pattern import CONTROL, MANY, Label, Sequence, Word, collapse, expand_braces
from ...automata.space import Space
from ...domain.limits import limit
from ...domain.regex import regex
from ...facts.paths import HOME, ROOT, TMP, WORKSPACE, path_forms
from ...facts.words import Names
from ..scopes import PatternError, many_inside, part_label
from .sort import Circumstances, Sort, only_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...automata.space import Phase

MARKS = (WORKSPACE, HOME, TMP)
"""The anchors that may lie anywhere below the root."""
ANCHORS = {ROOT: "/", WORKSPACE: "./", HOME: "~/", TMP: "${tmp}/"}
"""Each anchor as patterns and requests write it."""
PATHS = Alphabet("path", (*CONTROLS, (47, 47), (92, 92)), frozenset({".", ".."}))
_SHOWN = {**ANCHORS, WORKSPACE: "<workspace>/"}
_VARIABLE = regex(r"\$\{|\$[A-Za-z_]")
_TELLING = (
    ".git/config", ".git/hooks/pre-commit", ".env", "~/.ssh/id_ed25519", "~/.aws/credentials", "~/.netrc",
    "~/.bashrc", ".github/workflows/release.yml", "package.json", "pyproject.toml", "Dockerfile", "Makefile",
    "CODEOWNERS", "secrets/key.pem", "/etc/passwd", "/var/run/docker.sock", "${tmp}/x", "README.md", "src/app.ts",
    "~/notes.txt",
)  # fmt: skip


def _words(resource: str | tuple[str, ...], seen: Circumstances) -> tuple[Names, ...]:
    return path_forms(only_text(resource), seen.roots)


def _sequences(text: str, _methods: tuple[str, ...]) -> list[Sequence]:
    anchor = "${tmp}" if text.startswith("${tmp}") else ""  # its braces are not a group
    return [_path(anchor + t) for t in expand_braces(text[len(anchor) :], limit("pattern_alternatives"))]


def _show(word: Word) -> str:
    return _SHOWN[word[0]] + "/".join(word[1:])


def _resource(word: Word) -> str:
    return ANCHORS[word[0]] + "/".join(word[1:])


def _path(text: str) -> Sequence:
    import unicodedata

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
    if _VARIABLE.search(rest):
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


class Paths(Space):
    """The root, then segments, with at most one mark for each place that is not given."""

    start = ("begin",)
    dull = frozenset(MARKS)

    def __init__(self) -> None:
        super().__init__(PATHS)
        self._known: dict[tuple[Phase, str], Phase | None] = {}

    def step(self, phase: Phase, segment: str) -> Phase | None:
        """See `Space`."""
        key = (phase, segment)
        if key not in self._known:
            self._known[key] = self._after(phase, segment)
        return self._known[key]

    def _after(self, phase: Phase, segment: str) -> Phase | None:
        if phase == self.start:
            return ("in",) if segment == ROOT else None
        if segment in MARKS:
            return None if segment in phase else ("in", *sorted([*map(str, phase[1:]), segment]))
        if segment[:1] == CONTROL or not PATHS.admits(segment):
            return None
        return phase

    def whole(self, phase: Phase) -> bool:
        """See `Space`."""
        return phase != self.start

    def cost(self, at: int, segment: str) -> int:
        """One mark at the very beginning is the plain case; others are strange layouts."""
        if segment in MARKS:
            return 0 if at == 1 else 60
        return len(segment) + 1

    def marks(self, phase: Phase) -> Iterable[str]:
        """See `Space`."""
        return () if phase == self.start else (m for m in MARKS if m not in phase)


SORT = Sort(
    "path",
    PATHS,
    words=_words,
    sequences=_sequences,
    show=_show,
    resource=_resource,
    space=Paths,
    telling=_TELLING,
    ordinary=3,
)
"""Files and folders: each path has several names, and may have two forms, as written and as resolved."""
