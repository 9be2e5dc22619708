"""The decision log as commands open it: tried at once, signed, compared with what else remembers."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from importlib.util import find_spec

import click

from .common import fail_usage

_SYSLOG = "syslog"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..approvals.store import Store
    from ..audit.anchor import Anchor, Anchors
    from ..audit.log import DecisionLog
    from ..daemon.recorder import Recorder
    from ..domain.strict_json import Json


def opened_log(folder: str, key: str | None = None, flush: bool = True) -> DecisionLog:
    """The decision log, tried once: a folder that cannot be written is reported now. Leaves with 2 then."""
    from ..audit.log import DecisionLog, LogUnavailableError
    from ..audit.sign import SignError, signer

    try:
        records = DecisionLog(folder, flush, signer=None if key is None else signer(key))
        records.append(())
    except LogUnavailableError as error:
        if not error.passing:
            fail_usage(str(error))
        click.echo(f"warning: {error}; until there is room everything is denied", err=True)
    except SignError as error:
        fail_usage(str(error))
    return records


@dataclass(frozen=True, slots=True)
class ServiceLog:
    """A service's decision log.

    `unsigned` says why it is not signed; it is empty when it is, or is not meant to be. `new_key` is the public half of
    a key that was made now. `anchors` are the places outside it.
    """

    log: DecisionLog
    unsigned: str = ""
    new_key: str = ""
    anchors: Anchors | None = None
    behind: str = ""
    """Why the log is not what an anchor says it was."""
    anchor_lost: str = ""
    """Why an anchor is not what the log says it was."""

    def begin(self, recorder: Recorder) -> None:
        """Record there from now on."""
        recorder.records, recorder.unsigned = self.log, self.unsigned
        if self.new_key:
            recorder.record_event("log-key-made", public=self.new_key)
        if self.behind:
            recorder.record_lost("log-behind", f"records of the decision log were lost: {self.behind}")
        if self.anchor_lost:
            recorder.record_lost("anchor-lost", f"heads of the decision log were lost: {self.anchor_lost}")
        recorder.anchors = self.anchors
        recorder.anchor()

    def decisions(self) -> Iterator[Json]:
        """The newest decisions of the log, as far as they can be read."""
        from ..audit.read import LogReadError, newest

        with contextlib.suppress(LogReadError):
            yield from newest(self.log.folder, "decision")

    def compare(self, store: Store) -> None:
        """What the log counted of a store's changes: data and mark may both be older. Raises StoreUnavailableError."""
        from ..audit.log import END_MISSING, FILES_GONE, HEAD_GONE
        from ..audit.read import LogReadError, latest
        from ..daemon.recorder import COUNTED

        unsure = "the decision log cannot say whether it is as it was"
        lost = [c["why"] for c in self.log.cuts if c["why"] in {END_MISSING, FILES_GONE, HEAD_GONE}]
        lost += [self.behind] if self.behind else []
        if lost:
            store.compare(None, f"{unsure}: {lost[0]}")
            return
        try:
            found = latest(self.log.folder, COUNTED, lambda r: r.get("store") == store.name)
        except LogReadError as error:
            store.compare(None, f"{unsure}: {error}")
            return
        changes = None if found is None else found.get("changes")
        if isinstance(changes, int):
            store.compare(changes, "the decision log")
        else:
            store.compare(None, "the decision log has no count of its changes")


def recording(
    folder: str | None,
    state: str | None,
    key: str | None,
    unsigned: bool,
    flush: bool,
    anchors: tuple[str, ...] = (),
    program: str | None = None,
    required: bool = False,
) -> ServiceLog | None:
    """How a service records, by its options; `state` is its folder. Leaves with 2 for bad usage."""
    if folder is None:
        if key is not None or unsigned or not flush or anchors or program is not None:
            fail_usage("`--sign`, `--no-sign`, `--no-flush` and `--anchor` belong to `--log FOLDER`")
        return None
    if required and not anchors and program is None:
        fail_usage("`--anchor-required` belongs to `--anchor PLACE` or `--anchor-command PROGRAM`")
    if key is not None and unsigned:
        fail_usage("`--sign` and `--no-sign` exclude each other")
    from ..audit.anchor import Anchors

    places = _places(anchors, program)
    new = why = ""
    if key is None and not unsigned:
        key, new, why = _own_key(state)
    log = opened_log(folder, key, flush)
    older, lost = _compared(log, [p for p in anchors if p != _SYSLOG])
    return ServiceLog(log, why, new, Anchors(places, required) if places else None, older, lost)


def _compared(log: DecisionLog, anchors: list[str]) -> tuple[str, str]:
    """Why the log is older than its anchors, and why they are older than the log."""
    from ..audit.anchor import ANCHORED, behind
    from ..audit.read import LogReadError, latest

    head = log.head
    older, lost = [], []
    for path in map(os.path.abspath, anchors if head is not None else ()):
        try:
            found = latest(log.folder, ANCHORED, lambda r, path=path: r.get("anchor") == path)  # type: ignore[misc]
        except LogReadError:
            found = None
        seq = None if found is None else found.get("record")
        log_why, anchor_why = behind(head or {}, path, seq if isinstance(seq, int) else 0)
        older += [log_why] if log_why else []
        lost += [anchor_why] if anchor_why else []
    return "; ".join(older), "; ".join(lost)


def _places(anchors: tuple[str, ...], program: str | None) -> list[Anchor]:
    """The places of the options. Leaves with 2 for what is none."""
    from ..audit.anchor import FileAnchor, ProgramAnchor, SyslogAnchor

    for place in anchors:
        if "://" in place:
            fail_usage(
                f"`{place}` is not a file; to bring heads to an object store, name a program: `--anchor-command`"
            )
    if program is not None and not (os.path.isabs(program) and os.access(program, os.X_OK)):
        fail_usage(f"`--anchor-command {program}` is not the whole path of a program")
    places: list[Anchor] = [SyslogAnchor() if p == _SYSLOG else FileAnchor(p) for p in anchors]
    return places if program is None else [*places, ProgramAnchor(program)]


def _own_key(state: str | None) -> tuple[str | None, str, str]:
    """The key of a service's own, its public half when new, why there is none. Leaves with 2 for a wrong one."""
    from ..audit.sign import EXTRA, SignError, own_key
    from ..daemon.safe_place import UnsafePlaceError, check_folder
    from ..domain.faults import reason_of

    if state is None:
        return None, "", "there is no `--state FOLDER` for a key"
    if find_spec("cryptography") is None:
        return None, "", EXTRA
    try:
        check_folder(state)
        return *own_key(state), ""
    except (SignError, UnsafePlaceError) as error:
        fail_usage(str(error))
    except OSError as error:
        fail_usage(f"no key can be made in `{state}`: {reason_of(error)}; `--no-sign` does without")
