"""policy_lang: what an AI coding agent may do, written down, decided, and explained."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._version import __version__
    from .audit.log import DecisionLog
    from .domain.decision import Decision, Effect, RuleRef
    from .domain.errors import Diagnostic, InternalError, PolicyError, PolicyLangError, RequestError
    from .domain.request import Request
    from .engine.explain import Explanation
    from .policy import Policy

__all__ = [
    "Decision",
    "DecisionLog",
    "Diagnostic",
    "Effect",
    "Explanation",
    "InternalError",
    "Policy",
    "PolicyError",
    "PolicyLangError",
    "Request",
    "RequestError",
    "RuleRef",
    "__version__",
]

_HOMES = {
    "Decision": "domain.decision",
    "DecisionLog": "audit.log",
    "Diagnostic": "domain.errors",
    "Effect": "domain.decision",
    "Explanation": "engine.explain",
    "InternalError": "domain.errors",
    "Policy": "policy",
    "PolicyError": "domain.errors",
    "PolicyLangError": "domain.errors",
    "Request": "domain.request",
    "RequestError": "domain.errors",
    "RuleRef": "domain.decision",
    "__version__": "_version",
}


def __getattr__(name: str) -> object:
    """A public name, loaded when it is first used: a hook that asks one question loads only what that needs."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
