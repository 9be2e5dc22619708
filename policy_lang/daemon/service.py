"""The parts of one running service, put together once and handed to whoever answers calls."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..domain.errors import RequestError
from .active import ActivePolicy
from .approval_service import ApprovalService
from .deciding.pool import DeciderPool
from .decision_service import DecisionService
from .explain_service import ExplainService
from .identity.browser_sessions import ConsoleAccess
from .identity.principals import Caller, Principals
from .metrics import Metrics
from .proposals import ProposalService
from .recorder import Recorder
from .signals import Signals
from .state import ServiceState
from .store_thread import StoreThread

_SAME_USER = (
    "`same-user = true`: tokens, signatures and sessions of people and operators count from users that agents run as"
)


@dataclass(slots=True)
class PolicyService:
    """What answers are made of.

    Without `approvals` nobody can be asked, without `proposals` no agent asks for rules, without `console` there is no
    web page. Without a `pool` of deciders everything is decided in this process, without a `store_thread` the store is
    used wherever somebody asks. `description` is the OpenAPI document.
    """

    active: ActivePolicy
    principals: Principals
    state: ServiceState
    recorder: Recorder
    signals: Signals
    approvals: ApprovalService | None = None
    console: ConsoleAccess | None = None
    proposals: ProposalService | None = None
    pool: DeciderPool | None = None
    store_thread: StoreThread | None = None
    description: bytes = b"{}"
    decisions: DecisionService = field(init=False)
    explaining: ExplainService = field(init=False)

    def __post_init__(self) -> None:
        self.decisions = DecisionService(
            self.active, self.principals, self.state, self.recorder, self.recorder.metrics, self.approvals,
            self.proposals, self.pool,
        )  # fmt: skip
        self.explaining = ExplainService(self.decisions)

    @property
    def metrics(self) -> Metrics:
        """What the service counts."""
        return self.recorder.metrics

    @property
    def notices(self) -> list[str]:
        """What stands out about the service and the policy in force, for operators."""
        active = self.active
        store = "" if self.approvals is None else self.approvals.notice
        shared = _SAME_USER if self.principals.same_user else ""
        log = self.recorder.notices
        console = "" if self.console is None else self.console.notice
        found = (active.observing, active.held, active.error, store, *log, shared, console)
        return [text for text in found if text]

    def operator(self, caller: Caller) -> str:
        """Who steers. Raises RequestError when the caller may not."""
        if not self.principals.operator(caller):
            raise RequestError("PLR206", "only an operator may do this")
        return "a token" if caller.token else f"user {caller.uid}"

    def is_person(self, caller: Caller) -> bool:
        """Whether somebody comes before agents: an operator, or a person who answers."""
        return self.principals.operator(caller) or self.principals.person(caller, time.time()) is not None

    def known(self, caller: Caller) -> None:
        """Raises RequestError for a caller who has no business here."""
        if self.principals.binding(caller) is None and not self.principals.operator(caller):
            raise RequestError("PLR201", "no agent is bound to this caller; the configuration names who may ask")
