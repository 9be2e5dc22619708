"""A model of Codex's answers to requests, by its documents and its own tests.

For commands an answer has two parts: whether it runs, and whether outside its sandbox, as what rules allow does.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.record import record
from .codex_config import NONE, STRENGTH, WRITE, CodexSettings, FileEntry
from .codex_hosts import HostList, is_pattern
from .codex_rules import ALLOW as ALLOWED
from .codex_rules import FORBIDDEN
from .codex_shell import SHELL, commands_of, is_dangerous, is_reading
from .ignore_globs import matches
from .paths import absolute
from .permissions import ClientRequest, strictest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@record(frozen=True, slots=True)
class CodexModel:
    """Settings as answers. Called with a request, it says allow, ask or deny."""

    settings: CodexSettings

    def __call__(self, asked: ClientRequest) -> str:
        """The answer to one request."""
        if asked.action == "run":
            return self.command((SHELL, "-lc", asked.resource))[0]
        if asked.action in {"read", "write", "delete"}:
            return self._path(asked.action, absolute(asked.resource))
        if asked.action == "connect":
            return self._host(asked.resource)
        if asked.action == "call":
            server = asked.resource.partition(".")[0]
            servers = self.settings.servers
            return DENY if servers is not None and server not in servers else self._else()
        return self._else()

    def _else(self) -> str:
        return ASK if self.settings.asks else DENY

    def command(self, argv: Sequence[str]) -> tuple[str, bool]:
        """The answer to a program's words, and whether it would run outside the sandbox."""
        rules, effects, outside = self.settings.rules, [], True
        for words in commands_of(argv):
            decision = rules.decision(words)
            outside &= decision == ALLOWED
            if decision is None:
                effects.append(self._unruled(words))
            elif decision == ALLOWED:
                effects.append(ALLOW)
            else:
                asks = self.settings.asks and self.settings.rules_ask and decision != FORBIDDEN
                effects.append(ASK if asks else DENY)
        answer = strictest(effects, ALLOW)
        return answer, outside and answer == ALLOW and not self._keeps_reads()

    def _unruled(self, words: Sequence[str]) -> str:
        settings = self.settings
        if is_reading(words):
            return ALLOW
        if is_dangerous(words):
            return self._else()
        if not settings.trusted or settings.approval == "untrusted":
            return self._else()
        return ALLOW

    def _keeps_reads(self) -> bool:
        """Whether something must not be read: then no command leaves the sandbox."""
        return any(entry.mode == NONE for entry in self.settings.files)

    def _path(self, action: str, path: str) -> str:
        mode = mode_of(self.settings.files, path)
        if mode == NONE:
            return DENY
        return ALLOW if mode == WRITE or (mode and action == "read") else self._else()

    def _host(self, url: str) -> str:
        settings = self.settings
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
        if not settings.network:
            return self._else()
        if not settings.proxied:
            return ALLOW
        if settings.limited and not url.startswith("http:"):
            return self._else()
        listed = hosts_of(settings)
        if listed.permits(host):
            return ALLOW
        barred = HostList(("*",), listed.denied, local=True)
        return self._else() if barred.permits(host) else DENY


def mode_of(files: Sequence[FileEntry], path: str) -> str:
    """What may be done with a path: the longest entry that holds it says; nothing where none does."""
    best, mode = -1, ""
    for entry in files:
        below = _below(entry.path, path)
        if below is None:
            continue
        if entry.glob:
            if entry.glob == "**" or matches(entry.glob, below):
                return NONE
        elif len(entry.path) > best or (len(entry.path) == best and STRENGTH[entry.mode] > STRENGTH[mode]):
            best, mode = len(entry.path), entry.mode
    return mode


def _below(base: str, path: str) -> list[str] | None:
    """The parts of a path below a base; None where it does not lie there."""
    if base not in {"/", path} and not path.startswith(f"{base}/"):
        return None
    return [part for part in path[len(base) :].split("/") if part]


def hosts_of(settings: CodexSettings) -> HostList:
    """The hosts that its proxy lets through: a profile's domains, and what rules say of the network."""
    rules = () if settings.rules.faults else settings.rules.network
    allowed = [d.host for d in settings.domains if d.allowed and is_pattern(d.host, allowed=True)]
    denied = [d.host for d in settings.domains if not d.allowed and is_pattern(d.host, allowed=False)]
    allowed += [rule.host for rule in rules if rule.decision == ALLOWED]
    denied += [rule.host for rule in rules if rule.decision == FORBIDDEN]
    return HostList(tuple(allowed), tuple(denied), settings.local)
