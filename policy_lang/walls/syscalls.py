"""The filter of system calls, as a program for the kernel: what is refused, and what the supervisor is asked about.

Classic BPF over `struct seccomp_data` (seccomp(2)): the number at offset 0, the architecture at 4, six arguments of
64 bits from 16 on. Numbers are those of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Instruction = tuple[int, int, int, int]
    """Code, jump when true, jump when false, operand: `struct sock_filter`."""

ARCH_X86_64 = 0xC000003E
_X32 = 0x40000000
"""The bit that marks calls of the x32 interface, which other numbers of the same filter would miss."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW = 0x7FFF0000
NOTIFY = 0x7FC00000
_ERRNO = 0x00050000
EPERM, EBUSY, EINVAL, ENOTTY, ENOSYS, EAFNOSUPPORT, EOPNOTSUPP = 1, 16, 22, 25, 38, 97, 95

OPEN_CHANGES = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and the bit of O_TMPFILE: opens that may change something."""
_NEW_NAMESPACES = 0x20000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (clone(2))."""
_NEW_TIME = 0x80

SUPERVISED: dict[str, int] = {
    "open": 2, "creat": 85, "openat": 257,
    "rename": 82, "renameat": 264, "renameat2": 316,
    "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266,
    "unlink": 87, "unlinkat": 263, "rmdir": 84,
    "mkdir": 83, "mkdirat": 258, "mknod": 133, "mknodat": 259,
    "truncate": 76,
    "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452,
    "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260,
    "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280,
    "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
    "umask": 95,
    "connect": 42, "bind": 49, "listen": 50,
    "execve": 59, "execveat": 322,
}  # fmt: skip
"""What the supervisor is asked about: what makes or changes names, files and their metadata, reaches a socket by its
name, or starts a program. Opens are asked about when they may change something, and `listen` where the network is not
the walls' own: it gives a socket without an address one that others reach (ip(7))."""

_OPENS = {SUPERVISED["openat"]: 2, SUPERVISED["open"]: 1}
"""Opens, and which argument has their flags."""
_OPENAT2, _IO_URING = 437, (425, 426, 427)
_REFUSED: dict[int, tuple[int, ...]] = {
    EPERM: (
        101, 310, 311, 312, 438, 440,  # ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd, process_madvise
        165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442,  # mount calls, old and new; chroot
        308,  # setns
        321, 298, 323, 300,  # bpf, perf_event_open, userfaultfd, fanotify_init
        248, 249, 250,  # add_key, request_key, keyctl
        246, 320, 175, 313, 176,  # kexec_load, kexec_file_load, init_module, finit_module, delete_module
        154, 172, 173, 153, 163, 167, 168, 169, 103,  # modify_ldt, iopl, ioperm, vhangup, acct, swap, reboot, syslog
        179, 443, 227, 305, 164, 170, 171,  # quotactl, clocks, names of the host
        303, 304,  # name_to_handle_at, open_by_handle_at
    ),
    ENOSYS: (
        _OPENAT2,  # its flags lie in memory that may change; programs fall back to openat
        435,  # clone3: likewise, to clone
        *_IO_URING,  # it goes around filters
        134,  # uselib
    ),
}  # fmt: skip
_NEWEST = 456
"""The newest call that this filter was written for, futex_requeue; what came later does not exist, but for mseal."""
_MSEAL = 462

_OF_OTHERS = (
    29, 30, 31, 64, 65, 66, 220, 68, 69, 70, 71,  # shmget, shmat, shmctl, semaphores, messages of System V
    240, 241,  # mq_open, mq_unlink
)  # fmt: skip
"""Without an IPC namespace they reach what other programs share (ipc_namespaces(7))."""

_CLONE, _UNSHARE, _IOCTL, _SOCKET, _SOCKETPAIR, _PERSONALITY = 56, 272, 16, 41, 53, 135
_SECCOMP = 317
_ABOUT_ITSELF = ((302, 0), (141, 1), (142, 0), (144, 0), (314, 0), (251, 1))
"""prlimit64, setpriority, sched_setparam, sched_setscheduler, sched_setattr, ioprio_set, and which argument says whose:
0 is the caller."""
_FCNTL, _SETLEASE = 72, 1024
"""F_SETLEASE (fcntl(2)): whoever opens the file then waits for 45 seconds, the supervisor as well as any editor."""
_NEW_LISTENER = 8
"""SECCOMP_FILTER_FLAG_NEW_LISTENER (seccomp(2)). While the supervisor listens the kernel refuses a second listener;
when it has ended, one inside could let calls through that nobody decides any more."""
_FAST_OPEN = 0x20000000
_SENDS = ((44, 3), (46, 2), (307, 3))
"""MSG_FASTOPEN (tcp(7)), and where sendto, sendmsg and sendmmsg have their flags: it connects without connect."""

