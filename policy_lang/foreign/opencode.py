"""opencode's configuration as rules of this language: `permission` of the file, and of the agent that is started."""

from __future__ import annotations

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import record
from ..pep.clients.opencode import CLIENT
from .opencode_model import UNMATCHED, OpencodeModel, expanded
from .opencode_rules import OpencodeRule, read_settings
from .permissions import (
    EXACT,
    HOME,
    IDLE,
    NARROWER,
    STRICTNESS,
    UNSAID,
    Permission,
    Permissions,
    command_tries,
    said,
    strictest,
    tries,
)
from .ranked import Ranked, bounded, overridden, ruled
from .text_commands import command_patterns
from .text_globs import matches, path_patterns
from .tool_names import tool_patterns
from .url_globs import url_patterns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..domain.errors import Source
    from ..syntax.tree import RuleNode
    from .permissions import ClientRequest

_DEAD = frozenset({"write", "patch", "multiedit", "apply_patch"})
_READERS = frozenset({"glob", "grep", "list"})
_CONVERSATION = frozenset({"todowrite", "todoread", "question", "doom_loop"})
_KNOWN = frozenset({"bash", "read", "edit", "webfetch", "external_directory"}) | _READERS | _CONVERSATION
_OUTSIDE = ("{cd,pushd,popd} {..,/,~}*", "{cd,pushd,popd} */..*")
"""Going to another folder, as far as words show it."""
_NOT_WHOLE = (
    "the whole text is compared: what is not said of it here, of words, folders and hosts, is left out of grants only"
)


@record(frozen=True, slots=True)
class _Kind:
    """What is asked for: its name, the actions here, what a pattern becomes, and what no restriction means (`keep`)."""

    name: str
    actions: tuple[str, ...]
    made: Callable[[OpencodeRule, int], Ranked | None]
    keep: tuple[str, ...] = ()


def permissions(sources: Sequence[Source]) -> Permissions:
    """What configuration files say, together. Raises PolicyError."""
    settings = read_settings(sources)
    bounded(len(settings.others) + sum(rule.span is not None for rule in settings.rules), sources[0])
    orders = [_order(kind, settings.rules) for kind in _KINDS]
    total = next((r.effect for r in reversed(settings.rules) if r.key == r.pattern == "*"), ALLOW)
    entries = [_entry(i, rule, orders) for i, rule in enumerate(settings.rules)]
    entries = [one for one in entries if one.span is not None or one.rules]
    entries += _going(orders)
    why = f"the policy is of the agent `{settings.agent}`"
    for agent, rule in settings.others:
        entries.append(Permission(f"{agent}: {rule.text}", rule.effect, fit=UNSAID, why=why, span=rule.span))
    return Permissions(
        CLIENT.name, CLIENT.title, tuple(sources), tuple(entries), OpencodeModel(settings.rules), total != DENY
    )


def _order(kind: _Kind, rules: Sequence[OpencodeRule]) -> tuple[_Kind, list[Ranked]]:
    """The rules about a kind, the last one first."""
    out = [made for i in reversed(range(len(rules))) if (made := kind.made(rules[i], i)) is not None]
    if kind.name == "bash" and not (out and out[0].effect == DENY and out[0].globs == ("*",)):
        globs = tuple(text for name in UNMATCHED for text in (name, f"{name} *"))
        out.insert(0, Ranked(ALLOW, globs, (), ()))
    return kind, out


def _entry(at: int, rule: OpencodeRule, orders: Sequence[tuple[_Kind, list[Ranked]]]) -> Permission:
    """One rule, in all that it is about."""
    made: list[RuleNode] = []
    asked: list[ClientRequest] = []
    idle: list[str] = []
    whole, about = True, False
    for kind, order in orders:
        place = next((i for i, one in enumerate(order) if one.owner == at), None)
        if place is None:
            continue
        about, own = True, order[place]
        before = overridden(order, place)
        if before is not None and (before.effect != rule.effect or before.owner < 0):
            idle.append(_overriding(before))
            continue
        found = ruled(kind.actions, order, place, kind.keep if rule.effect != ALLOW else ())
        if found is None:
            continue
        made.append(found)
        if kind.name == "bash" and own.globs == ("*",):
            made += _beside(rule.effect, order[:place])
        whole = whole and own.whole
        asked += _tries(kind, rule)
    text = rule.text or f"{rule.key} {rule.pattern}: {rule.effect}"
    if made:
        return Permission(
            text, rule.effect, tuple(made), EXACT if whole else NARROWER, "" if whole else _NOT_WHOLE, tuple(asked),
            rule.span, _misread(rule),
        )  # fmt: skip
    fit, why = (IDLE, idle[0]) if idle else _not_said(rule, about=about)
    return Permission(text, rule.effect, fit=fit, why=why, span=rule.span)


