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
    """The variables by which programs learn of a proxy."""
    made = dict.fromkeys(PROXIES, where)
    made |= dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
    return made | {"NODE_USE_ENV_PROXY": "1"}


def is_harmless(name: str) -> bool:
    """Whether a variable is handed in without a grant."""
    return name in HARMLESS or name.startswith("LC_")