_REFUSED_IOCTLS = (
    0x5412,  # TIOCSTI types into the terminal (ioctl_tty(2))
    0x541C,  # TIOCLINUX pastes into it
    0x40086602, 0x40046602,  # FS_IOC_SETFLAGS, and for 32 bits (ioctl_iflags(2))
    0x401C5820,  # FS_IOC_FSSETXATTR
    0x40806685,  # FS_IOC_ENABLE_VERITY
    0x800C6613, 0xC0506617,  # FS_IOC_SET_ENCRYPTION_POLICY, FS_IOC_ADD_ENCRYPTION_KEY
)  # fmt: skip
_OF_FILE_SYSTEMS: dict[int, tuple[int, ...]] = {
    0x94: (0x40049409, 0x4020940D, 0xC0189436),  # FICLONE, FICLONERANGE, FIDEDUPERANGE
    0x66: (0x80086601, 0x80046601, 0xC020660B),  # FS_IOC_GETFLAGS, FS_IOC_FIEMAP
    0x76: (0x80087601, 0x80047601),  # FS_IOC_GETVERSION
    0x58: (0x801C581F,),  # FS_IOC_FSGETXATTR
    0x72: (), 0xF5: (), 0xBC: (),
}  # fmt: skip
"""Requests of file systems by their type (btrfs, ext4, versions, XFS, FAT, F2FS, bcachefs), and those of them that
change nothing, or only what a descriptor for writing is open on. Others make, remove and copy whole trees, or change
attributes, by a descriptor for reading: a snapshot of a workspace has every hidden file under another name."""
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _SEQPACKET = 1, 5
_TYPE = 0xF
_TCP = 6


class Program:
    """Instructions of a filter, in order. A block jumps over itself when it is about another call."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []

    def add(self, *instructions: Instruction) -> None:
        """Append instructions as they are."""
        self.instructions += instructions

    def when(self, number: int, block: Iterable[Instruction]) -> None:
        """Run a block, which ends by returning, for one call. The call's number is loaded before and after."""
        body = list(block)
        self.add((_EQUAL, 0, len(body), number), *body)

    def bytes(self) -> bytes:
        """The program as the kernel takes it: `struct sock_filter`s."""
        return b"".join(struct.pack("=HBBI", *one) for one in self.instructions)


def _returned(value: int) -> Instruction:
    return (_RETURN, 0, 0, value)


def _errno(number: int) -> Instruction:
    return _returned(_ERRNO | number)


def _argument(number: int, high: bool = False) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * number + (4 if high else 0))


def _if_any(argument: int, bits: int, then: Instruction, otherwise: Instruction) -> list[Instruction]:
    return [_argument(argument), (_ANY_BIT, 0, 1, bits), then, otherwise]


def _one_of(values: Iterable[int], then: Instruction) -> list[Instruction]:
    return [line for value in values for line in ((_EQUAL, 0, 1, value), then)]


def _requests() -> list[Instruction]:
    """Requests to descriptors: refused are single ones, and those of file systems but for harmless ones."""
    lines = [_argument(1), *_one_of(_REFUSED_IOCTLS, _errno(EPERM))]
    for allowed in _OF_FILE_SYSTEMS.values():
        lines += _one_of(allowed, _returned(ALLOW))
    lines.append((_AND, 0, 0, 0xFF00))
    for kind in _OF_FILE_SYSTEMS:
        lines += _one_of((kind << 8,), _errno(ENOTTY))
    return [*lines, _returned(ALLOW)]


