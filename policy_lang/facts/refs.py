"""Git refs: `[remote:]ref` to a remote and a full ref name, by git-check-ref-format(1)."""

from __future__ import annotations

from ..domain.errors import RequestError
from ..domain.limits import limit
from ..domain.record import record
from ..domain.regex import regex
from .text import check_text

DEFAULT_REMOTE = "origin"
_BAD = regex(r"[\x00-\x20\x7f~^:?*\[\\]")
_AMBIGUOUS = ("heads/", "tags/", "remotes/")


@record(frozen=True, slots=True)
class RefFacts:
    """`segments` of the full name, or None when the current branch is meant and nobody said which it is."""

    remote: str
    segments: tuple[str, ...] | None

    @property
    def word(self) -> tuple[str, ...]:
        """Remote, then the ref's segments."""
        return (self.remote, *(self.segments or ()))


def ref_facts(text: str, branch: str | None = None) -> RefFacts:
    """Read `[remote:]ref`. Raises RequestError for what git would refuse or read in two ways."""
    check_text(text, "ref", limit("ref_bytes"))
    remote, colon, ref = text.rpartition(":")
    if not colon:
        remote = DEFAULT_REMOTE
    elif not remote or remote.startswith("-"):
        raise RequestError("PLR031", "the remote before `:` is missing or looks like an option")
    if ref.startswith("+"):
        raise RequestError("PLR032", "`+` forces a push; ask for the action `force-push`")
    if ref.startswith("@{") or "@{" in ref:
        raise RequestError("PLR033", f"`{ref[:40]}` depends on this clone's history; give the branch's name")
    if ref in {"HEAD", "@"}:
        if branch is None:
            return RefFacts(remote, None)
        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
    return RefFacts(remote, full_ref(ref))


def full_ref(ref: str) -> tuple[str, ...]:
    """The segments of a ref's full name; short names mean `refs/heads/NAME`."""
    if ref.startswith(_AMBIGUOUS):
        raise RequestError("PLR034", f"`{ref[:60]}` means two things to git; write `refs/{ref[:60]}`")
    if not ref.startswith("refs/"):
        ref = f"refs/heads/{ref}"
    why = malformed_ref(ref)
    if why:
        raise RequestError("PLR031", f"`{ref[:60]}` is not a valid ref name: {why}")
    return tuple(ref.split("/"))


def malformed_ref(ref: str) -> str:
    """Why git would refuse the full name, or an empty text."""
    bad = _BAD.search(ref)
    if bad:
        return f"it contains `{bad[0]}`" if bad[0].isprintable() else "it contains a control character"
    if ".." in ref or "@{" in ref:
        return "it contains `..` or `@{`"
    if ref.endswith((".", "/")) or "//" in ref or ref.startswith("/"):
        return "it has an empty segment, or ends with `.`"
    parts = ref.split("/")
    if len(parts) < 3:
        return "a full name has at least three parts"
    for part in parts:
        if part.startswith((".", "-")) or part.endswith(".lock"):
            return "a segment begins with `.` or `-`, or ends with `.lock`"
    return ""
