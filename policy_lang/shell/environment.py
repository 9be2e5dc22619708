"""Variables that programs see: the commands that their values run, the hosts that they reach, what they load."""

from __future__ import annotations

from .access import connect
from .dialect import SH
from .state import Binding, ShellState
from .values import UNKNOWN, Hole, Value, literal
from .variables import harmless, use_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .dialect import Dialect
    from .walk import Walk

    class EnvironmentHost(Protocol):
        """The shell that hands a variable to programs."""

        @property
        def walk(self) -> Walk:
            """The walk through the script."""

        def nested(self, text: str, dialect: Dialect, state: ShellState) -> None:
            """Run a script as another shell does."""


_COUNTED = {Hole.DIGITS: "0", Hole.NUMBER: "0", Hole.WORD: "a"}


def hand_over(host: EnvironmentHost, name: str, binding: Binding) -> None:
    """Record that programs see a variable with a value: nothing when that is harmless."""
    value = binding if isinstance(binding, Value) else UNKNOWN
    if harmless(name, _known(value)):
        return
    host.walk.act("setenv", literal(name))
    follow(host, name, value)


def follow(host: EnvironmentHost, name: str, value: Value) -> None:
    """Record what programs do with a variable's value."""
    use = use_of(name)
    text = value.text
    if use in {"run", "load"} and Hole.PIPE in value.parts:
        host.walk.opaque(f"`{name[:40]}` names what a command prints, which programs run or load")
        return
    if use == "run":
        command = text.lstrip("|-") if text is not None else None  # less(1): a pipe is written in front
        if command is None:
            host.walk.opaque(f"`{name[:40]}` names a command that is not known")
        elif command.strip():
            host.nested(command, SH, ShellState({}, {}, host.walk.state.folders))
    elif use == "divert":
        _divert(host.walk, value)
    elif use == "load":
        _load(host.walk, value)


def _known(value: Value) -> str | None:
    """The text of a value, numbers standing for any; None when it may be another."""
    if value.many:
        return None
    out = ""
    for part in value.parts:
        text = part if isinstance(part, str) else _COUNTED.get(part)
        if text is None:
            return None
        out += text
    return out


def _divert(walk: Walk, value: Value) -> None:
    """Connections to each address of a value; `direct` and `off` are none (go help goproxy)."""
    if value.text is None:
        connect(walk, value)
        return
    for address in value.text.replace("|", ",").replace(" ", ",").split(","):
        if address not in {"", "direct", "off", "none", "*"}:
            connect(walk, literal(address.rpartition("@")[2] if "://" not in address else address))


def _load(walk: Walk, value: Value) -> None:
    """Files and folders that code or configuration comes from: what no rule denies, the variable's grant covers."""
    for place in (value.text or "").split(":"):
        if place and not place.startswith("-"):
            walk.act("read", literal(place), supposed=True)
