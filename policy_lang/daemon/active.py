"""The policy in force: loaded apart from the serving path, swapped as a whole, the last good one kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from ..compiled.reader import Contents
from ..domain.errors import RequestError
from ..policy import Policy
from .policy_source import PolicySource, PolicySourceError


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy as it is in force: its contents, and since when (seconds since the epoch)."""

    policy: Policy
    contents: Contents
    since: float


class ActivePolicy:
    """Holds what is in force. `current` is None until a first policy could be loaded: then everything denies."""

    def __init__(self, source: PolicySource) -> None:
        self.source = source
        self.current: Loaded | None = None
        self.error = ""
        """Why the last attempt to load failed; empty when it did not."""
        self.loads = {"good": 0, "bad": 0}
        self._busy = asyncio.Lock()

    def loaded(self) -> Loaded:
        """What is in force. Raises RequestError when nothing is."""
        if self.current is None:
            raise RequestError("PLR207", "no policy is in force")
        return self.current

    async def load(self) -> bool:
        """Put in force what the source has now. False when it cannot be; `error` says why."""
        async with self._busy:
            try:
                contents = await self.source.load()
            except PolicySourceError as error:
                self.error = str(error)
                self.loads["bad"] += 1
                return False
            self.current = Loaded(Policy.of_compiled(contents), contents, time.time())
            self.error = ""
            self.loads["good"] += 1
            return True