def _sockets() -> list[Instruction]:
    """UNIX sockets that need a connection, TCP, and questions about interfaces; no datagrams, nothing raw."""
    connected = [
        _argument(1), (_AND, 0, 0, _TYPE),
        *_one_of((_STREAM, _SEQPACKET), _returned(ALLOW)), _errno(EPERM),
    ]  # fmt: skip
    tcp = [
        _argument(1), (_AND, 0, 0, _TYPE), (_EQUAL, 1, 0, _STREAM), _errno(EPERM),
        _argument(2), *_one_of((0, _TCP), _returned(ALLOW)), _errno(EPERM),
    ]  # fmt: skip
    route = [_argument(2), (_EQUAL, 0, 1, 0), _returned(ALLOW), _errno(EAFNOSUPPORT)]
    return [
        _argument(0),
        (_EQUAL, 0, len(connected), _UNIX), *connected,
        (_EQUAL, 1, 0, _INET), (_EQUAL, 0, len(tcp), _INET6), *tcp,
        (_EQUAL, 0, len(route), _NETLINK), *route,
        _errno(EAFNOSUPPORT),
    ]  # fmt: skip


def program(supervised: bool = True, reads: bool = False, refuses: bool = True, alone: bool = True) -> bytes:
    """The filter. With `supervised` the listener is notified; else those calls pass, for trying the others alone.

    With `reads` every open is asked about, not only those that may change something. Where the policy is only observed
    nothing is refused (`refuses`), but what a filter cannot see. Processes that are not `alone`, without namespaces,
    may not share memory and messages with others, nor set their limits and priorities.
    """
    asked = _returned(NOTIFY if supervised else ALLOW)
    made = Program()
    made.add((_LOAD, 0, 0, 4), (_EQUAL, 1, 0, ARCH_X86_64), _errno(ENOSYS), (_LOAD, 0, 0, 0))
    made.add((_AT_LEAST, 0, 1, _X32), _errno(ENOSYS))
    for number, flags in _OPENS.items():
        made.when(number, [asked] if reads else _if_any(flags, OPEN_CHANGES, asked, _returned(ALLOW)))
    if refuses:
        _look_at_arguments(made)
    for name, number in SUPERVISED.items():
        if number not in _OPENS and not (name == "listen" and alone):
            made.when(number, [asked])
    if not refuses:
        for number in (_OPENAT2, *_IO_URING):
            made.when(number, [_errno(ENOSYS)])
        made.add(_returned(ALLOW))
        return made.bytes()
    for error, numbers in _REFUSED.items():
        for number in numbers:
            made.when(number, [_errno(error)])
    if not alone:
        for number in _OF_OTHERS:
            made.when(number, [_errno(ENOSYS)])
        for number, whose in _ABOUT_ITSELF:
            made.when(number, [_argument(whose), (_EQUAL, 0, 1, 0), _returned(ALLOW), _errno(EPERM)])
    made.when(_MSEAL, [_returned(ALLOW)])
    made.add((_AT_LEAST, 0, 1, _NEWEST + 1), _errno(ENOSYS), _returned(ALLOW))
    return made.bytes()


def _look_at_arguments(made: Program) -> None:
    """Calls that pass by what they ask for, the most frequent first.

    These run through the program each time. What passes by its number alone the kernel remembers, and skips it; and
    what is refused or decided may take its time.
    """
    made.when(_IOCTL, _requests())
    made.when(_FCNTL, [_argument(1), (_EQUAL, 0, 1, _SETLEASE), _errno(EINVAL), _returned(ALLOW)])
    for number, flags in _SENDS:
        made.when(number, _if_any(flags, _FAST_OPEN, _errno(EOPNOTSUPP), _returned(ALLOW)))
    made.when(_CLONE, _if_any(0, _NEW_NAMESPACES, _errno(EPERM), _returned(ALLOW)))
    made.when(_SOCKET, _sockets())
    pair = [_argument(1), (_AND, 0, 0, _TYPE), *_one_of((_STREAM, _SEQPACKET), _returned(ALLOW)), _errno(EPERM)]
    made.when(_SOCKETPAIR, pair)
    made.when(_UNSHARE, _if_any(0, _NEW_NAMESPACES | _NEW_TIME, _errno(EPERM), _returned(ALLOW)))
    made.when(_SECCOMP, _if_any(1, _NEW_LISTENER, _errno(EBUSY), _returned(ALLOW)))
    made.when(_PERSONALITY, [_argument(0), *_one_of((0, 0xFFFFFFFF), _returned(ALLOW)), _errno(EPERM)])
