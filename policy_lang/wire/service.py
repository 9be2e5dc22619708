"""The bodies that the service takes and gives beside requests and decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..domain.limits import limit
from .requests import Name

Effect = Literal["allow", "ask", "deny"]


class _CallModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class BatchModel(_CallModel):
    """Several requests, answered in order. Each is read by itself: one that is malformed spoils no other.

    Those that are `together` are one thing to do: people are asked once for all of them, and nobody is asked when one
    is denied. With `advise` the first of them that nothing grants comes with a sentence for the agent,
    `advice`.
    """

    requests: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=limit("batch_requests"))]
    together: bool = False
    advise: bool = False


class SessionModel(_CallModel):
    """A session to start: whose it is, perhaps its name, and what is fixed for it.

    `confined` says that walls below the agent hold this policy; only who has built them may say so. `owner` is the
    person who runs the agent: people who are asked see it.
    """

    agent: Annotated[str, Field(min_length=1, max_length=limit("request_name"))]
    session: Annotated[str, Field(min_length=1, max_length=limit("request_name"), pattern=r"^[!-~]+$")] | None = None
    repo: Name | None = None
    workspace: Annotated[str, Field(max_length=limit("request_text"))] | None = None
    home: Annotated[str, Field(max_length=limit("request_text"))] | None = None
    context: Annotated[dict[Name, str | int | bool], Field(max_length=limit("request_context"))] = {}
    confined: bool = False
    owner: Annotated[str, Field(max_length=limit("request_name"))] = ""


class NamedModel(_CallModel):
    """One session."""

    session: Name


class PrincipalModel(_CallModel):
    """An agent or a session, and why."""

    agent: Name | None = None
    session: Name | None = None
    reason: Annotated[str, Field(max_length=limit("escalation_bytes"))] = ""


class QuestionModel(_CallModel):
    """What an agent wants a person to decide."""

    agent: Name | None = None
    session: Name | None = None
    question: Annotated[str, Field(min_length=1, max_length=limit("escalation_bytes"))]


class EscalationModel(_CallModel):
    """One escalation, to be settled."""

    escalation: Name


# what is given back: for the documentation of the interface, and for its tests


class RuleModel(_CallModel):
    """A rule that decided."""

    id: str
    effect: Effect
    file: str
    line: int
    tier: str | None = None
    because: str | None = None


class EffectModel(_CallModel):
    """One effect of a request, with what was decided on it."""

    action: str
    resource: str | list[str]
    effect: Effect
    rules: list[str]
    tiers: list[str] | None = None
    span: list[int] | None = None
    method: str | None = None
    free: bool = False
    file: str | None = None
    note: str | None = None
    opaque: str | None = None
    remediation: Annotated[str | None, Field(alias="mend")] = None


class TicketModel(_CallModel):
    """What people are asked, or have approved. `left` is how many must still say yes, by tier."""

    id: str
    state: str
    until: float
    left: dict[str, int]


class SignedModel(_CallModel):
    """Something that a person does about a ticket.

    Somebody who signs gives the `signature` of the text that says it, and whose it is.
    """

    ticket: Name
    person: Name | None = None
    signature: Annotated[str, Field(max_length=limit("signature_bytes"))] | None = None


class VoteModel(SignedModel):
    """A person's answer. `scope` narrows a yes to `once`; without it, it is as wide as the tiers let it be."""

    verdict: Literal["approve", "reject", "break-glass"]
    reason: Annotated[str, Field(max_length=limit("approval_reason"))] = ""
    scope: Literal["", "once", "session"] = ""


class ConsoleModel(_CallModel):
    """A person wants to sign in to the console, perhaps to begin with one ticket, by the port that leads there."""

    ticket: Annotated[str, Field(pattern=r"^(?:[0-9a-f]{16})?$")] = ""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class CommentModel(SignedModel):
    """What a person says to others about a ticket."""

    text: Annotated[str, Field(min_length=1, max_length=limit("approval_reason"))]


class AssignModel(SignedModel):
    """The person who is asked to answer a ticket; empty for nobody in particular."""

    to: Annotated[str, Field(max_length=limit("request_name"))] = ""


class ReviewModel(SignedModel):
    """What somebody found who looked at what an emergency opened."""

    found: Annotated[str, Field(min_length=1, max_length=limit("approval_reason"))]


class SignInModel(_CallModel):
    """A person who signs: first alone, for the text to sign, then with its signature, for a token."""

    person: Name
    challenge: Name | None = None
    signature: Annotated[str, Field(max_length=limit("signature_bytes"))] | None = None


class TakenBackModel(SignedModel):
    """A ticket that is taken back, and why."""

    reason: Annotated[str, Field(max_length=limit("approval_reason"))] = ""


class FileModel(_CallModel):
    """A file of the project whose code the command runs."""

    path: str
    sha256: str


class WouldModel(_CallModel):
    """The policy's own answer, where it is only observed: it was given only if it is the decision's as well."""

    effect: Effect
    tiers: list[str]


class DecisionModel(_CallModel):
    """A decision."""

    id: str | None = None
    effect: Effect
    tiers: list[str]
    rules: list[RuleModel]
    reasons: list[str]
    effects: list[EffectModel]
    opaque: list[str]
    obligations: list[str]
    policy_digest: str
    decision_id: str
    files: list[FileModel] | None = None
    would: WouldModel | None = None
    ticket: TicketModel | None = None
    advice: str | None = None


class FaultModel(_CallModel):
    """What is wrong with a call."""

    code: str
    message: str


class ErrorModel(_CallModel):
    """A call that was not answered. `effect` is `deny`, for whoever looks no further."""

    error: FaultModel
    effect: Literal["deny"]


class DecisionsModel(_CallModel):
    """The answers of a batch."""

    decisions: list[DecisionModel | ErrorModel]
