"""Writing the decision log: appended and flushed before an answer is given, by any number of writers.

A log is a folder with files `00000001.jsonl`, ..., of records that form one chain (`chain.py`); `lock`, which a writer
holds while it appends; and `head`, where the chain stood after the last append. `head` makes an append cheap, and shows
when the files have become shorter than they were. Nothing is trusted that can be checked: whoever finds something else
than `head` says reads the files, goes on behind the last whole record, and says in a record of its own what was lost.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from _thread import allocate_lock

from ..domain.digest import sha256
from ..domain.faults import InternalError, reason_of
from ..domain.limits import limit
from ..facts.owners import unsafe, unsafe_place
from .chain import FIRST, DamagedRecordError, followed, links, opened, sealed
from .event import moment
from .system import SYSTEM, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..domain.strict_json import Json

    Signer = Callable[[bytes], Json]

_LOCK, _HEAD = "lock", "head"
_HEAD_BYTES = 256
FILES_GONE = "the log's files are gone"
HEAD_GONE = "where the log ended is not known: `head` is gone or damaged"
END_MISSING = "records at the end are missing"
_WAIT = limit("log_wait_milliseconds") / 1000
_CUTS = 100  # kept of those that nobody was told of
_PAUSE = 0.0005
"""Seconds between two tries for the lock; another writer holds it for the time of one flush, some 0.2 ms."""
_BLOCK = 1 << 20
_DIGEST_AND_END = 67
"""Bytes of a record's own digest and `"}` with the end of the line."""


