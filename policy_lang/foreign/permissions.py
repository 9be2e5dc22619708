"""Permissions of a client: entries as rules of this language, and a model of the client's answers."""

from __future__ import annotations

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import field, record
from ..syntax import emit
from ..syntax.tree import RuleNode
from .ignore_globs import is_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..domain.errors import Source, Span

EXACT, NARROWER, WIDER, UNSAID, IDLE = "exact", "narrower", "wider", "unsaid", "idle"
"""How a permission came over: as it was; permitting less, or more; not at all, because this language cannot say it, or
because it never had an effect."""
PERSON = "person"
"""The tier of what a client would put to whoever sits before it."""
STRICTNESS = {ALLOW: 0, ASK: 1, DENY: 2}
WORKSPACE, HOME = "/workspace", "/home/agent"
"""Where a client is started, and its home, in every question that is asked of a model: as in tests of policies."""


@record(frozen=True, slots=True)
class ClientRequest:
    """One request: an action, and a resource as a test of a policy has it."""

    action: str
    resource: str

    @property
    def method(self) -> str:
        """A connection's method: what clients fetch, they get."""
        return "GET" if self.action == "connect" else ""


@record(frozen=True, slots=True)
class Permission:
    """One permission of a file; without a `span` it stands in none, and is what the client does by itself.

    `rules` say it in this language; `fit` is how well, as far as reading it shows, and `why` what is different.
    `misread` says what it means where it seems to mean something else. `tries` are requests at its boundary.
    """

    text: str
    effect: str
    rules: tuple[RuleNode, ...] = ()
    fit: str = EXACT
    why: str = ""
    tries: tuple[ClientRequest, ...] = ()
    span: Span | None = None
    misread: str = ""

    @property
    def place(self) -> str:
        """The line that it stands in, in words; empty for what the client does by itself."""
        return f"line {self.span.line}" if self.span is not None else ""


@record(frozen=True, slots=True)
class Permissions:
    """What files of one client say together.

    `model` is the client's own answer to a request: allow, ask or deny. `asks` says that it asks where no entry
    speaks, and denies else; `remarks` are about what is no permission, and where.

    `confined` says that it starts commands in a sandbox of its own: then its answers are compared with the policy's
    behind walls (`policy run`), and what rests on the sandbox is granted `when confined` only.
    """

    client: str
    title: str
    sources: tuple[Source, ...]
    entries: tuple[Permission, ...]
    model: Callable[[ClientRequest], str]
    asks: bool
    remarks: tuple[tuple[str, Span | None], ...] = field(default=())
    confined: bool = False


def strictest(effects: Iterable[str], otherwise: str) -> str:
    """The strictest of some effects."""
    return max(effects, key=STRICTNESS.__getitem__, default=otherwise)


def said(effect: str, actions: Sequence[str], patterns: Iterable[str], **clauses: object) -> RuleNode:
    """A rule of the policy that says an entry; what asks, asks the one tier there is.

    A grant of connections is one of a client's tool that fetches: with GET, unless other `methods` are given.
    """
    tier = PERSON if effect == ASK else ""
    if effect == ALLOW and list(actions) == ["connect"]:
        clauses.setdefault("methods", ("GET",))
    return emit.rule(effect, actions, tuple(dict.fromkeys(patterns)), tier=tier, **clauses)  # type: ignore[arg-type]


def tries(action: str, *resources: str) -> tuple[ClientRequest, ...]:
    """Requests of one action."""
    return tuple(ClientRequest(action, resource) for resource in dict.fromkeys(resources))


def command_tries(glob: str, *, grants: bool) -> tuple[ClientRequest, ...]:
    """Commands at the boundary of a glob over text.

    What it means with nothing, one word and two for a star at its end; what differs in the last word, and in the
    first; for a grant what may stand around a command, too.
    """
    open_end = glob.endswith(" *")
    base = (glob[:-2] if open_end else glob).replace("*", "x")
    out = [base, f"{base} x", f"{base} x/y.txt z", f"{base}x", f"unheard-of {base.partition(' ')[2]}".strip()]
    if grants:
        out += [f"{base} > out.txt", f"{base} && unheard-of x", f"MODE=1 {base}", f"timeout 5 {base}", f"{base} | sort"]
    return tries("run", *out)


def path_tries(action: str, base: str, glob: str) -> tuple[ClientRequest, ...]:
    """Paths at the boundary of a glob below a base: itself, inside it, beside it, deeper down, elsewhere."""
    text = "/".join(part for part in glob.split("/") if part not in {"", "."})
    plain = text.replace("**", "a/b").replace("*", "x").replace("?", "y") or "a"
    near = plain.rpartition("/")
    inside = [] if is_file(glob) else [f"{base}{plain}/in.txt"]
    out = [f"{base}{plain}", *inside, f"{base}deep/er/{plain}", f"{base}{near[0]}{near[1]}q{near[2]}"]
    if not base:
        out += [f"/elsewhere/{plain}", f"~/{plain}"]
    return tries(action, *out)
