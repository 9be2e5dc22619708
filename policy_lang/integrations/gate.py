"""A gate in front of an agent's tools: it asks the service or a compiled policy, and whatever fails is a denial."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ..domain import strict_json
from ..domain.faults import AuthorError
from ..domain.limits import limit
from ..pep.content import compared, whole
from ..pep.content import given as content_given
from ..pep.enforce import answered, enforce
from ..pep.payload import HookContext, operation, text
from ..pep.questions import HookQuestion, RefusedError

_LATER = 0.5
"""Seconds that a decision may be late before it counts as none."""


class GateError(AuthorError, ValueError):
    """A gate cannot be set up like this; the text says why."""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Whether a call may be made, and the reason in words that a model can use."""

    allowed: bool
    reason: str


Meaning = Callable[[dict[str, object], HookContext], list[HookQuestion]]
"""The questions that a tool's arguments are. Raises RefusedError for what is not understood."""


def reads(argument: str, *also: str) -> Meaning:
    """A tool that reads the file or folder which this argument names; `also` are arguments that change nothing."""
    return lambda given, _: [HookQuestion("read", _only(given, argument, also))]


def writes(argument: str, content: str, *also: str) -> Meaning:
    """A tool that writes a file: the argument with its name, and the one with its content as a whole."""

    def meaning(given: dict[str, object], _: HookContext) -> list[HookQuestion]:
        path = _only(given, argument, (content, *also))
        return [HookQuestion("write", path, content=whole("write", text(given, content)))]

    return meaning


def deletes(argument: str, *also: str) -> Meaning:
    """A tool that deletes the file which this argument names."""
    return lambda given, _: [HookQuestion("delete", _only(given, argument, also))]


def runs(argument: str, *also: str) -> Meaning:
    """A tool that runs this argument as a script of bash, in the workspace folder."""
    return lambda given, _: [HookQuestion("run", _only(given, argument, also))]


def connects(argument: str, *also: str, method: str = "GET") -> Meaning:
    """A tool that sends a request to the address which this argument names."""
    return lambda given, _: [HookQuestion("connect", _only(given, argument, also), method=method)]


def harmless() -> Meaning:
    """A tool that touches nothing but the conversation: it is not asked about."""
    return lambda _given, _context: []


def _only(given: dict[str, object], argument: str, also: tuple[str, ...]) -> str:
    for name in given:
        if name != argument and name not in also:
            raise RefusedError(f"the tool was given `{name}`, which is not a known argument")
    return text(given, argument)