class LogUnavailableError(InternalError):
    """Nothing could be recorded; the text says why. `passing` says that waiting may help: the disk is full."""

    def __init__(self, why: str, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


class _ChainState:
    """Where the chain stands."""

    __slots__ = ("began", "hash", "log", "offset", "segment", "seq")

    def __init__(self, log: str, segment: int, seq: int, offset: int, digest: str, began: int) -> None:
        self.log = log
        self.segment = segment
        self.seq = seq
        self.offset = offset
        self.hash = digest
        self.began = began

    def end(self) -> bytes:
        """How the last record ends: its digest and what closes the line."""
        return self.hash.encode("ascii") + b'"}\n'

    def line(self) -> bytes:
        """The text of `head`; its own digest tells whether it was written whole."""
        text = f"policy_lang log 1 {self.log} {self.segment} {self.seq} {self.offset} {self.hash} {self.began} "
        data = text.encode("ascii")
        return (data + sha256(data).hexdigest()[:16].encode("ascii")).ljust(_HEAD_BYTES - 1) + b"\n"


def read_head(data: bytes) -> _ChainState | None:
    """Where the chain stands by the text of `head`; None when it says nothing."""
    text, _, check = data.rstrip().rpartition(b" ")
    words = text.decode("ascii", "replace").split(" ")
    if len(words) != 9 or sha256(text + b" ").hexdigest()[:16].encode("ascii") != check:
        return None
    return _ChainState(words[3], int(words[4]), int(words[5]), int(words[6]), words[7], int(words[8]))


def segment_name(number: int) -> str:
    """The name of one of the log's files."""
    return f"{number:08d}.jsonl"


def segment_numbers(names: Sequence[str]) -> list[int]:
    """The numbers of the log's files among the names of a folder, compressed ones too."""
    stems = {n.removesuffix(".gz").removesuffix(".jsonl") for n in names if n.endswith((".jsonl", ".jsonl.gz"))}
    return sorted(int(s) for s in stems if len(s) == 8 and s.isdigit())


class DecisionLog:
    """Appends records to the log in `folder`, which is made when it is not there.

    `flush` waits for the disk before an allow is answered; without it a record survives the end of the process, but
    not of the machine. `signer` makes checkpoints. Safe between threads and processes. Nothing is opened before the
    first append, and whatever fails is tried anew at the next.
    """

    def __init__(
        self,
        folder: str,
        flush: bool = True,
        most_bytes: int = limit("log_segment_bytes"),
        most_seconds: int = limit("log_segment_seconds"),
        signer: Signer | None = None,
        system: System = SYSTEM,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = os.path.abspath(folder)
        self._flush = flush
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._signer = signer
        self._system = system
        self._clock = clock
        self._host = os.uname().nodename[:64]
        self._handles: dict[str, int] = {}
        self._last = 0.0
        self.checkpoints = 0
        self._begin()

    def _begin(self) -> None:
        """What a process has for itself."""
        self.close()
        self._pid = os.getpid()
        self._state: _ChainState | None = None
        self._mutex = allocate_lock()
        self._refused = 0
        self._unsigned = 0
        self.cuts: list[Json] = []

    def refuse(self, count: int) -> None:
        """So many decisions are denied because of the log, and not recorded; the next record says so."""
        self._refused += count

    def append(self, events: Sequence[Json], durable: bool = True) -> None:
        """Add records, all or none. With `durable` they are on the disk when this returns.

        Raises LogUnavailableError: then nothing that they say may be answered but a denial.
        """
        if os.getpid() != self._pid:
            self._begin()  # a lock on a file that a fork shares would keep nobody out
        if not self._mutex.acquire(timeout=_WAIT):
            raise LogUnavailableError("another thread has held the log for too long")
        try:
            self._locked(events, durable)
            self._refused = 0
        except OSError as error:
            self._fail(len(events))
            why = f"{reason_of(error)} in `{self.folder}`"
            raise LogUnavailableError(why, error.errno in {errno.ENOSPC, errno.EDQUOT}) from None
        except (LogUnavailableError, ValueError, TypeError, OverflowError, RecursionError) as error:
            self._fail(len(events))
            raise LogUnavailableError(str(error)) from None
        finally:
            self._mutex.release()

    @property
    def head(self) -> Json | None:
        """Where the chain stood after this writer's last append: worth noting elsewhere. None when nothing is known."""
        state = self._state
        if state is None or not state.seq:
            return None
        return {"log": state.log, "seq": state.seq, "hash": state.hash, "time": moment(self._clock())}

    def checkpoint(self) -> None:
        """Sign where the chain stands, if there is a key and something new. Raises LogUnavailableError."""
        if self._signer is not None and self._unsigned:
            self._unsigned = limit("log_unsigned")
            self.append(())

    def close(self) -> None:
        """Let go of the files."""
        for handle in self._handles.values():
            try:
                self._system.close(handle)
            except OSError:
                continue
        self._handles = {}

    def __del__(self) -> None:
        """A log that nobody has any more keeps no descriptors."""
        if hasattr(self, "_handles"):
            self.close()

    # one append

    def _locked(self, events: Sequence[Json], durable: bool) -> None:
        lock = self._lock(time.monotonic() + _WAIT)
        try:
            state, found = self._current()
            self._write(state, [*found, *events], durable)
            self.cuts = [*self.cuts, *(e for e in found if e["kind"] == "cut")][-_CUTS:] if found else self.cuts
        finally:
            self._system.unlock(lock)

    def _lock(self, until: float) -> int:
        """The lock, held; of the file that every other writer finds under its name, too."""
        while True:
            lock = self._opened(_LOCK, os.O_RDWR | os.O_CREAT)
            while not self._system.lock(lock):
                if time.monotonic() > until:
                    raise LogUnavailableError("another writer has held the log's lock for too long")
                time.sleep(_PAUSE)
            if self._is(_LOCK, lock):
                return lock
            self.close()  # the log was moved away, or removed
            if time.monotonic() > until:
                raise LogUnavailableError("the log's files do not stay where they are")

    def _is(self, name: str, handle: int, size: int | None = None) -> bool:
        """True when a name still leads to an open file, and that has the size."""
        try:
            device, number, length = self._system.where(f"{self.folder}/{name}")
        except FileNotFoundError:
            return False
        status = self._system.status(handle)
        return (device, number) == (status.st_dev, status.st_ino) and size in {None, length}

    def _fail(self, count: int) -> None:
        """Let go of everything: what is true is found anew at the next append."""
        self._refused += count
        self.close()

    def _current(self) -> tuple[_ChainState, list[Json]]:
        """Where the chain stands, and what is to be recorded about how that was found."""
        system = self._system
        data = system.pread(self._opened(_HEAD, os.O_RDWR | os.O_CREAT), _HEAD_BYTES, 0)
        state = self._state
        if state is None or data != state.line():
            state = read_head(data)
        found: list[Json] = []
        if state is None or not self._stands(state):
            state, found = self._recovered(state or self._state, bool(data))
        if self._refused:
            found.append({"kind": "gap", "denied": self._refused, "why": "they could not be recorded"})
        now = self._clock()
        if state.offset and (state.offset >= self._most_bytes or not 0 <= now - state.began < self._most_seconds):
            state = self._next(state, state.segment + 1)
        if state.offset == 0:
            found.insert(
                0,
                {"kind": "segment", "log": state.log, "segment": state.segment, "after": state.seq, "host": self._host},
            )
            state.began = int(now)
        self._state = state
        return state, found

    def _stands(self, state: _ChainState) -> bool:
        """True when the last file ends where `head` says, with the record that it says."""
        name = segment_name(state.segment)
        try:
            handle = self._opened(name, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return False
        if not self._is(name, handle, state.offset):
            return False
        return self._ends(handle, state) and not self._system.exists(f"{self.folder}/{segment_name(state.segment + 1)}")

    def _ends(self, handle: int, state: _ChainState) -> bool:
        """True when the record that `head` names stands where it says."""
        tail = self._system.pread(handle, _DIGEST_AND_END, state.offset - _DIGEST_AND_END) if state.offset else b""
        return tail == state.end()

    def _next(self, state: _ChainState, number: int) -> _ChainState:
        """The same chain, at the beginning of a new file."""
        handle = self._handles.pop(segment_name(state.segment), None)
        if handle is not None:
            self._system.close(handle)
        made = self._opened(segment_name(number), os.O_RDWR | os.O_APPEND | os.O_CREAT)
        if self._system.status(made).st_size:
            raise LogUnavailableError(f"`{segment_name(number)}` is there already")
        folder = self._system.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._system.flush(folder)  # its name must be as lasting as what is in it
        finally:
            self._system.close(folder)
        return _ChainState(state.log, number, state.seq, 0, state.hash, 0)

    def _write(self, state: _ChainState, events: Sequence[Json], durable: bool) -> None:
        now = self._clock()
        text = moment(now)
        lines: list[bytes] = []
        seq, digest = state.seq, state.hash
        for event in events:
            value = {**event, "flags": [*event.get("flags", ()), "clock-back"]} if now < self._last else event
            line, digest = sealed(value, seq + 1, text, digest)
            seq += 1
            lines.append(line)
        self._last = max(now, self._last) if now >= self._last - 3600 else now
        unsigned = self._unsigned + len(events)
        if self._signer is not None and unsigned >= limit("log_unsigned"):
            line, digest = sealed(self._signed(state.log, seq, digest, text), seq + 1, text, digest)
            seq, unsigned = seq + 1, 0
            self.checkpoints += 1
            lines.append(line)
        if not lines:
            return
        data = b"".join(lines)
        handle = self._opened(segment_name(state.segment), os.O_RDWR | os.O_APPEND)
        try:
            self._whole(handle, data)
            if durable and self._flush:
                self._system.flush(handle)
        except OSError:
            self._system.cut(handle, state.offset)  # what was not answered for must not stand there
            raise
        state.seq, state.hash, state.offset = seq, digest, state.offset + len(data)
        self._unsigned = unsigned
        self._system.pwrite(self._opened(_HEAD, os.O_RDWR | os.O_CREAT), state.line(), 0)

    def _whole(self, handle: int, data: bytes) -> None:
        while data:
            data = data[self._system.write(handle, data) :]

    def _signed(self, log: str, seq: int, digest: str, text: str) -> Json:
        assert self._signer is not None
        return {"kind": "checkpoint", "of": seq, **self._signer(checkpoint_text(log, seq, digest, text))}

    def _opened(self, name: str, flags: int) -> int:
        handle = self._handles.get(name)
        if handle is not None:
            return handle
        if not self._handles:
            self._check_folder()
        made = self._handles[name] = self._system.open(f"{self.folder}/{name}", flags, 0o600)
        status = self._system.status(made)
        fault = unsafe(status)
        if fault is None and not stat.S_ISREG(status.st_mode):
            fault = ("it is not a regular file", "remove it")
        if fault is not None:
            raise LogUnavailableError(f"`{self.folder}/{name}` is refused: {fault[0]}; {fault[1]}")
        return made

    def _check_folder(self) -> None:
        if not os.path.isdir(self.folder):
            os.makedirs(self.folder, 0o700, exist_ok=True)
        fault = unsafe_place(self.folder)
        if fault is not None:
            raise LogUnavailableError(f"`{self.folder}` is refused: {fault[0]}; {fault[1]}")

    # when something else is found

    def _recovered(self, head: _ChainState | None, known: bool) -> tuple[_ChainState, list[Json]]:
        """Where the chain stands by the files themselves, and the record of what is missing."""
        for name in [n for n in self._handles if n != _LOCK]:
            self._system.close(self._handles.pop(name))
        numbers = segment_numbers(self._system.names(self.folder))
        if not numbers:
            log = os.urandom(16).hex() if head is None else head.log
            made = _ChainState(log, 0, 0, 0, FIRST, 0) if head is None else head
            found: list[Json] = []
            if known or made.seq:
                found = [{"kind": "cut", "why": FILES_GONE, "records": made.seq}]
            return self._next(made, made.segment + 1), found
        start = head.segment if head is not None and head.segment in numbers else numbers[-1]
        scan = _Scan(self, start)
        if head is not None and head.segment == start:
            scan.begin_at(head)
        for number in [n for n in numbers if n >= start]:
            if number == start or scan.follows(number):
                scan.file(number)
        state = scan.state
        cuts = scan.cuts
        if head is None:
            cuts.append({"kind": "cut", "why": HEAD_GONE})
        elif state.seq < head.seq:
            cuts.append({"kind": "cut", "why": END_MISSING, "records": head.seq - state.seq})
            state.log = head.log
        if state.segment != numbers[-1] or scan.damaged:
            state = self._next(state, numbers[-1] + 1)
        return state, cuts

    def read(self, number: int) -> tuple[bytes, int]:
        """The bytes of one of the log's files, and its descriptor."""
        handle = self._opened(segment_name(number), os.O_RDWR | os.O_APPEND)
        size = self._system.status(handle).st_size
        if size > self._most_bytes + 4 * limit("log_record_bytes") + (64 << 20):
            raise LogUnavailableError(f"`{segment_name(number)}` is far longer than a file of the log")
        chunks: list[bytes] = []
        at = 0
        while at < size and (chunk := self._system.pread(handle, min(_BLOCK, size - at), at)):
            chunks.append(chunk)
            at += len(chunk)
        return b"".join(chunks), handle

    def shorten(self, handle: int, size: int) -> None:
        """Take a torn end off a file, for good."""
        self._system.cut(handle, size)
        self._system.flush(handle)


class _Scan:
    """Follows the chain through files, to the last whole record."""

    def __init__(self, log: DecisionLog, first: int) -> None:
        self.log = log
        self.state = _ChainState("", first, 0, 0, FIRST, 0)
        self.cuts: list[Json] = []
        self.damaged = False
        self._begun = False
        self._from = 0

    def begin_at(self, head: _ChainState) -> None:
        """Begin where `head` says, if the record that it names stands there."""
        data, _ = self.log.read(head.segment)
        if head.offset and data[head.offset - _DIGEST_AND_END : head.offset] == head.end():
            self.state = _ChainState(head.log, head.segment, head.seq, head.offset, head.hash, head.began)
            self._begun, self._from = True, head.offset

    def follows(self, number: int) -> bool:
        """True when a file goes on where the chain stands, or holds nothing yet."""
        data, _ = self.log.read(number)
        first = data.partition(b"\n")
        if not first[1]:
            return True
        try:
            seq, prev, _ = links(first[0])
        except DamagedRecordError:
            return False
        return (seq, prev) == (self.state.seq + 1, self.state.hash)

    def file(self, number: int) -> None:
        """Follow one file. A torn last line is cut off and reported; other damage stays as it is, and is reported."""
        data, handle = self.log.read(number)
        state = self.state
        at = self._from
        if not at:
            state.segment, state.offset, state.began = number, 0, 0
        self._from = 0
        while at < len(data):
            end = data.find(b"\n", at)
            line = data[at : end if end >= 0 else len(data)]
            try:
                number_and_digest = followed(line, end >= 0, state.seq if self._begun else None, state.hash)
            except DamagedRecordError as error:
                self._bad(data, at, end, handle, str(error))
                return
            if not self._begun or at == 0:
                self._first(line)
            self._begun = True
            state.seq, state.hash = number_and_digest
            at = state.offset = end + 1

    def _first(self, line: bytes) -> None:
        """The name of the log and the time, which the first record of a file tells."""
        try:
            value = opened(line)
        except DamagedRecordError:
            return
        if value["kind"] == "segment" and isinstance(value.get("log"), str):
            self.state.log = value["log"]
        self.state.began = int(self.log._clock())  # noqa: SLF001 (one module)

    def _bad(self, data: bytes, at: int, end: int, handle: int, why: str) -> None:
        rest = data[at:]
        self.cuts.append(
            {
                "kind": "cut",
                "why": f"a record is damaged: {why}",
                "segment": self.state.segment,
                "bytes": len(rest),
                "sha256": sha256(rest).hexdigest(),
            }
        )
        if end < 0 or end == len(data) - 1:  # the last line: a writer was stopped in the middle of it
            self.log.shorten(handle, at)
        else:
            self.damaged = True


def checkpoint_text(log: str, seq: int, digest: str, time: str) -> bytes:
    """What is signed: which log, how far, and its digest there."""
    return f"policy_lang log checkpoint 1\n{log}\n{seq}\n{digest}\n{time}\n".encode("ascii")
