"""The filter of system calls does with each call what its table says: run here, instruction by instruction."""

from __future__ import annotations

import struct

import pytest

from policy_lang.walls import syscalls

ALLOW, ASK = "allow", "ask"
_O_CREAT, _O_RDWR, _O_TRUNC, _O_PATH, _TMPFILE = 0o100, 0o2, 0o1000, 0o10000000, 0o20200000

STEPS: list[int] = []
"""The instructions that the last call took."""


def run(program: bytes, number: int, *arguments: int, arch: int = syscalls.ARCH_X86_64) -> str | int:
    """What classic BPF comes to on one call (bpf(4), linux/filter.h)."""
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *(list(arguments) + [0] * 6)[:6])
    lines = list(struct.iter_unpack("=HBBI", program))
    at = accumulator = 0
    STEPS.clear()
    while True:
        code, true, false, k = lines[at]
        STEPS.append(code)
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif code == 0x54:
            accumulator &= k
        elif code == 0x06:
            return ALLOW if k == 0x7FFF0000 else ASK if k == 0x7FC00000 else k & 0xFFFF
        else:
            met = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
            at += true if met else false


PROGRAM = syscalls.program()
CASES = [
    ("reading", 257, (0, 0, 0), ALLOW), ("making", 257, (0, 0, _O_CREAT | 1), ASK), ("both ways", 2, (0, _O_RDWR), ASK),
    ("truncating by a read-only open", 257, (0, 0, _O_TRUNC), ASK), ("a file without a name", 257, (0, 0, _TMPFILE), ASK),
    ("openat2", 437, (), 38), ("io_uring", 425, (), 38), ("clone3", 435, (), 38), ("ptrace", 101, (), 1),
    ("a thread", 56, (0x3D0F00,), ALLOW), ("a user namespace", 56, (0x10000000 | 17,), 1), ("unshare of files", 272, (0x400,), ALLOW),
    ("unshare of mounts", 272, (0x20000,), 1), ("unshare of time", 272, (0x80,), 1), ("setns", 308, (), 1),
    ("typing", 16, (0, 0x5412), 1), ("typing, with high bits", 16, (0, 0xFFFFFFFF_00005412), 1), ("window size", 16, (0, 0x5413), ALLOW),
    ("flags of a file", 16, (0, 0x40086602), 1), ("TCP", 41, (2, 1, 0), ALLOW), ("TCP without waiting", 41, (10, 0o4001, 6), ALLOW),
    ("UDP", 41, (2, 2, 0), 1), ("raw", 41, (2, 3, 1), 1), ("MPTCP", 41, (2, 1, 262), 1), ("UNIX", 41, (1, 1, 0), ALLOW),
    ("UNIX datagrams", 41, (1, 2, 0), 1), ("routes", 41, (16, 3, 0), ALLOW), ("audit", 41, (16, 3, 9), 97), ("packets", 41, (17, 3, 0), 97),
    ("a pair", 53, (1, 0o2000001, 0), ALLOW), ("a pair of datagrams", 53, (1, 2, 0), 1),
    ("asking for the personality", 135, (0xFFFFFFFF,), ALLOW), ("another personality", 135, (0x0400000,), 1),
    ("a filter", 317, (1, 1), ALLOW), ("a listener of its own", 317, (1, 8), 16), ("a listener, with another flag", 317, (1, 8 | 32), 16),
    ("sending", 44, (0, 0, 0, 0x4000), ALLOW), ("sending that connects", 44, (0, 0, 0, 0x20000000), 95),
    ("a message that connects", 46, (0, 0, 0x20000040), 95), ("messages that connect", 307, (0, 0, 0, 0x20000000), 95),
    ("a snapshot", 16, (0, 0x50009401), 25), ("a subvolume", 16, (0, 0x5000940E), 25), ("a clone of a file", 16, (0, 0x40049409), ALLOW),
    ("the version of an inode", 16, (0, 0x40087602), 25), ("attributes of FAT", 16, (0, 0x40047211), 25), ("flags that are read", 16, (0, 0x80086601), ALLOW),
    ("a lock", 72, (3, 6), ALLOW), ("a lease", 72, (3, 1024), 22), ("the priority of another", 141, (0, 7), ALLOW),
    ("shared memory", 29, (), ALLOW), ("limits of another", 302, (7,), ALLOW),
    ("a call that is too new", 463, (), 38), ("mseal", 462, (), ALLOW), ("x32", 0x40000101, (0, 0, _O_CREAT), 38), ("read", 0, (), ALLOW),
]  # fmt: skip


@pytest.mark.parametrize(("number", "arguments", "result"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_call(number: int, arguments: tuple[int, ...], result: str | int) -> None:
    assert run(PROGRAM, number, *arguments) == result


@pytest.mark.parametrize(("number", "most"), [(257, 10), (2, 11), (16, 45), (72, 15), (44, 20), (56, 25)])
def test_what_programs_do_most_passes_after_few_instructions(number: int, most: int) -> None:
    """What needs more than its number to pass runs through the program each time."""
    assert run(PROGRAM, number) == ALLOW
    assert len(STEPS) <= most, len(STEPS)


@pytest.mark.parametrize(
    ("number", "arguments", "result"),
    [
        (29, (), 38),
        (240, (), 38),
        (302, (0,), ALLOW),
        (302, (7,), 1),
        (141, (0, 0), ALLOW),
        (141, (0, 7), 1),
        (0, (), ALLOW),
    ],
)
def test_without_namespaces_what_is_shared_with_others_is_refused(
    number: int, arguments: tuple[int, ...], result: str | int
) -> None:
    assert run(syscalls.program(alone=False), number, *arguments) == result


def test_every_supervised_call_is_asked_about() -> None:
    program = syscalls.program(alone=False)
    for name, number in syscalls.SUPERVISED.items():
        assert run(program, number, 0, _O_CREAT, _O_CREAT) == ASK, name


def test_listening_is_asked_about_where_others_hear_of_it() -> None:
    assert run(PROGRAM, 50) == ALLOW


def test_other_architectures_have_no_calls() -> None:
    assert run(PROGRAM, 5, arch=0x40000003) == 38


def test_reads_are_asked_about_when_that_is_wanted() -> None:
    assert run(syscalls.program(reads=True), 257, 0, 0, 0) == ASK


def test_the_calls_that_are_asked_about_are_those_that_can_be_done() -> None:
    from policy_lang.walls.accesses import Accesses
    from policy_lang.walls.calls import Calls
    from policy_lang.walls.own_paths import OwnPaths

    assert Calls(Accesses(None, None, OwnPaths())).names == set(syscalls.SUPERVISED)  # type: ignore[arg-type]
