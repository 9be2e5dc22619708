"""The memory that a process of the service takes at most."""

from __future__ import annotations

import resource


def bound_memory(most: int) -> None:
    """Let this process have so many bytes at most, and no more than it may have already (setrlimit(2))."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (least, least))
