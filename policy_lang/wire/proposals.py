"""The bodies that routes about proposals take."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..domain.limits import limit
from .requests import Name
from .service import _CallModel

_PLAIN = r"^[^\x00-\x1f\x7f]+$"
Shown = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Rules = Annotated[str, Field(min_length=1, max_length=limit("proposal_bytes"))]


class RefusedModel(_CallModel):
    """A call that was denied, by what it was."""

    action: Name
    resource: str | list[str]


class ProposeModel(_CallModel):
    """Rules that an agent asks for because a call of its was denied: the `decision` on it, or the `request`.

    `purpose` is shown to people as the agent's own words.
    """

    rules: _Rules
    purpose: Annotated[str, Field(min_length=1, max_length=limit("proposal_purpose"), pattern=_PLAIN)]
    decision: Name | None = None
    request: RefusedModel | None = None
    agent: Name | None = None
    session: Name | None = None


class NarrowModel(_CallModel):
    """Other rules in place of those that are proposed, or the same, to be weighed again. `shown` is what was seen."""

    proposal: Name
    shown: Shown
    rules: _Rules


class AcceptModel(_CallModel):
    """A person's yes to what was shown: for one call, for the session, or as a change to the policy on a branch."""

    proposal: Name
    shown: Shown
    scope: Literal["once", "session", "branch"]
    reason: Annotated[str, Field(max_length=limit("approval_reason"))] = ""


class WithinModel(_CallModel):
    """A policy for agents that an agent starts, to be compared with its own."""

    policy: Annotated[str, Field(min_length=1, max_length=limit("within_bytes"))]
    agent: Name | None = None
    session: Name | None = None


class RejectModel(_CallModel):
    """A person's no to what was shown."""

    proposal: Name
    shown: Shown
    reason: Annotated[str, Field(max_length=limit("approval_reason"))] = ""


class WithdrawModel(_CallModel):
    """A proposal, or what was granted by it, that is taken back."""

    proposal: Name
    reason: Annotated[str, Field(max_length=limit("approval_reason"))] = ""
