"""Codex's configuration, requirements and rules, in every scope, as rules of this language.

Its files are one: rules say which commands are asked about, config.toml what commands may touch. Of two paths the
longer says, so each of its grants has what it does not reach as its `except`. What no rule names runs in its sandbox:
it is granted `when confined` (see `codex_commands`), and answers are compared behind walls.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial

from ..automata.pattern import quoted
from ..domain.actions import ALLOW, ASK, DENY
from ..domain.errors import Diagnostic, PolicyError
from ..domain.record import replace
from ..syntax import emit
from . import codex_commands
from .codex_config import NONE, READ, STRENGTH, UNCHANGED, WRITE, CodexSettings, FileEntry, settings_of
from .codex_hosts import LOCAL, is_pattern, normal
from .codex_model import CodexModel
from .codex_rules import ALLOW as ALLOWED
from .codex_rules import PROMPT
from .codex_shell import READING
from .located import UNREADABLE
from .paths import begin_of, folder_pattern, or_unsaid
from .permissions import EXACT, IDLE, NARROWER, UNSAID, WORKSPACE, ClientRequest, Permission, Permissions, said, tries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..domain.errors import Source, Span

NAME, TITLE = "codex", "Codex"
_PATHS = ("read", "write", "delete")


def permissions(sources: Sequence[Source]) -> Permissions:
    """What files say, together. Raises PolicyError, for a false example of a rule too, as Codex does."""
    settings = settings_of(sources)
    if settings.rules.faults:
        raise PolicyError(
            [Diagnostic(UNREADABLE, f"{one.text}: Codex loads no rule", one.span) for one in settings.rules.faults]
        )
    entries = [*_commands(settings), *_Files(settings).entries(), *_network(settings), *_servers(settings)]
    entries += codex_commands.entries(settings)
    entries += [Permission(one.text, one.effect, fit=IDLE, why=one.why, span=one.span) for one in settings.unused]
    entries.sort(key=lambda entry: (entry.span.source.path, entry.span.start) if entry.span else ("", 0))
    return Permissions(
        NAME,
        TITLE,
        tuple(sources),
        tuple(entries),
        CodexModel(settings),
        settings.asks,
        settings.remarks,
        settings.sandboxed,
    )


def _commands(settings: CodexSettings) -> list[Permission]:
    """What commands do that no rule names."""
    strict = not settings.trusted or settings.approval == "untrusted"
    danger = ASK if settings.asks else DENY
    spared = [
        pattern
        for rule in settings.rules.counted
        if "rm" in rule.words[0]
        for pattern in codex_commands.patterns_of(rule, settings) or ()
        if pattern.isprintable()
    ]
    forced = said(danger, ["run"], ["rm **"], options=["-f", "--force"], exclude=spared)
    out = [
        Permission(
            "`rm` with force", danger, (forced,), tries=tries("run", "rm -f a", "rm -rf out", "rm a", "rm -r out")
        )
    ]
    if strict:
        return out
    if not settings.sandboxed:
        rule = said(ALLOW, ["run"], ["**"])
        text = "commands that no rule names, without a sandbox"
        return [
            Permission(text, ALLOW, (rule,), span=settings.mode_span, tries=tries("run", "make all", "git status")),
            *out,
        ]
    inside = said(ALLOW, ["run"], ["**"], when=emit.compare("confined", "truth"))
    variables = said(ALLOW, ["setenv"], ["*"], when=emit.compare("confined", "truth"))
    looking = said(ALLOW, ["run"], [f"{{{','.join(READING)}}} **"])
    return [
        Permission(
            "commands that no rule names, in its sandbox",
            ALLOW,
            (inside, variables),
            tries=tries("run", "make all", "a | b"),
        ),
        Permission("programs that only read", ALLOW, (looking,), tries=tries("run", "ls -l", "cat a.txt | wc -l")),
        *out,
    ]


class _Files:
    """What may be done with paths."""

    def __init__(self, settings: CodexSettings) -> None:
        self._files = settings.files
        plain = [entry for entry in settings.files if not entry.glob]
        self._modes = {entry.path: entry for entry in sorted(plain, key=lambda one: STRENGTH[one.mode])}
        self._sorted = sorted(self._modes)

    def entries(self) -> list[Permission]:
        """An entry for each path; those that only say what does not change are part of others."""
        kept = {id(entry) for entry in self._modes.values()}
        found: dict[tuple[str, int], Permission] = {}
        for one in self._files:
            unchanging = one.span is None and one.mode == READ and one.path != "/"
            if unchanging or not (one.glob or id(one) in kept):
                continue
            made = or_unsaid(
                one.text, one.mode == NONE, one.span, partial(self._glob if one.glob else self._plain, one)
            )
            key = (one.text, one.span.start if one.span else -1)
            before = found.get(key)
            if before is not None:
                made = replace(before, rules=before.rules + made.rules, tries=before.tries + made.tries)
            found[key] = made
        return list(found.values())

    def _is_read(self, entry: FileEntry) -> bool:
        """Whether what is around a path may be read."""
        path = entry.path
        while path != "/":
            path = path.rpartition("/")[0] or "/"
            if path in self._modes:
                return self._modes[path].mode != NONE
        return False

    def _inside(self, entry: FileEntry, *modes: str) -> list[str]:
        """Patterns for paths inside of which something else is said."""
        below = f"{entry.path.rstrip('/')}/"
        at = bisect_left(self._sorted, below)
        out = []
        while at < len(self._sorted) and self._sorted[at].startswith(below):
            path = self._sorted[at]
            if path != entry.path and self._modes[path].mode in modes:
                out.append(folder_pattern(path))
            at += 1
        return out

    def _plain(self, entry: FileEntry) -> Permission:
        pattern = folder_pattern(entry.path)
        if entry.mode == NONE:
            rule = said(DENY, _PATHS, [pattern], exclude=self._inside(entry, READ, WRITE))
            return Permission(entry.text, DENY, (rule,), tries=_near(entry.path), span=entry.span)
        opened = entry.mode == WRITE and bool(set(entry.path.split("/")).intersection(UNCHANGED))
        rules = [said(ALLOW, ["read"], [pattern])] if entry.mode == READ or not self._is_read(entry) else []
        if entry.mode == WRITE:
            less = self._inside(entry, READ)
            rules.append(said(ALLOW, ["write", "delete"], [pattern], exclude=less, override=opened))
        return Permission(entry.text, ALLOW, tuple(rules), tries=_near(entry.path), span=entry.span)

    def _glob(self, entry: FileEntry) -> Permission:
        if entry.glob == "**":
            rule = said(DENY, _PATHS, [folder_pattern(entry.path)])
            return Permission(entry.text, DENY, (rule,), tries=_near(entry.path), span=entry.span)
        base, rest = begin_of(entry.path)
        prefix = base + "".join(f"{quoted(part)}/" for part in rest.split("/") if part)
        glob = "/".join(part if part == "**" else part.replace("**", "*") for part in entry.glob.split("/"))
        rule = said(DENY, _PATHS, [prefix + (glob if glob.endswith("**") else f"{glob}/")])
        plain = glob.replace("**", "a/b").replace("*", "x").replace("?", "y")
        misread = "denies, on Linux, what is there when Codex starts: a file that is made later it does not"
        at = entry.path.rstrip("/")
        asked = tuple(ClientRequest(a, f"{at}/{plain}{more}") for a in ("read", "write") for more in ("", "/in", "q"))
        return Permission(entry.text, DENY, (rule,), tries=asked, span=entry.span, misread=misread)


def _near(path: str) -> tuple[ClientRequest, ...]:
    """Requests at the boundary of a path."""
    base = path.rstrip("/")
    places = [f"{base}/a.txt", f"{base}/deep/er/a", *([base, f"{base}q/a"] if base else [])]
    if path == WORKSPACE:
        places += [f"{base}/{name}/a" for name in UNCHANGED]
    return tuple(
        ClientRequest(action, place) for place in places for action in _PATHS if place != base or action == "read"
    )


def _network(settings: CodexSettings) -> list[Permission]:
    """What is reached."""
    rules = settings.rules.network
    out: list[Permission] = []
    if settings.network and not settings.proxied:
        misread = ""
        if settings.domains:
            misread = "opens every host: `domains` hold only with `features.network_proxy = true`"
        every = said(ALLOW, ["connect"], ["**:*"], methods=())
        asked = tries("connect", "https://example.com/", "http://127.0.0.1:8080/")
        out.append(Permission("the network", ALLOW, (every,), tries=asked, span=settings.network_span, misread=misread))
    idle = ""
    if not settings.network:
        idle = "the network is off" if settings.configured else ""
    elif not settings.proxied:
        idle = "hosts are compared only with `features.network_proxy = true`"
    found = [
        (d.host, d.allowed, f"{d.host} = {'allow' if d.allowed else 'deny'}", d.span, "") for d in settings.domains
    ]
    found += [
        (r.host, r.decision == ALLOWED, f"network_rule {r.decision} {r.host}", r.span, r.justification)
        for r in rules
        if r.decision != PROMPT
    ]
    for host, allowed, text, span, reason in found:
        effect = ALLOW if allowed else DENY
        if idle:
            out.append(Permission(text, effect, fit=IDLE, why=idle, span=span))
        elif not settings.network and allowed:
            why = "it grants where Codex's network proxy is on, which these files do not say"
            out.append(Permission(text, effect, fit=UNSAID, why=why, span=span))
        else:
            words = " ".join(reason.split())
            out.append(or_unsaid(text, effect == DENY, span, partial(_host, host, effect, text, span, words, settings)))
    for rule in rules:
        if rule.decision == PROMPT:
            why = "a host that is to be asked about enters neither list of the network proxy"
            out.append(Permission(f"network_rule {rule.decision} {rule.host}", ASK, fit=IDLE, why=why, span=rule.span))
    return out


def _host(host: str, effect: str, text: str, span: Span, reason: str, settings: CodexSettings) -> Permission:
    name = normal(host)
    if not is_pattern(host, allowed=effect == ALLOW):
        return Permission(
            text, effect, fit=IDLE, why="it is no domain: a name, `*.NAME`, `**.NAME`, or `*` to allow", span=span
        )
    if "%" in name:
        return Permission(text, effect, fit=UNSAID, why="an address of one interface cannot be said", span=span)
    shown = f"[{name}]" if ":" in name else name
    if name == "*":
        shown = "**"
    fit, why, pattern = EXACT, "", f"{shown}:*"
    methods: tuple[str, ...] = ()
    if effect == ALLOW and settings.limited:
        methods, pattern = ("GET", "HEAD", "OPTIONS"), f"http://{shown}"
        fit, why = NARROWER, "in the mode `limited` only reading requests without TLS are let through: here at port 80"
    exclude = ["localhost:*", *(f"{f'[{net}]' if ':' in net else net}:*" for net in LOCAL)] if name == "*" else []
    rule = said(
        effect, ["connect"], [pattern], methods=methods, exclude=[] if settings.local else exclude, because=reason
    )
    plain = name.replace("**.", "").replace("*.", "").replace("*", "x") if name != "*" else "example.com"
    at = f"[{plain}]" if ":" in plain else plain
    asked = tries("connect", f"https://{at}/", f"http://{at}:8080/", f"https://a.{plain}/", f"https://a.b.{plain}/",
                  f"https://{plain}.evil.example/", "http://127.0.0.1:8080/")  # fmt: skip
    return Permission(text, effect, (rule,), fit, why, asked, span)


def _servers(settings: CodexSettings) -> list[Permission]:
    """The MCP servers that requirements leave."""
    if settings.servers is None:
        return []
    names = [name for name in settings.servers if name.replace("-", "").replace("_", "").isalnum()]
    rule = said(DENY, ["call"], ["**"], exclude=[f"{name}.**" for name in names])
    asked = tries("call", "unheard-of.tool", *(f"{name}.tool" for name in names[:3]))
    return [Permission("mcp_servers", DENY, (rule,), tries=asked, span=settings.servers_span)]
