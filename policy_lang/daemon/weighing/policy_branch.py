"""Rules that people accepted as a change to the policy's file: a branch, made by git's plumbing.

Neither the working tree nor the repository's index is touched, no hook or program of its configuration runs, and
nothing is merged.
"""

from __future__ import annotations

import os
import subprocess
import tempfile

from ...domain.errors import RequestError
from ...domain.limits import limit

_SECONDS = limit("git_seconds")
_NONE = "0" * 40


class PolicyBranch:
    """A branch to be made in a repository, by a person whose name and address git is given."""

    def __init__(self, repository: str, name: str, address: str) -> None:
        self.repository = repository
        self._who = (name, address)

    def write(self, path: str, before: str, after: str, branch: str, message: str) -> str:
        """Make the branch: one commit on `HEAD`, in which the file has the text `after`; its id.

        Raises RequestError (PLR251) when `HEAD` has another text than `before` there, or git does not do it.
        """
        inside = os.path.relpath(os.path.realpath(path), os.path.realpath(self.repository))
        if inside.startswith("..") or inside == ".":
            raise _not(f"the policy's file is not below `{self.repository}`")
        head = self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
        entry = self._git("ls-tree", "-z", "--full-tree", head, "--", inside).decode("utf-8", "replace")
        mode, _, rest = entry.partition(" ")
        if not mode.startswith("100") or "\0" not in rest:
            raise _not(f"`HEAD` has no file `{inside}`")
        if self._git("cat-file", "blob", rest.split("\t")[0].partition(" ")[2]) != before.encode():
            raise _not(f"`{inside}` in `HEAD` is not what is in force; commit the policy first")
        blob = self._git("hash-object", "-w", "--no-filters", "--stdin", data=after.encode()).decode().strip()
        with tempfile.TemporaryDirectory(prefix="policy-branch-") as folder:
            index = os.path.join(folder, "index")
            self._git("read-tree", head, index=index)
            self._git("update-index", "--cacheinfo", f"{mode},{blob},{inside}", index=index)
            tree = self._git("write-tree", index=index).decode().strip()
        commit = self._git("commit-tree", tree, "-p", head, data=message.encode()).decode().strip()
        self._git("update-ref", "--no-deref", f"refs/heads/{branch}", commit, _NONE)
        return commit

    def _git(self, *words: str, data: bytes = b"", index: str = "") -> bytes:
        """What git says. Its configuration is the repository's alone, without what would run a program."""
        name, address = self._who
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0",
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": address, "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": address, **({"GIT_INDEX_FILE": index} if index else {}),
        }  # fmt: skip
        command = [
            "git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false",
            "-c", "core.splitIndex=false", "-c", "gc.auto=0", "-C", self.repository, *words,
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603 (a fixed program, words and no shell)
                command, input=data, capture_output=True, check=False, timeout=_SECONDS, env=environment
            )
        except (OSError, subprocess.TimeoutExpired):
            raise _not("git cannot be run, or took too long") from None
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0][:200]
            raise _not(f"`git {words[0]}` failed: {said or 'without a word'}")
        return done.stdout


def _not(why: str) -> RequestError:
    return RequestError("PLR251", why)
