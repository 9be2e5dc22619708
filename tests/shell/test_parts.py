"""The parts of the abstract shell, each by itself: what it needs of the others is a few lines here."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from policy_lang.compiler.profiles import builtin
from policy_lang.shell import builtins
from policy_lang.shell.acts import NO_REPOSITORY, GitContext
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.changes import AddAct
from policy_lang.shell.compound import CompoundCommands
from policy_lang.shell.dialect import BASH, SH, ZSH, Dialect
from policy_lang.shell.expand import Expander
from policy_lang.shell.interpret import Interpreter
from policy_lang.shell.operands import operand_roles
from policy_lang.shell.outputs import printed
from policy_lang.shell.profile import Option, Parsed, Profile
from policy_lang.shell.programs import Programs
from policy_lang.shell.rare_roles import ROLES as RARE_ROLES
from policy_lang.shell.reader import parse_script
from policy_lang.shell.readers.table import READERS, find_reader
from policy_lang.shell.reading import Opaque
from policy_lang.shell.redirects import Redirections
from policy_lang.shell.roles import RARE, is_role, role
from policy_lang.shell.slots import slots_of
from policy_lang.shell.state import Ends, ShellState, folder_text
from policy_lang.shell.tree import AndOrList, CompoundCommand, ShellWord, SimpleCommand
from policy_lang.shell.values import UNKNOWN, Hole, Value, literal
from policy_lang.shell.walk import MOST_ACTS, MOST_STEPS, Walk


def only(script: str, dialect: Dialect = BASH) -> SimpleCommand:
    """The one simple command of a script."""
    (item,) = parse_script(script, dialect)
    (command,) = item.pipelines[0].commands
    assert isinstance(command, SimpleCommand)
    return command


def word(text: str) -> ShellWord:
    return only(f"c1 {text}").words[1]


class Printed:
    """Subshells that print one value, and remember what they ran."""

    def __init__(self, text: str = "out") -> None:
        self.value = literal(text)
        self.ran: list[tuple[AndOrList, ...]] = []

    def substitute(self, body: tuple[AndOrList, ...]) -> Value:
        self.ran.append(body)
        return self.value

    def apart(self, body: tuple[AndOrList, ...]) -> None:
        self.ran.append(body)


class Ended:
    """Runs lists by asking what becomes of their first word."""

    def __init__(self, ends: Callable[[str, ShellState], Ends]) -> None:
        self.ends = ends
        self.ran: list[str] = []

    def items(self, items: tuple[AndOrList, ...], state: ShellState) -> Ends:
        command = items[0].pipelines[0].commands[0]
        assert isinstance(command, SimpleCommand)
        text = getattr(command.words[0].parts[0], "text", "")
        self.ran.append(text)
        return self.ends(text, state)


class Host:
    """What programs and builtins need, and nothing else."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.words = Expander(walk, Printed())
        self.ran: list[tuple[str | None, ...]] = []
        self.scripts: list[tuple[str, Dialect]] = []

    def profiles(self, name: str) -> Profile | None:
        return None

    def items(self, items: tuple[AndOrList, ...], state: ShellState) -> Ends:
        self.ran.append(("list",))
        return state, state

    def run(self, fields: list[Value], stdin: Value | None = None, functions: bool = True) -> Ends:
        self.ran.append(tuple(f.text for f in fields))
        return self.walk.state, self.walk.state

    def program(self, fields: list[Value], stdin: Value | None = None) -> None:
        self.ran.append(("program", *(f.text for f in fields)))

    def nested(self, text: str, dialect: Dialect, state: ShellState) -> None:
        self.scripts.append((text, dialect))


def shown(walk: Walk) -> list[tuple[str, str | None, str]]:
    return [(a.action, a.value.text, a.tree) for a in walk.acts]


# the walk


def test_a_walk_records_each_act_once_where_it_stands() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    walk.span = (3, 8)
    walk.act("read", literal("a"))
    walk.act("read", literal("a"))
    walk.state.enter("d")
    walk.act("read", literal("a"))
    walk.act("write", literal("b"), 0)
    assert [(a.action, a.folders, a.start, a.end) for a in walk.acts] == [
        ("write", ("d",), 3, 8), ("read", ("",), 3, 8), ("read", ("d",), 3, 8),
    ]  # fmt: skip
    walk.whole = (0, 20)
    walk.opaque("why", "instead")
    assert (walk.acts[-1].opaque, walk.acts[-1].remediation, walk.acts[-1].end) == ("why", "instead", 20)


