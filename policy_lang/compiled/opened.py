"""Opening a compiled policy: only one that this user or root alone can change, whole, of this version.

It stands by itself. When its sources change it stays as it is, the last that a person has put in force: who can
change a source, as an agent does with `git checkout`, cannot change what is decided. It is said that they differ.
"""

from __future__ import annotations

import os
import stat

from ..domain.digest import sha256
from ..domain.errors import Diagnostic, PolicyError
from ..domain.faults import reason_of
from ..domain.limits import limit
from ..facts.owners import unsafe, unsafe_place
from .codec import DamagedError
from .reader import Contents

SUFFIX = ".plc"
_AGAIN = "compile it again: `policy compile`"


def open_compiled(path: str, program: str) -> Contents:
    """The contents of a compiled policy. Raises PolicyError: PLE005 for what is refused."""
    return read_compiled(path, program)[1]


def read_compiled(path: str, program: str) -> tuple[bytes, Contents]:
    """A compiled policy's bytes, and its contents. Raises PolicyError as `open_compiled` does.

    `program` is the version of this program. The file is read into memory rather than mapped: what was checked is then
    what is used, and a file that is cut short meanwhile cannot kill the process.
    """
    data, status = _bytes(path)
    fault = unsafe(status) or unsafe_place(path)
    if fault is not None:
        raise _refused(path, *fault)
    try:
        contents = Contents(data)
    except DamagedError as error:
        raise _refused(path, str(error), _AGAIN) from None
    if contents.program != program:
        raise _refused(path, f"policy_lang {contents.program} compiled it, and this is {program}", _AGAIN)
    return data, contents


def stale_note(path: str, contents: Contents) -> str:
    """That the sources of a compiled policy have changed, and how to put that in force; empty when they have not."""
    changed = stale_source(contents.sources)
    if not changed:
        return ""
    from time import gmtime, strftime

    made = strftime("%Y-%m-%d %H:%M", gmtime(os.stat(path).st_mtime))
    source = contents.sources[0][0]
    if not os.path.exists(source):
        again = "bring it back, or `policy compile --no-sources` where it is not meant to be (PLE006)"
        return f"the policy in force is of {made} UTC, and nobody can tell whether it should be: {changed}; {again}"
    again = f"policy compile {source} -o {path}"
    return f"the policy in force is of {made} UTC: {changed}; `{again}` puts it in force (PLE006)"


def _refused(path: str, why: str, remediation: str) -> PolicyError:
    return PolicyError([Diagnostic("PLE005", f"the compiled policy `{path}` is refused: {why}", None, remediation)])


def _bytes(path: str) -> tuple[bytes, os.stat_result]:
    most = limit("compiled_bytes")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        remediation = "make it with `policy compile`"
        raise PolicyError([Diagnostic("PLE001", f"there is no file `{path}`", None, remediation)]) from None
    except (OSError, ValueError) as error:
        reason = reason_of(error, "the name is not a file name")
        raise PolicyError([Diagnostic("PLE001", f"`{path}` cannot be opened: {reason}")]) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(path, "it is not a regular file", "name a compiled policy")
        if status.st_size > most:
            raise _refused(path, f"it is longer than {most} bytes", "split the policy")
        chunks: list[bytes] = []
        left = status.st_size + 1
        while left > 0 and (chunk := os.read(handle, left)):
            chunks.append(chunk)
            left -= len(chunk)
    except OSError as error:
        reason = reason_of(error)
        raise PolicyError([Diagnostic("PLE001", f"`{path}` cannot be read: {reason}")]) from None
    finally:
        os.close(handle)
    return b"".join(chunks), status


def stale_source(sources: tuple[tuple[str, str], ...]) -> str:
    """What has changed since, or is gone; empty when nothing is, or when it names no sources."""
    for path, digest in sources:
        try:
            now = _digest(path)
        except FileNotFoundError:
            return f"its source `{path}` is gone"
        except OSError as error:
            return f"its source `{path}` cannot be read: {reason_of(error, 'it is not a regular file')}"
        if now != digest:
            return f"its source `{path}` has changed"
    return ""


def _digest(path: str) -> str:
    """Raises OSError. Sources may be in the agent's hands, who could put a pipe there, to be waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError
        return sha256(stream.read(limit("source_bytes") + 1)).hexdigest()