def _beside(effect: str, before: Sequence[Ranked]) -> list[RuleNode]:
    """What a rule of all commands means beside programs: pushes, and variables, whose text begins a command's."""
    named = [one.effect for one in before if any(glob[:1] in {"*", "?"} for glob in one.globs)]
    variables = strictest([effect, *named], effect)
    out = [said(variables, ["setenv"], ["**"])]
    return [*out, said(effect, ["push"], ["*:**"])] if effect == ALLOW else out


def _overriding(before: Ranked) -> str:
    if before.owner < 0:
        return "commands that go to another folder are compared with no pattern"
    return f"{before.place} means all of it, and of the rules that fit the last decides"


def _misread(rule: OpencodeRule) -> str:
    """What a rule means that it does not seem to."""
    pattern = rule.pattern
    if matches(rule.key, "bash") and pattern.endswith("*") and pattern[-2:-1] not in {"", "*", " ", "/", "-", "="}:
        return f"means words that go on as well, such as `{pattern.rstrip('*')}x`: no blank stands before the star"
    if rule.key in {"read", "edit"} and pattern.startswith("**/"):
        return f"does not mean `{pattern[3:]}` in the workspace itself: what stands before the slash is not left out"
    return ""


def _not_said(rule: OpencodeRule, *, about: bool) -> tuple[str, str]:
    """Why a rule has none of ours."""
    key = rule.key
    if key in _DEAD:
        return IDLE, "edits of every kind are judged by `edit`"
    if key in _READERS:
        return UNSAID, f"which tool reads, such as `{key}`, is not part of a read"
    if key in _CONVERSATION:
        return UNSAID, f"`{key}` is about the conversation alone"
    if key in CLIENT.operations:
        return UNSAID, f"what `{key}` is given is not part of its operation, `do opencode.{key}`"
    if key in {"read", "edit"}:
        return IDLE, "paths are compared as they are below the workspace: none begins or ends so"
    if key == "external_directory":
        return IDLE, "a folder is asked for as `FOLDER/*`, from the root: a pattern without a star at its end fits none"
    if key == "bash" and not set("<>") & set(rule.pattern):
        return IDLE, "commands are compared one by one, and none has an operator of the shell in it"
    if not about and key.lower() in _KNOWN | CLIENT.operations:
        return IDLE, f"names are compared as they are written: it is `{key.lower()}`"
    return (
        UNSAID,
        "it cannot be said of hosts, words or folders" if about or key in _KNOWN else f"no tool is known as `{key}`",
    )


def _going(orders: Sequence[tuple[_Kind, list[Ranked]]]) -> list[Permission]:
    """Commands that go to folders outside, which is asked for as `external_directory`; those inside are not."""
    bash, outside = (
        next(order for kind, order in orders if kind.name == name) for name in ("bash", "external_directory")
    )
    live = [one.effect for i, one in enumerate(outside) if one.restricts and overridden(outside, i) is None]
    effect = max(live, key=STRICTNESS.__getitem__, default=ASK)
    if bash[0].owner >= 0:
        return []
    out = []
    if next((one.effect for one in bash if one.globs == ("*",)), ASK) != ALLOW:
        why = "`cd` is not a program: it is permitted where every command is"
        out.append(Permission("going to another folder", ALLOW, fit=UNSAID, why=why))
    if effect != ALLOW:
        rule = said(effect, ["run"], _OUTSIDE)
        asked = tries("run", "cd ..", "cd /tmp && ls", "cd ~/a", "cd a/../..")
        why = "a folder outside is known by its words alone"
        out.append(Permission("going outside the workspace", effect, (rule,), NARROWER, why, asked))
    return out


# what patterns become


def _ranked(
    rule: OpencodeRule,
    at: int,
    globs: Sequence[str],
    grants: Sequence[str],
    restricts: Sequence[str],
    *,
    whole: bool = True,
) -> Ranked:
    return Ranked(rule.effect, tuple(globs), tuple(grants), tuple(restricts), at, rule.place, whole)


def _command(rule: OpencodeRule, at: int) -> Ranked | None:
    if not matches(rule.key, "bash"):
        return None
    glob = expanded(rule.pattern)
    if not glob.strip("*"):
        return _ranked(rule, at, ["*"], ["**"], ["**"])
    globs = (glob, glob[:-2]) if glob.endswith(" *") else (glob,)
    found = command_patterns(globs)
    whole = found.granted_whole if rule.effect == ALLOW else found.restricted_whole
    return _ranked(rule, at, globs, found.grants, found.restricts, whole=whole)


def _path(rule: OpencodeRule, at: int, name: str) -> Ranked | None:
    if not matches(rule.key, name):
        return None
    glob = expanded(rule.pattern)
    if not glob.strip("*"):
        return _ranked(rule, at, ["*"], ["/**"], ["/**"])
    narrow, wide = path_patterns(glob), path_patterns(glob, wider=True)
    if narrow is None or wide is None:
        return _ranked(rule, at, [glob], [], ["/**"] if glob.startswith("..") else [])
    restricts = [_anywhere(p) if glob[0] in "*?" else p for p in wide.patterns]
    whole = (narrow if rule.effect == ALLOW else wide).whole
    return _ranked(rule, at, [glob], narrow.patterns, restricts, whole=whole)


