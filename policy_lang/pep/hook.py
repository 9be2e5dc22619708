"""The hook client: one call's input on standard input, the answer in the client's own form.

    python -I -S .../policy_lang/pep/hook.py CLIENT (--socket PATH | --policy FILE.plc) [options]

Exit code 0 with an answer that allows or asks, or 2 with one that denies. Nothing else ever: the clients let a call
pass when their hook fails in any other way, so every fault of ours is a denial, and an alarm of our own ends what takes
too long. `-I -S` keeps the agent's folders, variables and site packages out of this process.
"""

import _signal
import sys

_OPTIONS = {
    "--socket",
    "--policy",
    "--agent",
    "--workspace",
    "--home",
    "--timeout",
    "--token-file",
    "--owner",
    "--prompt",
    "--log",
    "--wait",
    "--observe",  # the only one without a value
    "--hold",
    "--accept-argument",
}
MOST_INPUT = 8 << 20  # limit: hook_input_bytes
MOST_TIMEOUT = 60  # limit: hook_timeout_seconds
MOST_WAIT = 540  # limit: hook_wait_seconds
_SECONDS = 2.0  # limit: hook_seconds
_LAST = 0.5
"""Seconds for writing a denial that nobody reads; it is one without them as well."""


def main() -> None:
    """Answer, and end the process."""
    arguments = sys.argv[1:]
    client = arguments[0] if arguments else ""
    try:
        _signal.signal(_signal.SIGALRM, lambda *_: _leave(client, "the policy was not asked in time"))
        _signal.setitimer(_signal.ITIMER_REAL, _seconds(arguments))
        _answer(client, arguments[1:])
    except BaseException as error:
        _leave(client, _why(error))
    _leave(client, "the hook ended without an answer")


def _seconds(arguments: list) -> float:  # type: ignore[type-arg]
    """The deadline, read before anything else can go wrong: for the answer, and for people when they are waited for."""
    seconds, wait = _SECONDS, 0.0
    if "--timeout" in arguments[:-1]:
        seconds = float(arguments[arguments.index("--timeout") + 1])
    if "--wait" in arguments[:-1]:
        wait = float(arguments[arguments.index("--wait") + 1])
    if 0 < seconds <= MOST_TIMEOUT and 0 <= wait <= MOST_WAIT:
        return seconds + wait + (_SECONDS if wait else 0)
    raise ValueError("--timeout" if not 0 < seconds <= MOST_TIMEOUT else "--wait")


def _why(error: BaseException) -> str:
    name = type(error).__name__
    if name in {"RefusedError", "ChannelError", "MalformedError", "PolicyError", "UsageError"}:
        return str(error)[:1000]
    return f"internal error (PLI001): {name}"


def _leave(client: str, why: str) -> None:
    """Deny in the client's form, if it is a known one, and by the exit code in any case."""
    import posix

    try:
        reason = f"denied: {why}"
        _only_write()
        _signal.setitimer(_signal.ITIMER_REAL, _LAST)
        posix.write(1, plain_denial(client, reason))
        posix.write(2, (reason + "\n").encode("utf-8", "replace"))
    finally:
        posix._exit(2)


def _only_write() -> None:
    """From now on the alarm ends the process, as a denial: who does not read the answer is not waited for."""
    import posix

    _signal.signal(_signal.SIGALRM, lambda *_: posix._exit(2))


def plain_denial(client: str, reason: str) -> bytes:
    """A denial that needs nothing but this file."""
    quoted = '"' + "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in reason) + '"'
    return (DENIALS.get(client, "").replace("REASON", quoted) + "\n").encode("ascii")


_NESTED = (
    '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny",'
    '"permissionDecisionReason":REASON}}'
)
_PLAIN = '{"decision":"deny","reason":REASON}'
DENIALS = {
    "claude": _NESTED,
    "codex": _NESTED,
    "gemini": _PLAIN,
    "copilot": '{"permissionDecision":"deny","permissionDecisionReason":REASON}',
    "cursor": '{"permission":"deny","user_message":REASON,"agent_message":REASON,"userMessage":REASON,'
    '"agentMessage":REASON}',
    "opencode": _PLAIN,
    "qwen": _NESTED,
    "goose": '{"decision":"block","reason":REASON}',
}
"""The denial of each client's own `answer`, for when nothing else can be imported."""


class UsageError(Exception):
    """The hook was called in a way that it does not know."""


def _answer(client: str, arguments: list) -> None:  # type: ignore[type-arg]
    import posix

    if client not in DENIALS:
        raise UsageError(f"unknown client `{client[:40]}`; known are {', '.join(DENIALS)}")
    options = _options(arguments)
    root = __file__.rpartition("/pep/hook.py")[0].rpartition("/")[0]
    if __name__ == "__main__":
        sys.path.append(root)  # behind the standard library, so that nothing there can stand in for a part of it
    from policy_lang.pep.enforce import enforce

    code, out, err = enforce(client, options, _input(posix))
    _only_write()
    if out:
        _write(posix, 1, out)
    if err:
        _write(posix, 2, err)
    posix._exit(code)


def _options(arguments: list) -> dict:  # type: ignore[type-arg]
    options: dict[str, list[str]] = {}
    words = iter(arguments)
    for name in words:
        if name not in _OPTIONS:
            raise UsageError(f"unknown option `{name[:40]}`")
        value = "" if name == "--observe" else next(words, None)
        if value is None:
            raise UsageError(f"`{name}` has no value")
        options.setdefault(name, []).append(value)
    for name, values in options.items():
        if len(values) > 1 and name not in {"--prompt", "--hold", "--accept-argument"}:
            raise UsageError(f"`{name}` is given twice")
    if ("--socket" in options) == ("--policy" in options):
        raise UsageError("give either `--socket` or `--policy`")
    for name, others in (("--observe", ("--policy", "--log")), ("--hold", ("--observe",))):
        if name in options and not all(other in options for other in others):
            raise UsageError(f"`{name}` needs {' and '.join(others)}")
    return options


def _input(posix) -> bytes:  # type: ignore[no-untyped-def] # noqa: ANN001
    chunks, size = [], 0
    while chunk := posix.read(0, 1 << 16):
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_INPUT:
            raise UsageError(f"the input is longer than {MOST_INPUT} bytes")
    return b"".join(chunks)


def _write(posix, handle: int, data: bytes) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    while data:
        data = data[posix.write(handle, data) :]


if __name__ == "__main__":
    main()
