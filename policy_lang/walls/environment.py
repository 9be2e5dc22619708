"""The environment of a confined command: made from nothing, of what is harmless and what the policy grants."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .port import DecisionPort

HARMLESS = frozenset(
    {
        "PATH", "USER", "LOGNAME", "SHELL", "TERM", "COLORTERM", "LANG", "LANGUAGE", "TZ", "COLUMNS", "LINES",
        "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM_PROGRAM", "EDITOR", "VISUAL", "PAGER", "CI",
    }
)  # fmt: skip
"""Who one is, which terminal and language one has (environ(7)), and how output is shown."""
_GIT = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "branch.autoSetupMerge", "GIT_CONFIG_VALUE_0": "false"}
"""Git does not write into its configuration, where programs are named, when it makes a branch (git-config(1))."""
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")

_SETTINGS = ("npm_config_proxy", "npm_config_https_proxy", "CARGO_HTTP_PROXY")
"""Of programs whose settings' files come before the variables of all (npm-config(7), Cargo's `http.proxy`)."""


def environment(
    given: Mapping[str, str], port: DecisionPort, home: str, proxy: int = 0, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables inside. `proxy` is the port of the loopback that leads out, 0 for none; `more` the launcher's."""
    actions = [action for action in ("use", "setenv") if port.policy.engine.grants(action)]
    made = {
        name: value
        for name, value in given.items()
        if is_harmless(name) or any(port.grants(action, name) for action in actions)
    }
    made |= {"HOME": home, "TMPDIR": "/tmp", "POLICY_LANG_CONFINED": "1"}  # noqa: S108 (the walls' own)
    made |= _GIT
    made.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    if proxy:
        made |= proxied(f"http://127.0.0.1:{proxy}")
    return made | dict(more or {})


def proxied(where: str) -> dict[str, str]:
    """The variables by which programs learn of a proxy, before they look at their own settings.

    ALL_PROXY is not SOCKS: Python's libraries fail at the sight of that when they lack a package for it.
    """
    made = dict.fromkeys((*PROXIES, *_SETTINGS), where)
    made |= dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
    made |= {"NODE_USE_ENV_PROXY": "1", **_GIT, "GIT_CONFIG_COUNT": "2"}
    return made | {"GIT_CONFIG_KEY_1": "http.proxy", "GIT_CONFIG_VALUE_1": where}


def is_harmless(name: str) -> bool:
    """Whether a variable is handed in without a grant."""
    return name in HARMLESS or name.startswith("LC_")
