"""The public face: load a policy, ask it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from ._version import __version__
from .domain.decision import Decision
from .domain.record import replace
from .domain.request import Request
from .engine.memo import key_of
from .engine.pdp import Engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .audit.log import DecisionLog
    from .compiled.reader import Contents
    from .domain.decision import Answer
    from .domain.policy import AttributeType
    from .engine.explain import Explanation
    from .ir.model import PolicySet


class Policy:
    """A compiled policy set. Immutable; safe to share between threads.

    >>> policy = Policy.loads('policy "demo"  allow read "src/**"')
    >>> policy.decide(action="read", resource="src/app.ts").effect
    'allow'
    >>> policy.decide(action="read", resource=".env").reasons
    ('no rule of `demo` grants `read` on this',)
    """

    __slots__ = ("_engine", "_log")

    def __init__(self, engine: Engine, log: DecisionLog | None = None) -> None:
        self._engine = engine
        self._log = log

    @classmethod
    def load(cls, path: str, log: DecisionLog | None = None) -> Policy:
        """A policy from its file with imports and ceilings, or from a compiled one (`.plc`).

        With `log` every decision is recorded before it is given, and what cannot be recorded is denied.
        Raises PolicyError with every mistake found, or with the reason why a compiled file is refused.
        """
        if os.fspath(path).endswith(".plc"):
            from .compiled.opened import open_compiled

            return cls.of_compiled(open_compiled(path, __version__), log)
        from .compiler.load import compile_file

        return cls(cls._of(compile_file(path)).engine, log)

    @classmethod
    def of_compiled(cls, contents: Contents, log: DecisionLog | None = None) -> Policy:
        """A policy from the contents of a compiled one, which has been checked."""
        return cls(Engine(contents.prepared, profiles=contents.profile), log)

    @classmethod
    def _of(cls, policy_set: PolicySet, over_everything: bool = False) -> Policy:
        from .compiler.profiles import with_own
        from .engine.prepare import engine_of

        return cls(engine_of(policy_set, over_everything, with_own(policy_set.profiles)))

    @classmethod
    def loads(cls, text: str, path: str = "policy.policy") -> Policy:
        """Compile a policy from text; imports of files are looked up beside `path`. Raises PolicyError."""
        from .compiler.load import compile_text

        return cls._of(compile_text(text, path))

    @classmethod
    def load_revision(cls, revision: str, path: str) -> Policy:
        """Compile a policy as it stands in a revision of its git repository, to look at. Raises PolicyError.

        `path` is as git takes it behind `REVISION:`, from the top of the repository, or else from the working folder.
        """
        from .compiler.load import compile_file
        from .resolve.revisions import Revision

        at = Revision(revision, path)
        return cls._for_testing(compile_file(at.path, library=True, read=at.read))

    @classmethod
    def load_for_testing(cls, path: str) -> Policy:
        """Compile a file to run its own tests: tiers may be declared only, and a guardrail stands over `allow`."""
        from .compiler.load import compile_file

        return cls._for_testing(compile_file(path, library=True))

    @classmethod
    def _for_testing(cls, policy_set: PolicySet) -> Policy:
        return cls._of(policy_set, over_everything=all(layer.guardrail for layer in policy_set.layers))

    @property
    def digest(self) -> str:
        """`sha256:...` of what the policy means; layout, order and file names do not change it."""
        return self._engine.prepared.digest

    @property
    def attributes(self) -> Mapping[str, AttributeType]:
        """The declared context attributes by name."""
        return self._engine.prepared.attributes

    @property
    def engine(self) -> Engine:
        """The policy made ready for deciding: what the analysis asks."""
        return self._engine

    @property
    def policy_set(self) -> PolicySet:
        """The policy in normal form."""
        return self._engine.policy

    def decide(
        self,
        *,
        action: str,
        resource: str | tuple[str, ...] | list[str],
        agent: str | None = None,
        repo: str | None = None,
        branch: str | None = None,
        session: str | None = None,
        context: Mapping[str, object] | None = None,
        cwd: str | None = None,
        workspace: str | None = None,
        home: str | None = None,
        tmp: str | None = None,
        shell: str | None = None,
        method: str | None = None,
        destination: str | None = None,
        arguments: Mapping[str, object] | None = None,
        resolved: Sequence[str] = (),
        git: Mapping[str, object] | None = None,
        lexical: bool = False,
        pattern: bool = False,
        now: float | None = None,
    ) -> Decision:
        """Decide one request; see `Request` for the fields. Never raises: what is malformed is denied."""
        if isinstance(resource, list):
            resource = tuple(resource)
        if now is None and self._engine.timed:
            now = time.time()
        key = None
        if self._log is None and destination is None and (arguments is None or not self._engine.argued):
            rest = (resource, agent, repo, branch, session, cwd, home, tmp, shell, method, resolved, pattern)
            key = key_of(action, workspace, lexical, now, context, git, rest)
            if key is not None:
                answer = self._engine.recall(key)
                if answer is not None:
                    return Decision(answer)
        try:
            addresses = tuple(resolved)
        except TypeError:
            addresses = resolved  # type: ignore[assignment]  # the engine refuses it
        request = Request(
            action, resource, agent, repo, branch, session, context or {}, cwd, workspace, home, tmp, shell, method,
            addresses, git or {}, lexical, pattern, now=now,
            destination=destination,
        )  # fmt: skip
        if arguments is not None:
            request = replace(request, arguments=arguments)
        return self.decide_request(request) if self._log is not None else self._fresh(request, key)

    def decide_request(self, request: Request) -> Decision:
        """Decide a request object. The clock is read only when the policy speaks of time. Never raises."""
        if self._engine.timed:
            request = self.timed(request)
        if self._log is None:
            return self._decided(request)
        from .audit.recorder import commit, watched

        decided = watched(self._decided, request, {"by": "process", "pid": os.getpid()})
        commit(self._log, (decided,))
        return decided.decision

    def timed(self, request: Request) -> Request:
        """The request with the clock's time in it, when it has none and the policy speaks of time."""
        return replace(request, now=time.time()) if request.now is None and self._engine.timed else request

    def recalled(self, request: Request) -> Decision | None:
        """The decision on a request whose answer is remembered; None when it has to be decided."""
        key = self._key(request)
        answer = None if key is None else self._engine.recall(key)
        return None if answer is None else Decision(answer)

    def remember(self, request: Request, answer: Answer) -> None:
        """Keep an answer that a process of the same policy has found, if it depends on nothing else."""
        self._engine.remember(self._key(request), answer)

    def _decided(self, one: Request) -> Decision:
        key = self._key(one)
        if key is not None:
            answer = self._engine.recall(key)
            if answer is not None:
                return Decision(answer)
        return self._fresh(one, key)

    def _fresh(self, request: Request, key: object) -> Decision:
        answer = self._engine.answer(request)
        self._engine.remember(key, answer)
        return Decision(answer)

    def _key(self, one: Request) -> tuple[object, ...] | None:
        rest = (
            one.resource, one.agent, one.repo, one.branch, one.session, one.cwd, one.home, one.tmp, one.shell,
            one.method, one.resolved, one.pattern,
        )  # fmt: skip
        special = one.inner or one.confined or one.versioned or one.destination is not None
        special = special or (one.arguments is not None and self._engine.argued)
        return key_of(one.action, one.workspace, one.lexical, one.now, one.context, one.git, rest, special)

    def explain(self, request: Request) -> Explanation:
        """The decision, and for each candidate rule why it holds or not."""
        from .engine.explain import explain

        return explain(self._engine, self.timed(request))
