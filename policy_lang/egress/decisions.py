"""Questions to the port of decisions before a connection, within time; whatever it does but permit is a refusal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from ..domain.faults import PolicyLangError, reason_of
from ..domain.limits import limit
from .peers import LOCALHOST, Peer, Resolve, checked
from .serving import Blocking
from .wires import EgressError


class ConnectionRuling(Protocol):
    """Whether a connection may be made, and why, in words for whoever asked."""

    @property
    def allowed(self) -> bool:
        """True when it may; everything else is a refusal."""

    @property
    def reason(self) -> str:
        """Why, for the page of a refusal."""


Decide = Callable[[str, str | None, tuple[str, ...]], ConnectionRuling]
"""Decides a connection by its URL, the method where it is known, and the addresses that its name leads to.

Called in a thread of its own, several at once; may block while people are asked, and records what it decides.
Whatever it raises is a refusal.
"""
AtOnce = Callable[[str, str | None, tuple[str, ...]], ConnectionRuling | None]
"""The same where that takes no waiting, as called from the loop that serves everybody; None where it does."""
Foresee = Callable[[str, str | None], bool]
"""Whether rules might permit a connection, whatever its addresses. It asks nobody, records nothing, does not wait."""
Refused = Callable[[str, str], None]
"""Is told the URL (empty when it was not understood) and the reason of what has failed otherwise than by a decision."""


class DecidedError(EgressError):
    """A refusal that was decided, and so recorded where that was done."""


class Decisions:
    """Decides connections, and looks names up when rules might permit them: look-ups carry words out, too.

    Without `foresee`, `decide` itself is asked once more before, without addresses.
    """

    def __init__(
        self,
        decide: Decide,
        resolve: Resolve,
        *,
        at_once: AtOnce | None = None,
        foresee: Foresee | None = None,
        refused: Refused | None = None,
    ) -> None:
        self._decide = decide
        self._at_once = at_once
        self._foresee = foresee
        self._refused = refused
        self._resolve = resolve
        self._threads = Blocking(limit("egress_connections"))
        self._lookups = Blocking(limit("egress_lookups"))

    def close(self) -> None:
        """End the threads, each when its call returns."""
        self._threads.close()
        self._lookups.close()

    async def addresses(self, peer: Peer, url: str, method: str | None) -> tuple[str, ...]:
        """Where to connect to, once that is decided. Raises EgressError."""
        addresses = peer.addresses
        if not addresses:
            if self._at_once is not None or not self._foreseen(url, method):
                await self.decide(url, method, ())
            addresses = await self._look_up(str(peer.host), peer.port)
        # what is asked for as this machine leads nowhere else: no address of it needs a grant of its own
        await self.decide(url, method, () if peer.host == LOCALHOST else addresses)
        return addresses

    async def decide(self, url: str, method: str | None, addresses: tuple[str, ...]) -> None:
        """Returns when it is allowed. Raises EgressError otherwise."""
        try:
            ruling = self._at_once(url, method, addresses) if self._at_once is not None else None
            if ruling is None:
                async with asyncio.timeout(limit("egress_decision_seconds")):
                    ruling = await self._threads.run(self._decide, url, method, addresses)
        except TimeoutError:
            raise EgressError(504, "nobody has decided in time", error="proxy_internal_response") from None
        except PolicyLangError as error:
            raise EgressError(403, str(error)) from None
        except Exception:  # noqa: BLE001 (fail closed)
            raise EgressError(403, "the connection could not be decided") from None
        if getattr(ruling, "allowed", None) is not True:
            raise DecidedError(
                403, str(getattr(ruling, "reason", "")) or "the policy does not allow it", parameters=_asked(ruling)
            )

    async def note(self, url: str, reason: str) -> None:
        """Report what was refused without a decision."""
        if self._refused is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(limit("egress_decision_seconds")):
                    await self._threads.run(self._refused, url, reason)

    def _foreseen(self, url: str, method: str | None) -> bool:
        """False also when it is not known."""
        with contextlib.suppress(Exception):
            return self._foresee is not None and self._foresee(url, method) is True
        return False

    async def _look_up(self, name: str, port: int) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(limit("egress_lookup_seconds")):
                return checked(await self._lookups.run(self._resolve, name, port))
        except TimeoutError:
            raise EgressError(504, "the name could not be looked up in time", error="dns_timeout") from None
        except (OSError, UnicodeError) as error:
            why = f"the name cannot be looked up: {reason_of(error)}"
            raise EgressError(502, why, error="dns_error") from None


def _asked(ruling: object) -> str:
    """The ticket and the tiers of a ruling, where people were asked, as parameters of `Proxy-Status`."""
    ticket, tiers = getattr(ruling, "ticket", ""), getattr(ruling, "tiers", ())
    words = f"{ticket}{' '.join(tiers)}"
    if not ticket or not words.isascii() or not words.isprintable() or '"' in words or "\\" in words:
        return ""
    return f'; ticket="{ticket}"; tiers="{" ".join(tiers)}"'