def test_a_walk_is_bounded() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    for i in range(MOST_ACTS):
        walk.act("read", literal(str(i)))
    with pytest.raises(Opaque, match="effects"):
        walk.act("read", literal("one more"))
    for _ in range(MOST_STEPS):
        walk.step()
    with pytest.raises(Opaque, match="steps"):
        walk.step()


def test_what_a_subshell_changes_is_lost() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    walk.hand_over = lambda name, _: walk.act("setenv", literal(name))
    walk.assign("x", literal("1"))
    before = walk.state

    def run(state: ShellState) -> None:
        walk.state = state
        assert not walk.frames
        walk.assign("x", literal("2"))
        walk.assign("PATH", literal("/evil"))

    walk.frames.append(None)  # type: ignore[arg-type]
    walk.subshell(before, run)
    assert walk.state is before
    assert walk.state.variables == {"x": literal("1")}
    assert walk.frames == [None]
    assert shown(walk) == [("setenv", "PATH", "")]


def test_another_shell_inside_ends_whatever_happens() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    walk.span, walk.guarded = (2, 9), 3

    def run() -> None:
        assert (walk.dialect, walk.whole, walk.guarded) == (SH, (2, 9), 0)
        raise Opaque("no")

    with pytest.raises(Opaque):
        walk.inside(SH, run)
    assert (walk.dialect, walk.whole, walk.guarded) == (BASH, None, 3)


