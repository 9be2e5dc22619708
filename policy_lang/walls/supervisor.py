"""The supervisor: it answers every call that the filter asks about, and fails closed.

One thread receives and answers; what waits for people or for another process is done by threads of its own. When it
ends, for whatever reason, the listener is closed, and every further call of these fails inside.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
from functools import partial
from queue import SimpleQueue

from ..domain.actions import ALLOW
from ..domain.faults import reason_of
from ..domain.limits import limit
from . import kernel
from .accesses import Accesses
from .calls import Calls
from .kernel import Listener
from .resolving import Resolver
from .syscalls import SUPERVISED
from .system_call import AccessDeniedError, AskedError, SlowError, SystemCall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .kernel import Notification
    from .own_paths import OwnPaths
    from .port import DecisionPort
    from .system_call import Approved

_NAMES = {number: name for name, number in SUPERVISED.items()}
_MOST_WAITING = limit("walls_waiting")


class Supervisor(threading.Thread):
    """Answers the calls of one box until none of its processes is left, or it is stopped."""

    def __init__(self, listener: Listener, calls: Calls, port: DecisionPort) -> None:
        super().__init__(name="supervisor", daemon=True)
        self._listener = listener
        self._calls = calls
        self._port = port
        self._beside_others = _Threads(_MOST_WAITING)
        self.ready = threading.Event()
        """Set when it answers, or has failed to begin."""
        self.fault = ""
        """Why it could not go on; empty when nothing was wrong."""
        self.answered = 0
        """How many calls were answered."""

    def run(self) -> None:
        """Receive and answer."""
        try:
            kernel.own_umask()
            waits = select.poll()
            waits.register(self._listener.descriptor, select.POLLIN)
            self.ready.set()
            while True:
                (_, event), *_ = waits.poll() or [(0, select.POLLHUP)]
                if not event & select.POLLIN:
                    return
                try:
                    notification = self._listener.receive()
                except OSError as error:
                    if error.errno in {errno.ENOENT, errno.EINTR, errno.EAGAIN}:
                        continue
                    return
                self.answered += 1
                try:
                    self._answer(notification, frozenset(), False)
                except Exception:  # noqa: BLE001 (a call that cannot even be refused must not end all supervision)
                    self._listener.answer(notification, error=errno.EPERM)
        except OSError as error:
            self.fault = reason_of(error)
        finally:
            os.close(self._listener.descriptor)
            self._calls.close()
            self.ready.set()

    def _answer(self, notification: Notification, approved: Approved, beside: bool) -> None:
        """Decide one call and end it; whatever goes wrong ends it with an error."""
        name = _NAMES.get(notification.number, "")
        try:
            valid = partial(self._listener.is_valid, notification)
            done = self._calls.do(
                name, SystemCall(notification.thread, notification.arguments, valid, approved, beside)
            )
            if done.goes_on:
                self._listener.go_on(notification)
            elif done.descriptor >= 0:
                try:
                    self._listener.hand_over(notification, done.descriptor, done.close_on_exec)
                finally:
                    os.close(done.descriptor)
            else:
                self._listener.answer(notification, done.value)
        except OSError as error:
            if self._port.observes and not isinstance(error, AccessDeniedError):  # the kernel says what is wrong
                self._listener.go_on(notification)
            else:
                self._listener.answer(notification, error=error.errno or errno.EPERM)
        except SlowError:
            self._beside(notification, approved, None)
        except AskedError as asked:
            self._beside(notification, approved, asked)
        except Exception:  # noqa: BLE001 (fail closed: whatever went wrong refuses)
            self._listener.answer(notification, error=errno.EPERM)

    def _beside(self, notification: Notification, approved: Approved, asked: AskedError | None) -> None:
        """Do a call in a thread of its own. Too many that wait are refused."""

        def work() -> None:
            try:
                if asked is None:
                    self._answer(notification, approved, True)
                elif self._port.settled(asked.ruling).effect == ALLOW:
                    self._answer(notification, approved | {asked.key}, True)
                else:
                    self._listener.answer(notification, error=errno.EACCES)
            except BaseException:
                self._listener.answer(notification, error=errno.EPERM)
                raise

        if not self._beside_others.run(work):
            self._listener.answer(notification, error=errno.EAGAIN if asked is None else errno.EACCES)


def supervised(listener: int, root: int, port: DecisionPort, own_paths: OwnPaths) -> Supervisor:
    """A supervisor for what a filter's listener tells, which is its own from now on, in a box with that root."""
    return Supervisor(Listener(listener), Calls(Accesses(Resolver(root), port, own_paths)), port)


class _Threads:
    """Threads for work that may wait, at most so many at once, kept for further work: to start one takes 0.2 ms."""

    def __init__(self, most: int) -> None:
        self._room = threading.Semaphore(most)
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = threading.Semaphore(0)

    def run(self, work: Callable[[], None]) -> bool:
        """Have work done, or say that there is no room, or no thread to be had."""
        if not self._room.acquire(blocking=False):
            return False
        if not self._idle.acquire(blocking=False):
            try:
                threading.Thread(target=self._run, name="waiting call", daemon=True).start()
            except (RuntimeError, MemoryError):  # the machine has no thread left: who is inside can bring that about
                self._room.release()
                return False
        self._work.put(work)
        return True

    def _run(self) -> None:
        kernel.own_umask()
        while True:
            work = self._work.get()
            try:
                with contextlib.suppress(Exception):  # it has refused the call; the thread stays for further work
                    work()
            finally:
                self._room.release()
                self._idle.release()
