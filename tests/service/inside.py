"""The service without a socket: calls of any user, at any time, on either store."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from policy_lang import Policy, __version__
from policy_lang.approvals.sqlite import SqliteStore
from policy_lang.approvals.store import Store
from policy_lang.audit.log import DecisionLog
from policy_lang.compiled.reader import Contents
from policy_lang.compiler.binary import compile_binary
from policy_lang.daemon.active import ActivePolicy, Loaded
from policy_lang.daemon.api.http import DeferredReply, HttpCall, HttpReply, LongPoll
from policy_lang.daemon.api.routes import handle
from policy_lang.daemon.approval_service import ApprovalService
from policy_lang.daemon.identity.people import People, Person, token_digest
from policy_lang.daemon.identity.principals import Binding, Caller, Principals
from policy_lang.daemon.policy_source import source_of
from policy_lang.daemon.recorder import Recorder
from policy_lang.daemon.service import PolicyService
from policy_lang.daemon.signals import Signals
from policy_lang.daemon.state import ServiceState
from policy_lang.daemon.ticket_book import SteadyClock

POLICY = """policy "p"
tier review { approvers "@team"  expires 30m }
tier boss { approvers "@boss"  quorum 2  expires 10m  includes review  reason required }
tier emergency { approvers "@night"  break-glass boss }
allow read "src/**"
ask review write "src/**" because "a person looks"
ask boss do "deploy"
"""
AGENT, MIA, BEN, EVA, NIA = 1000, 2001, 2002, 2003, 2004
PEOPLE = (
    Person("mia", frozenset({"@team"}), MIA), Person("ben", frozenset({"@team", "@boss"}), BEN),
    Person("eva", frozenset({"@boss"}), EVA), Person("nia", frozenset({"@night"}), NIA),
    Person("tom", frozenset({"@team", "@boss"}), None, token_digest("t" * 40)),
)  # fmt: skip


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@cache
def _compiled(text: str) -> bytes:
    with tempfile.NamedTemporaryFile("w", suffix=".policy") as file:
        file.write(text)
        file.flush()
        return compile_binary(file.name, __version__)


@dataclass
class Inside:
    """A service in this process. Users: 1000 is the agent, 2001 and so on are people."""

    folder: Path
    text: str = POLICY
    store: Store | None = None
    same_user: bool = False
    bindings: tuple[Binding, ...] = ()
    log: bool = False
    people: tuple[Person, ...] = PEOPLE
    clock: Clock = field(default_factory=Clock)
    ticks: Clock = field(default_factory=lambda: Clock(0.0))
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    notified: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        active = ActivePolicy(source_of(str(self.folder / "p.policy")))
        bindings = self.bindings or (
            Binding(("codex",), uid=AGENT),
            Binding(("other",), uid=1001),
            Binding(("codex",), token="a" * 40),
        )
        principals = Principals(
            bindings, frozenset({0}), ("o" * 40,), people=People(self.people), same_user=self.same_user
        )
        records = DecisionLog(str(self.folder / "log"), False) if self.log else None
        signals = Signals()
        recorder = Recorder(lambda event, **f: self.told.append((event, f)), records, pending=signals.records_pending)
        kept = self.store or SqliteStore(str(self.folder / "approvals.db"))
        approvals = ApprovalService(
            kept, principals, recorder.record_event, lambda e, t: self.notified.append((e, t)), SteadyClock(self.clock, self.ticks), signals.tickets_changed
        )  # fmt: skip
        self.service = PolicyService(active, principals, ServiceState(), recorder, signals, approvals)
        self.load(self.text)

    def load(self, text: str) -> None:
        """Another policy comes into force."""
        contents = Contents(_compiled(text))
        self.service.active.current = Loaded(Policy.of_compiled(contents), contents, 0.0)

    def call(self, method: str, path: str, body: Any = None, uid: int | None = AGENT, token: str = "", user: int | None = None) -> tuple[int, Any]:  # fmt: skip
        data = b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        answer: Any = handle(self.service, HttpCall(method, path, data, Caller(uid, uid, token, user), query))
        for last in (False, False, True):
            if isinstance(answer, LongPoll):
                import time

                end = time.monotonic() + 10
                while (made := answer.look(last)) is None and not last and time.monotonic() < end:
                    time.sleep(0.01)
                answer = made if made is not None else answer
        if isinstance(answer, DeferredReply):
            self.service.recorder.commit()
            answer = answer.make()
        assert isinstance(answer, HttpReply)
        return answer.status, json.loads(answer.body)

    def ask(self, uid: int = AGENT, token: str = "", **request: Any) -> dict[str, Any]:
        body = {"action": "write", "resource": "src/a", "session": "s", **request}
        value: dict[str, Any] = self.call("POST", "/v1/decide", body, uid, token)[1]
        return value

    def ticket(self, **request: Any) -> str:
        asked = self.ask(**request)
        assert asked["effect"] == "ask", asked
        return str(asked["ticket"]["id"])

    def vote(self, ticket: str, uid: int | None, verdict: str = "approve", reason: str = "ok", token: str = "", user: int | None = None) -> tuple[int, Any]:  # fmt: skip
        return self.call("POST", "/v1/approvals/vote", {"ticket": ticket, "verdict": verdict, "reason": reason}, uid, token, user)  # fmt: skip

    def state(self, ticket: str) -> str:
        return str(self.call("GET", f"/v1/approvals/{ticket}", uid=0)[1].get("state", "gone"))
