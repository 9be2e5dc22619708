"""The record of one client: what every part of the enforcement point knows of it.

A hook's process imports this together with its own client's module, so both stay light: what writes settings or runs
programs is said here as data, and done by `install`, `doctor` and `rehearsal`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from dataclasses import dataclass

    from ..model_turns import Call
    from ..payload import HookContext
    from ..questions import HookQuestion, Outcome
else:

    def dataclass(cls):
        """Fields are given by name. Type checkers take it for theirs, which costs as much as all the rest of a hook."""
        cls.__init__ = lambda self, **fields: self.__dict__.update(fields)
        return cls


@dataclass
class SettingsForm:
    """The places of a client's settings, and the form of an entry for our hook."""

    paths: dict[str, str]
    """Of each scope (`user`, `project`, `managed`), with `{home}` and `{workspace}`."""
    entry: Callable[[str, int], dict[str, object]]
    """One event's entry: of a command, and the seconds that the client may wait for it."""
    defaults: dict[str, object] | None = None
    """Fields of the settings that are set when they are missing."""
    strict: dict[str, object] | None = None
    """The same of fields without which something runs past the hook; what an installation set, it takes out again."""
    managed: dict[str, object] | None = None
    """Fields that managed settings get besides; in TOML when they are missing, with `{hook_folder}`."""
    toml: bool = False
    """The settings are TOML, and JSON otherwise."""
    script: Callable[[str, int], str] | None = None
    """Or they are a program's file that is ours alone: its text, of a command and seconds as for `entry`."""
    note: str = ""
    """The step that is left to a person after an installation, in the scope `note_scope`."""
    note_scope: str = "user"
    void: dict[str, str] | None = None
    """Scopes in which nothing is installed any more, and why; what is there is still found and taken out."""


@dataclass
class RehearsalProtocol:
    """The way to run the client without an account, by a model on this machine that reads from a script."""

    command: Callable[[str], tuple[list[str], dict[str, str]]]
    """Words and variables that start it; of the model's address. The last word is the prompt."""
    reply: Callable[[str, dict[str, object], Iterator[Call]], bytes]
    """The model's answer to a turn: of the URL's path, the body, and the calls that are left."""
    run: Callable[[str], Call]
    """The call that runs a shell command."""
    defaults: tuple[str, str] | None = None
    """A variable, and the text of the settings file that it names: without it the client asks how to sign in."""
    unseen: dict[str, str] | None = None
    """Tools as the model is offered them, with their arguments, where the hook is shown another name or less."""


@dataclass
class HookClient:
    """All that is known of one client."""

    name: str
    title: str
    tried: str
    """The version that it was tried with; empty when only its documentation was read."""
    events: tuple[str, ...]
    """The hook events that are answered; the first is meant when the input names none."""
    common: dict[str, object]
    """An example of the fields that its hook sends with every call, besides the working folder `cwd`."""
    tools: dict[str, str]
    """Of each tool whose calls are read here its arguments, in one text; whatever else is given denies."""
    harmless: dict[str, str]
    """The same of the tools that touch nothing but the conversation; nothing is asked about them."""
    operations: frozenset[str]
    """Tools that were looked at and have no meaning here: they are `do CLIENT.TOOL`, as is every unknown one."""
    questions: Callable[[dict[str, object], HookContext], list[HookQuestion]]
    """The questions about a call; none for a harmless one. Raises RefusedError when it is not understood."""
    answer: Callable[[Outcome, str, str], object]
    """The answer in the client's form: of an outcome, the event and the reason. None for silence."""
    canary: Callable[[str, str], dict[str, object]]
    """The call, besides `common`, that would write a file: of the workspace and the file's path below it."""
    settings: SettingsForm
    bypasses: tuple[tuple[str, str], ...]
    """Every known way round its hook, and what closes it."""
    mcp_mark: str = ""
    """What the names of MCP servers' tools have in them, as the model is offered them."""
    asks: Callable[[dict[str, object]], bool] | None = None
    """True when the answer `ask` to this call is certain to reach a person; None when it never is."""
    workspace_variable: str = ""
    """The variable that tells the hook where the workspace is."""
    workspace_field: str = ""
    """The field of the input that does."""
    workspace_folder: bool = False
    """True when the hook's own working folder does. Without any of the three it is fixed by `--workspace`."""
    rehearsal: RehearsalProtocol | None = None
    """None for a client that does not run without an account."""

    @property
    def tells_workspace(self) -> bool:
        """True when the client tells its hook where the workspace is."""
        return bool(self.workspace_variable or self.workspace_field or self.workspace_folder)


def chat_reply(path: str, body: dict[str, object], left: Iterator[Call]) -> bytes:  # noqa: ARG001
    """A turn of Chat Completions, for the `reply` of clients that speak it; turns without tools only ask for a title."""
    from ..model_turns import chat_turn  # a hook never loads it

    return chat_turn(body, next(left, None) if body.get("tools") else None)
