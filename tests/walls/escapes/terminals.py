"""Attempts by way of the caller's terminal, and of devices."""

from __future__ import annotations

import fcntl
import os
import struct
import termios

from tests.walls.escapes.kit import NET, WORD, Context, add, attempt, c_call, call, goes_on, openable, put, word

TYPED = "something is typed into the caller's terminal"


def typed(fd: int, c: Context, request: int = 0x5412) -> None:
    for byte in c.data:
        call(16, fd, request, bytes([byte]))


@attempt(TYPED, NET)
def typed_into_input(c: Context) -> None:
    typed(0, c)


@attempt(TYPED, NET)
def typed_high_bits(c: Context) -> None:
    """The kernel reads 32 bits of the request."""
    typed(0, c, 1 << 40 | 0x5412)


@attempt(TYPED, NET)
def typed_into_controlling(c: Context) -> None:
    typed(os.open("/dev/tty", os.O_RDWR), c)


@attempt(TYPED, NET)
def typed_reading_descriptor(c: Context) -> None:
    typed(os.open("/dev/tty", os.O_RDONLY), c)


@attempt(TYPED, NET)
def typed_by_own_session(c: Context) -> None:
    """Leaves the session and takes the terminal as its own."""
    fd = os.open("/proc/self/fd/0", os.O_RDWR | os.O_NOCTTY)
    with goes_on():
        typed(fd, c)
        return
    if os.fork():
        os.wait()
        return
    os.setsid()
    fcntl.ioctl(fd, termios.TIOCSCTTY, 1)
    typed(fd, c)
    os._exit(0)


@attempt(TYPED, NET)
def typed_32_bit(c: Context) -> None:
    from tests.walls.escapes.kit import Low

    low = Low()
    for byte in c.data:
        low(54, 0, 0x5412, bytes([byte]))


@attempt("something is shown on another terminal", NET)
def shown_on_another(c: Context) -> None:
    put(c.terminal, c, os.O_WRONLY | os.O_NOCTTY)


@attempt("something is typed into another terminal", NET, root=True)
def typed_into_another(c: Context) -> None:
    typed(os.open(c.terminal, os.O_RDWR | os.O_NOCTTY), c)


@attempt("something is pasted into a console", NET, bare="there is no console with a screen")
def pasted_into_console(c: Context) -> None:
    for path in ("/dev/tty", "/dev/tty0", "/dev/tty1", "/dev/console"):
        with goes_on():
            fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
            fcntl.ioctl(fd, 0x541C, struct.pack("BHHHHH", 2, 0, 0, 10, 10, 0))
            fcntl.ioctl(fd, 0x541C, struct.pack("B", 3))
            word()


@attempt("the console's output is taken", NET, bare="would take the machine's console")
def console_taken(c: Context) -> None:
    call(16, 0, 0x541D, 0)
    word()


def device(name: str, path: str, flags: int = os.O_RDWR, **options: object) -> None:
    """An attempt that opens a device, and does nothing with it."""

    def run(c: Context) -> None:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
        word()

    add(name, run, f"`{path}` is opened", WORD, root=True, bare=openable(path, flags), **options)


device("device_memory", "/dev/mem", os.O_RDONLY)
device("device_kernel_log", "/dev/kmsg", os.O_WRONLY)
device("device_disk", "/dev/vda", os.O_RDONLY)
device("device_console", "/dev/console", os.O_WRONLY)
device("device_virtual_machine", "/dev/kvm")
device("device_of_fuse", "/dev/fuse")
device("device_tunnel", "/dev/net/tun")
device("device_loop", "/dev/loop-control")
device("device_mapper", "/dev/mapper/control")
device("device_input", "/dev/uinput", os.O_WRONLY)
device("device_ports", "/dev/port", os.O_RDONLY)
device("device_screen", "/dev/vcs1", os.O_RDONLY)
device("device_host_sockets", "/dev/vsock", os.O_RDONLY)


@attempt("a network device is made", WORD, root=True, bare=openable("/dev/net/tun", os.O_RDWR))
def tunnel(c: Context) -> None:
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"escape0", 0x0002))
    word()


@attempt("the terminals of the machine are seen", WORD)
def terminals_listed(c: Context) -> None:
    os.stat(c.terminal)
    c_call("access", c.terminal, 2)
    word()
