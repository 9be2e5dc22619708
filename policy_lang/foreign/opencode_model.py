"""A model of opencode's answers to requests, by its documents (1.14.20 to 1.18)."""

from __future__ import annotations

import posixpath
from functools import lru_cache

from ..domain.actions import ALLOW, ASK, DENY
from ..domain.limits import limit
from ..domain.record import record
from .opencode_rules import OpencodeRule
from .paths import absolute, inside
from .permissions import HOME, WORKSPACE, ClientRequest, strictest
from .shell_text import SimpleText, simple_commands
from .text_globs import matches

UNMATCHED = ("cd", "pushd", "popd")
"""Commands that no pattern is compared with."""
_WITH_PLACES = frozenset({"cd", "rm", "cp", "mv", "mkdir", "touch", "chmod", "chown", "cat"})
"""Commands whose words are looked at as paths: one outside is asked about as `external_directory`."""
_UNREAD = frozenset("$`")


@record(frozen=True, slots=True)
class OpencodeModel:
    """Rules as answers. Called with a request, it says allow, ask or deny."""

    rules: tuple[OpencodeRule, ...]

    def __call__(self, asked: ClientRequest) -> str:
        """The answer to one request."""
        if asked.action == "run":
            return self._script(asked.resource)
        if asked.action in {"read", "write", "delete"}:
            path = absolute(asked.resource)
            own = self._last("read" if asked.action == "read" else "edit", posixpath.relpath(path, WORKSPACE))
            return strictest([own, self._outside(path)], ASK)
        if asked.action == "connect":
            return self._last("webfetch", asked.resource)
        if asked.action == "call":
            server, _, tool = asked.resource.partition(".")
            return self._all(f"{server}_{tool}")
        return self._all(asked.resource.removeprefix("opencode."))

    def _last(self, name: str, value: str) -> str:
        """The effect of the last rule that fits."""
        return next((r.effect for r in reversed(self.rules) if matches(r.key, name) and means(r.pattern, value)), ASK)

    def _all(self, name: str) -> str:
        """The strictest effect that a permission may have, whatever it is asked for."""
        effects = []
        for rule in reversed(self.rules):
            if matches(rule.key, name):
                effects.append(rule.effect)
                if rule.pattern == "*":
                    break
        return strictest(effects, ASK)

    def _outside(self, path: str, *, folder: bool = False) -> str:
        """The answer about a path outside the workspace: it is asked for by its folder."""
        if inside(path):
            return ALLOW
        return self._last("external_directory", f"{(path if folder else posixpath.dirname(path)).rstrip('/')}/*")

    def _script(self, script: str) -> str:
        last = next((rule for rule in reversed(self.rules) if matches(rule.key, "bash")), None)
        if last is not None and last.effect == DENY and last.pattern == "*":
            return DENY  # the tool is not shown
        commands = simple_commands(script)
        if commands is None:
            return strictest([ASK, self._last("bash", script)], ASK)
        return strictest((self._command(one) for one in commands), ALLOW)

    def _command(self, command: SimpleText) -> str:
        effects = []
        name = command.words[0] if command.words else ""
        if name not in UNMATCHED:
            before = "".join(f"{variable}=x " for variable in command.assigned)
            behind = "".join(f" > {place}" for place in command.outputs)
            effects.append(self._last("bash", f"{before}{command.text}{behind}"))
        for word in command.words[1:] if name in _WITH_PLACES else ():
            if not word.startswith("-") and not _UNREAD & set(word):
                effects.append(self._outside(absolute(word.partition("*")[0] or "."), folder=name == "cd"))
        return strictest(effects, ALLOW)


def means(pattern: str, value: str) -> bool:
    """Whether a rule's pattern means a value: ` *` at its end stands for nothing as well."""
    glob = expanded(pattern)
    return matches(glob, value) or (glob.endswith(" *") and matches(glob[:-2], value))


@lru_cache(maxsize=limit("globs_kept"))
def expanded(pattern: str) -> str:
    """A pattern with the home that it begins with written out."""
    for name in ("~", "$HOME"):
        if pattern == name or pattern.startswith(f"{name}/"):
            return HOME + pattern[len(name) :]
    return pattern