class Gate:
    """Decides calls of tools, by the service (`socket`) or by a compiled policy (`policy`, a `.plc`).

    `workspace` is fixed here, like the agent's name, and no call can change them. `tools` says what the calls of a tool
    mean; a tool that it does not name is the operation `NAME.TOOL`, which a rule about `do` may grant. `wait` is how
    many seconds to wait for people whom the service asks.
    """

    def __init__(
        self,
        *,
        workspace: str,
        policy: str | None = None,
        socket: str | None = None,
        agent: str | None = None,
        log: str | None = None,
        token_file: str | None = None,
        owner: int | None = None,
        home: str | None = None,
        timeout: float = limit("hook_seconds"),
        wait: int = 0,
        name: str = "tool",
        tools: Mapping[str, Meaning] | None = None,
    ) -> None:
        if (policy is None) == (socket is None):
            raise GateError("give either `policy` or `socket`")
        if log is not None and policy is None:
            raise GateError("`log` belongs to `policy`; the service keeps its own log")
        if wait and socket is None:
            raise GateError("`wait` belongs to `socket`: the service asks people")
        if not 0 < timeout <= limit("hook_timeout_seconds") or not 0 <= wait <= limit("hook_wait_seconds"):
            raise GateError("`timeout` or `wait` is out of range")
        if not os.path.isabs(workspace) or os.path.realpath(workspace) == "/":
            raise GateError("`workspace` is an absolute path, and not the whole disk")
        given = {
            "--policy": policy, "--socket": socket, "--agent": agent, "--log": log, "--token-file": token_file,
            "--workspace": workspace, "--home": os.path.expanduser("~") if home is None else home,
            "--timeout": str(timeout), "--wait": str(wait) if wait else None,
            "--owner": None if owner is None else str(owner),
        }  # fmt: skip
        self._options = {option: [value] for option, value in given.items() if value is not None}
        self._context = HookContext(workspace, workspace, self._options["--home"][0])
        self._name = name
        self._tools = dict(tools or {})
        self._seconds = timeout + wait + _LATER
        self._left = threading.BoundedSemaphore(limit("gate_calls"))

    def check(self, tool: str, arguments: object) -> GateAnswer:
        """The answer to one call of a tool: its name, and its arguments as an object or as the JSON text of one."""
        return self._waited(lambda: self._asked(tool, arguments))

    async def acheck(self, tool: str, arguments: object) -> GateAnswer:
        """The same for asyncio: the event loop goes on meanwhile."""
        return await self._awaited(lambda: self._asked(tool, arguments))

    def check_call(self, server: str, tool: str, arguments: object) -> GateAnswer:
        """The answer to one call of an MCP server's tool: `call SERVER.TOOL`."""
        return self._waited(lambda: self._called(server, tool, arguments))

    async def acheck_call(self, server: str, tool: str, arguments: object) -> GateAnswer:
        """The same for asyncio."""
        return await self._awaited(lambda: self._called(server, tool, arguments))

    async def acheck_hook(self, client: str, payload: Mapping[str, object]) -> GateAnswer:
        """The answer to a call as a client's own hook describes it."""
        return await self._awaited(lambda: self._hooked(client, payload))

    def _asked(self, tool: str, arguments: object) -> GateAnswer:
        given = _object(arguments)
        if not isinstance(tool, str):
            raise RefusedError("the tool's name is not a string")
        meaning = self._tools.get(tool)
        found = [operation(self._name, tool, given)] if meaning is None else meaning(given, self._context)
        return self._answered(found, tool)

    def _called(self, server: str, tool: str, arguments: object) -> GateAnswer:
        given = _object(arguments)
        for one in (server, tool):
            if type(one) is not str or not one.isascii() or not one.isprintable() or "." in one or not one:
                raise RefusedError(f"the name `{str(one)[:80]}` is ambiguous")
        found = HookQuestion("call", f"{server}.{tool}", content=content_given(tool, given), arguments=compared(given))
        return self._answered([found], f"{server}.{tool}")

    def _answered(self, found: list[HookQuestion], tool: str) -> GateAnswer:
        outcome, reason = answered(found, self._context, self._options, {"client": self._name, "tool": tool[:256]})
        return GateAnswer(outcome.effect == "allow", reason)

    def _hooked(self, client: str, payload: Mapping[str, object]) -> GateAnswer:
        code, _, err = enforce(client, self._options, strict_json.dump(dict(payload)))
        return GateAnswer(code == 0, err.decode("utf-8", "replace").strip() or "allowed by policy")

    def _started(self, ask: Callable[[], GateAnswer]) -> Future[GateAnswer]:
        """The answer, which a thread of its own gives. Whatever it raises is a denial."""
        made: Future[GateAnswer] = Future()
        if not self._left.acquire(blocking=False):
            made.set_result(_denied("too many calls are being decided"))
            return made

        def answer() -> None:
            try:
                found = ask()
            except BaseException as error:
                found = _denied(_why(error))
            finally:
                self._left.release()
            made.set_result(found)

        try:
            threading.Thread(target=answer, daemon=True).start()
        except BaseException:
            self._left.release()
            raise
        return made

    def _waited(self, ask: Callable[[], GateAnswer]) -> GateAnswer:
        try:
            return self._started(ask).result(self._seconds)
        except TimeoutError:
            return _denied("the policy was not asked in time")
        except Exception as error:
            return _denied(_why(error))

    async def _awaited(self, ask: Callable[[], GateAnswer]) -> GateAnswer:
        try:
            waiting = asyncio.wrap_future(self._started(ask))
            done, _ = await asyncio.wait([waiting], timeout=self._seconds)
            return waiting.result() if done else _denied("the policy was not asked in time")
        except Exception as error:
            return _denied(_why(error))


def _object(arguments: object) -> dict[str, Any]:
    """The arguments of a call, read strictly; a copy, that nobody changes meanwhile. Raises MalformedError."""
    data = arguments.encode() if isinstance(arguments, str) else strict_json.dump(arguments)
    found = strict_json.load(data or b"{}")
    if not isinstance(found, dict):
        raise RefusedError("the arguments are not an object")
    return found


def _denied(why: str) -> GateAnswer:
    return GateAnswer(False, f"denied: {why}")


def _why(error: BaseException) -> str:
    from ..domain.errors import PolicyError
    from ..pep.channel import ChannelError

    if isinstance(error, RefusedError | ChannelError | strict_json.MalformedError | PolicyError):
        return str(error)[:1000]
    return f"internal error (PLI001): {type(error).__name__}"