def _anywhere(pattern: str) -> str:
    """A pattern that begins with a star, from the root: paths outside the workspace begin with something as well."""
    return (
        f"/{pattern[2:]}"
        if pattern.startswith("*/**")
        else f"/{pattern}"
        if pattern.startswith("**")
        else f"/**/{pattern}"
    )


def _outside(rule: OpencodeRule, at: int) -> Ranked | None:
    if not matches(rule.key, "external_directory"):
        return None
    glob = expanded(rule.pattern)
    if not glob.strip("*"):
        return _ranked(rule, at, ["*"], ["/**"], ["/**"])
    home = glob.startswith(f"{HOME}/")
    base, rest = ("~/", glob[len(HOME) + 1 :]) if home else ("/", glob.removeprefix("/"))
    narrow, wide = path_patterns(rest), path_patterns(rest, wider=True)
    if glob[0] not in "/*" or not glob.endswith("*") or narrow is None or wide is None:
        return _ranked(rule, at, [glob], [], [])
    grants = [f"{base}{p}**" if p.endswith("*/") else f"{base}{p}" for p in narrow.patterns]
    return _ranked(rule, at, [glob], grants if glob[0] == "/" else (), [f"{base}{p}" for p in wide.patterns])


def _url(rule: OpencodeRule, at: int) -> Ranked | None:
    if not matches(rule.key, "webfetch"):
        return None
    grants, restricts = url_patterns(rule.pattern, grants=True), url_patterns(rule.pattern, grants=False)
    glob = rule.pattern if rule.pattern.strip("*") else "*"
    return _ranked(rule, at, [glob], grants or (), restricts or (), whole=glob == "*" or rule.effect == ALLOW)


def _call(rule: OpencodeRule, at: int) -> Ranked | None:
    key = rule.key
    if key in _KNOWN | CLIENT.operations | _DEAD or not {"_", "*"} & set(key):
        return None
    grants, restricts = (tool_patterns(key, wild="*?", restricts=one) for one in (False, True))
    flat = not rule.pattern.strip("*")
    return _ranked(rule, at, [key if flat else f"{key} {rule.pattern}"], grants if flat else (), restricts)


def _operation(rule: OpencodeRule, at: int) -> Ranked | None:
    names = [name for name in sorted(CLIENT.operations) if matches(rule.key, name)]
    if not names or rule.pattern.strip("*"):
        return None
    patterns = ["opencode.*"] if rule.key == "*" else [f"opencode.{name}" for name in names]
    return _ranked(rule, at, names if rule.key != "*" else ["*"], patterns, patterns)


_KINDS = (
    _Kind("bash", ("run",), _command),
    _Kind("read", ("read",), lambda rule, at: _path(rule, at, "read")),
    _Kind("edit", ("write", "delete"), lambda rule, at: _path(rule, at, "edit")),
    _Kind("external_directory", ("read", "write", "delete"), _outside, ("./",)),
    _Kind("webfetch", ("connect",), _url),
    _Kind("", ("call",), _call),
    _Kind("do", ("do",), _operation),
)  # fmt: skip


def _tries(kind: _Kind, rule: OpencodeRule) -> tuple[ClientRequest, ...]:
    """Requests at a rule's boundary."""
    glob = expanded(rule.pattern).replace("?", "q")
    total = not glob.strip("*")
    if kind.name == "bash":
        if total:
            return tries("run", "unheard-of x", "make test", "timeout 5 ls", "A=1 ls", "ls > out.txt", "bash -c 'ls'")
        return command_tries(glob, grants=rule.effect == ALLOW)
    if kind.name in {"read", "edit", "external_directory"}:
        plain = glob.replace("**", "*").replace("*", "x") if not total else "x"
        deep = glob.replace("**", "*").replace("*", "a/b") if not total else "a/b"
        near = [plain, deep, f"deep/{plain}", f"{plain}q", "/elsewhere/a", f"/elsewhere/{plain.lstrip('/')}"]
        return tuple(one for action in kind.actions[:2] for one in tries(action, *near))
    if kind.name == "webfetch":
        plain = glob.replace("*", "x") if not total else "https://example.com/a"
        return tries("connect", plain, f"{plain}/y", "http://example.com/", f"{plain.rstrip('/')}.evil.example/")
    if kind.name == "do":
        return tries("do", *(f"opencode.{n}" for n in sorted(CLIENT.operations) if matches(rule.key, n)))
    plain = rule.key.replace("*", "x")
    cut = plain.find("_", 1)
    named = f"{plain[:cut]}.{plain[cut + 1 :]}" if cut > 0 else f"{plain}.{plain}"
    return tries("call", named, f"{named}y", f"y{named}")
