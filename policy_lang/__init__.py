"""policy_lang: what an AI coding agent may do, written down, decided, and explained."""

from .domain.decision import Decision, Effect, RuleRef
from .domain.errors import Diagnostic, InternalError, PolicyError, PolicyLangError, RequestError
from .domain.request import Request
from .engine.explain import Explanation
from .policy import Policy

__version__ = "0.1.0"

__all__ = [
    "Decision",
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
