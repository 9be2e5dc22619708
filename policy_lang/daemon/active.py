"""The policy in force: loaded apart from the serving path, swapped as a whole, the last good one kept.

What an agent could have written is not put in force because it is there: a person says so.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..compiled.reader import Contents
from ..domain.errors import RequestError
from ..domain.observe import what_holds
from ..facts.owners import ANYBODY
from ..policy import Policy
from .deciding.pool import DeciderPool, DecidersError
from .policy_source import PolicySource, PolicySourceError


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy as it is in force: its contents, and since when (seconds since the epoch)."""

    policy: Policy
    contents: Contents
    since: float


class ActivePolicy:
    """Holds what is in force. `current` is None until a first policy could be loaded: then everything denies."""

    def __init__(
        self,
        source: PolicySource,
        agents: Callable[[int], bool] = lambda _: False,
        observe: frozenset[str] | None = None,
        pool: DeciderPool | None = None,
    ) -> None:
        """`agents` says of a user whether an agent may run as it.

        With `observe` the policy is only observed; rules of these names hold even then, and without one it is refused.
        """
        self.source = source
        self.observe = observe
        self._pool = pool
        self._agents = agents
        self.current: Loaded | None = None
        self.error = ""
        """Why the last attempt to load failed; empty when it did not."""
        self.held = ""
        """Why the last that was loaded is not in force although it could be; empty when it is."""
        self.loads = {"good": 0, "bad": 0}
        self._busy = asyncio.Lock()

    @property
    def observing(self) -> str:
        """That the policy is only observed, and what holds all the same; empty when it is enforced."""
        return "" if self.observe is None else what_holds(self.observe)

    def loaded(self) -> Loaded:
        """What is in force. Raises RequestError when nothing is."""
        if self.current is None:
            raise RequestError("PLR207", "no policy is in force")
        return self.current

    async def load(self, asked: bool = True) -> bool:
        """Put in force what the source has now. False when it cannot be; `error` says why.

        A change that nobody has `asked` for is held back, as `held` then says, when an agent could have made it.
        """
        async with self._busy:
            self.held = ""
            try:
                contents = await self.source.load()
                self._check_held(contents)
                current, digest = self.current, contents.prepared.digest
                held = not asked and current is not None and digest != current.policy.digest and self._by_agents()
                swap = None if self._pool is None or held else await self._pool.renew(contents.data)
            except (PolicySourceError, DecidersError) as error:
                self.error = str(error)
                self.loads["bad"] += 1
                return False
            self.error = ""
            self.loads["good"] += 1
            if held and current is not None:
                since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(current.since))
                self.held = (
                    f"the policy in force is of {since} UTC: its files have changed, which an agent could have done; "
                    f"`kill -HUP {os.getpid()}` puts the change in force"
                )
                return True
            self.current = Loaded(Policy.of_compiled(contents), contents, time.time())
            if swap is not None:
                swap()
            return True

    def _check_held(self, contents: Contents) -> None:
        """Raises PolicySourceError when there is no rule that is to hold."""
        for name in self.observe or ():
            if not contents.has_rules(name):
                raise PolicySourceError(f"`--hold {name}`: the policy has no such rule")

    def _by_agents(self) -> bool:
        """Whether an agent could have written what was loaded last."""
        return any(uid == ANYBODY or self._agents(uid) for uid in self.source.writers())