def test_nothing_waits_for_the_collector() -> None:
    def parts() -> int:
        return sum(isinstance(o, (Walk, Interpreter, Expander, Programs)) for o in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = parts()
        read_acts("f() { ls <(pwd); }; for x in $(ls); do f; done | sh -c 'trap ls EXIT; eval ls'", "bash", builtin)
        assert parts() == before
    finally:
        gc.enable()


# words, redirections, outputs


def test_an_expander_runs_substitutions_where_it_is_told_to() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    shells = Printed("a b")
    expander = Expander(walk, shells)
    walk.state.variables["v"] = literal("x y")
    assert [v.text for v in expander.fields(word("$v"))] == ["x", "y"]
    assert expander.value(word("$v")) == literal("x y")
    assert [v.text for v in expander.fields(word('"$(c2)"{1,2}'))] == ["a b1", "a b2"]
    assert len(shells.ran) == 2
    assert expander.fields(word("<(c2)")) == [Value((Hole.PIPE,))]
    assert len(shells.ran) == 3
    walk.dialect = ZSH
    assert expander.fields(word("$v")) == [literal("x y")]
    expander.fields(word("$GITHUB_TOKEN"))
    assert shown(walk) == [("use", "GITHUB_TOKEN", "")]


def test_redirections_record_files_and_hand_on_standard_input() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    redirections = Redirections(walk, Expander(walk, Printed()))
    given = [redirections.run(r) for r in only("c1 <a >>b 2>/dev/null 3<c <<<text >/dev/tcp/h/80").redirects]
    assert given == [UNKNOWN, None, None, None, literal("text"), UNKNOWN]
    assert shown(walk) == [("read", "a", ""), ("write", "b", ""), ("read", "c", ""), ("connect", "h:80", "")]
    assert walk.span == (0, 0)


def test_what_commands_print() -> None:
    walk = Walk(BASH, GitContext("topic"))
    expander = Expander(walk, Printed())

    def out(script: str) -> Value:
        return printed(walk, expander, parse_script(script))

    assert out("git branch --show-current") == literal("topic")
    assert out("echo a b") == literal("a b")
    assert out("pwd").parts == (Hole.CWD,)
    assert out("c1").parts == (Hole.ANY,)


# compound commands


def compound(script: str) -> CompoundCommand:
    command = parse_script(script)[0].pipelines[0].commands[0]
    assert isinstance(command, CompoundCommand)
    return command


def test_compound_commands_follow_every_way() -> None:
    walk = Walk(BASH, NO_REPOSITORY)

    def ends(name: str, state: ShellState) -> Ends:
        assert walk.guarded == (name == "cond")
        if name in {"yes", "no"}:
            state.variables["x"] = literal(name)
            return state, None
        return state, state

    lists = Ended(ends)
    commands = CompoundCommands(walk, Expander(walk, Printed()), lists)
    ok, bad = commands.run(compound("if cond; then yes; else no; fi"), walk.state)
    assert lists.ran == ["cond", "yes", "no"]
    assert bad is None
    assert ok is not None
    assert ok.variables["x"] == Value((Hole.NAME,), False, "a value that depends on the way taken")
    lists.ran.clear()
    commands.run(compound("for v in a b; do body; done"), walk.state)
    assert lists.ran == ["body", "body"]
    lists.ran.clear()
    commands.run(compound("case $v in a) one ;& b) two ;; esac"), walk.state)
    assert lists.ran == ["one", "two"]


def test_a_loop_ends_when_nothing_changes() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    lists = Ended(lambda _, state: (state, state))
    commands = CompoundCommands(walk, Expander(walk, Printed()), lists)
    commands.run(compound("while cond; do body; done"), walk.state)
    assert lists.ran == ["cond", "body"]


# builtins


def test_builtins_change_the_state() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    host = Host(walk)

    def run(*words: str) -> Ends:
        return builtins.TABLE[words[0]](host, [literal(w) for w in words], None)

    run("cd", "d")
    assert walk.state.folders == ("d",)
    assert walk.moved == 1
    run("export", "x=1")
    assert walk.state.variables["x"] == literal("1")
    assert run("exit") == (None, None)
    run("command", "ls", "a")
    run("echo", "hello")
    run("eval", "c1")
    assert host.ran == [("ls", "a"), ("program", "echo", "hello"), ("list",)]
    run("trap", "c1", "EXIT")
    assert [t.moved for t in walk.deferred] == [1]
    assert {a.action for a in walk.acts} == {"run"}
    assert all(a.free for a in walk.acts)


# programs

TOOL = Profile(
    "tool", operands=slots_of("read... write"), options={"-x": Option(("-x",), "url")}, acts=(AddAct("delete", "log", ""),)
)  # fmt: skip


def test_programs_record_what_a_command_line_does() -> None:
    walk = Walk(BASH, NO_REPOSITORY)
    host = Host(walk)
    programs = Programs(walk, lambda name: TOOL if name == "tool" else None, host)
    programs.run([literal(w) for w in ("tool", "-x", "https://h/a", "a", "b", "c")])
    assert shown(walk) == [
        ("run", "", ""), ("connect", "https://h/a", ""), ("read", "a", ""), ("read", "b", ""), ("write", "c", ""),
        ("delete", "log", ""),
    ]  # fmt: skip
    programs.run([literal("other")])
    assert "no profile" in walk.acts[-1].note
    programs.run([literal("tool"), literal("--odd")])
    assert "does not know the option `--odd`" in walk.acts[-1].opaque


def test_roles_need_a_walk_and_little_more() -> None:
    walk = Walk(BASH, GitContext(remotes=(("up", "git@h:x/y"),)))
    host = Host(walk)
    parsed = Parsed(TOOL, ("tool",), TOOL)
    role(host, parsed, "repository", literal("up"), 1)
    role(host, parsed, "script", literal("ls"), 1)
    role(host, parsed, "connect-any", literal("x"), 1)
    role(host, parsed, "read-tree!", literal("d"), 4)
    assert shown(walk) == [("connect", "ssh://h", ""), ("connect", None, ""), ("read", "d", "existing")]
    assert host.scripts == [("ls", SH)]
    assert parsed.named == {4}
    with pytest.raises(Opaque, match="unknown role `odd`"):
        role(host, parsed, "odd", literal("x"), 1)
    parsed.operands, parsed.indexes = [literal("a"), literal("b")], [1, 2]
    operand_roles(host, parsed)
    assert shown(walk)[3:] == [("read", "a", ""), ("write", "b", "")]


def test_tables_name_what_there_is() -> None:
    assert set(RARE_ROLES) == RARE
    assert all(is_role(name) for name in ("read", "change-tree", "url", "sql"))
    assert not is_role("command")
    for name in READERS:
        assert callable(find_reader(name))
    with pytest.raises(KeyError):
        find_reader("odd")


def test_folders_as_path_texts() -> None:
    assert folder_text(literal("a/b")) == "a/b"
    assert folder_text(literal("~x")) == "./~x"
    assert folder_text(Value((Hole.HOME, "/a"))) == "~/a"
    assert folder_text(Value((Hole.CWD, "/a"))) == "a"
    assert folder_text(Value((Hole.ANY,))) is None
    assert folder_text(Value((Hole.HOME, "a"))) is None
