"""A workspace with things to protect, what lies around it, and how attempts are run there and judged from outside."""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import json
import os
import pty
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from tests.lanes import pick
from tests.walls.escapes import kit
from tests.walls.escapes.outside import Outside

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
"""The interpreter inside: a system folder is in every box."""
LOSSES = ("late-reads", "remote", "words")
"""What the policy of these tests says and no wall holds: files that appear later, what remotes do, and the words of commands."""
POLICY = os.path.join(os.path.dirname(sys.executable), "policy")
FS_GETFLAGS = 0x80086601
SEARCHED = (
    "/etc",
    "/usr/local/bin",
    "/usr/lib",
    "/var/tmp",
    "/tmp",
    "/dev/shm",
    "/run",
    "/root",
    "/home",
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/unified",
    "/sys/fs/cgroup/memory",
    "/sys/fs/cgroup/cpu",
)
"""Folders of the machine in which nothing may appear."""


def boxed(argv: list[str], stage: Stage) -> list[str]:
    """The words that run a program in the box: the one place that knows the launcher's command line."""
    options = ["--accept-loss", ",".join(loss for loss in LOSSES if loss != "late-reads" or not stage.supervised)]
    if stage.supervised:
        options.append("--supervise-reads")
    return [
        POLICY, "run", "--policy", stage.policy, "--agent", "tester", "--workspace", stage.ws, *options, "--", *argv,
    ]  # fmt: skip


@dataclass
class Outcome:
    """What came of one attempt."""

    name: str
    status: str = "not run"
    output: bytes = b""
    evidence: list[tuple[str, str]] = field(default_factory=list)
    granted: list[str] = field(default_factory=list)
    """What it did where the policy grants it."""


@dataclass(frozen=True)
class Entry:
    """What is remembered of a file."""

    mode: int
    owner: tuple[int, int]
    inode: int
    links: int
    content: bytes
    changed: int
    attributes: tuple[tuple[str, bytes], ...]
    flags: int


def entry_at(name: str, folder: int, path: str) -> Entry:
    within = None if folder < 0 else folder
    found = os.lstat(name, dir_fd=within)
    content, attributes, flags = b"", [], 0
    if stat.S_ISLNK(found.st_mode):
        content = os.fsencode(os.readlink(name, dir_fd=within))
    elif stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
        with contextlib.suppress(OSError):
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NOATIME, dir_fd=within)
            try:
                if stat.S_ISREG(found.st_mode):
                    content = os.read(fd, 1 << 24)
                flags = int.from_bytes(fcntl.ioctl(fd, FS_GETFLAGS, bytes(8))[:4], "little") & 0x800FF
                attributes = [(n, os.getxattr(fd, n)) for n in sorted(os.listxattr(fd))]
            finally:
                os.close(fd)
    regular = stat.S_ISREG(found.st_mode)
    return Entry(
        found.st_mode, (found.st_uid, found.st_gid), found.st_ino, found.st_nlink if regular else 0, content,
        found.st_mtime_ns if regular else 0, tuple(attributes), flags,
    )  # fmt: skip


def snapshot(base: str) -> dict[str, Entry]:
    """Everything below a folder."""
    found = {}
    for folder, folders, files, fd in os.fwalk(base):
        for name in (*folders, *files):
            path = os.path.relpath(folder, base) + "/" + name
            with contextlib.suppress(FileNotFoundError):
                found[path.removeprefix("./")] = entry_at(name, fd, path)
    return found


def granted(path: str) -> bool:
    """Whether the policy lets the agent write there. Paths are relative to the stage's folder."""
    parts = unicodedata.normalize("NFC", path).split("/")
    if (
        parts[0] != "ws"
        or len(parts) < 2
        or "locked" in parts
        or parts[-1] == "schlüssel"
        or parts[-1].endswith(".pem")
    ):
        return False
    plain = {re.sub("[\u200c-\u200f]", "", part).partition(":")[0].rstrip(" .").lower() for part in parts}
    if plain & {".git", "git~1", ".claude"}:
        return False
    if parts[:3] in (["ws", "src", "rules"], ["ws", "src", "current"], ["ws", "build", "made"]):
        return False
    return parts[1] in {"src", "build", "made-later"} or (len(parts) == 2 and parts[1].endswith(".txt"))


def put(path: str, text: str, mode: int = 0o644) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_text(text)
    os.chmod(path, mode)


class Stage:
    """One set-up for a group of attempts; `box` says whether they run in the box or bare, `supervised` whether reads are decided too."""

    def __init__(self, attempts: list[kit.Attempt], *, box: bool, supervised: bool = False) -> None:
        self.attempts, self.box, self.supervised = attempts, box, supervised
        self.nonce = secrets.token_hex(5)
        self.base = tempfile.mkdtemp(prefix="escape-", dir="/var/tmp")
        os.chmod(self.base, 0o755)
        self.ws, self.home = f"{self.base}/ws", f"{self.base}/home"
        self.policy = f"{self.ws}/src/rules/agent.policy"
        if any(a.by_link for a in attempts):
            self.policy = f"{self.ws}/src/current/agent.policy"
        self.secrets: dict[str, str] = {}
        self._common()
        self.outside = Outside(self.ws, self.home, self.base, self.nonce, proxy=not box)
        self.secrets[self.outside.hidden] = self.secrets[self.outside.shared_secret] = ""
        self.strange: list[str] = []
        """What appeared on the machine, to be removed at the end."""
        self.victims: dict[str, subprocess.Popen[bytes]] = {}
        for one in attempts:
            self._for(one)
        self.guard = self._victim("guard")
        self._write_context()
        self.before = snapshot(self.base)
        self.victims_before = {n: self._state(v) for n, v in self.victims.items()}

    def secret(self, kind: str, name: str = "") -> str:
        """A text that nobody else knows; whose it is is remembered."""
        text = f"secret@{kind}@{name}@{secrets.token_hex(8)}"
        self.secrets[text] = name
        return text

    def _common(self) -> None:
        ws, home = self.ws, self.home
        put(f"{ws}/generated/keep.txt", "generated\n")
        put(f"{ws}/secret.pem", self.secret("pem"))
        put(f"{ws}/src/deep/secret.pem", self.secret("deep"))
        put(f"{ws}/.env", f"KEY={self.secret('env')}\n")
        put(f"{ws}/vault/{self.secret('name')}", "a name is a secret too\n")
        os.symlink(self.secret("target"), f"{ws}/vault/link")
        os.symlink("vault", f"{ws}/link-to-vault")
        put(f"{ws}/.git/config", "[core]\n\trepositoryformatversion = 0\n")
        for name in ("objects", "refs/heads"):
            os.makedirs(f"{ws}/.git/{name}")
        put(f"{ws}/.git/HEAD", "ref: refs/heads/main\n")
        put(f"{ws}/.git/hooks/sample", "#!/bin/sh\n", 0o755)
        put(f"{ws}/asked/old.txt", "asked\n")
        put(f"{ws}/package.json", "{}\n")
        put(f"{ws}/src/app.py", "print('app')\n")
        for name in ("agent", "shared"):
            put(f"{ws}/src/rules/{name}.policy", (HERE / f"{name}.policy").read_text())
        os.symlink("rules", f"{ws}/src/current")
        os.symlink("src/deep", f"{ws}/link-to-deep")
        os.symlink("deep/secret.pem", f"{ws}/src/alias.txt")
        for odd in (b"\xff\xfe", b"new\nline", b" --bind", b"a:b,c", b"\\", b"x" * 250, b"d/" * 30):
            folder = os.fsencode(f"{ws}/src/odd/") + odd
            os.makedirs(folder)
            put(os.fsdecode(folder + b"/secret.pem"), self.secret("odd"))
        put(os.fsdecode(os.fsencode(f"{ws}/src/odd/") + b"\xff.pem"), self.secret("odd"))
        put(f"{home}/.ssh/id_ed25519", self.secret("ssh"), 0o600)
        put(f"{home}/.bashrc", f"# {self.secret('bashrc')}\n")
        put(f"{home}/.netrc", f"password {self.secret('netrc')}\n", 0o600)
        put(f"{self.base}/package/policy_lang/__init__.py", "")
        for folder in ("outside", "host"):
            os.makedirs(f"{self.base}/{folder}")
        tools = f"{ws}/tools/tests/walls/escapes"
        os.makedirs(tools)
        for path in HERE.glob("*.py"):
            shutil.copy(path, tools)
        self.tmp, self.shm = f"/tmp/escape-{self.nonce}", f"/dev/shm/escape-{self.nonce}"
        for folder in (self.tmp, self.shm):
            os.mkdir(folder)

    def _for(self, one: kit.Attempt) -> None:
        """An attempt's own things, so that none is in another's way."""
        name, ws = one.name, self.ws
        own = f"{ws}/src/{name}"
        put(f"{own}/plain.txt", f"plain {name}\n")
        put(f"{own}/secret.pem", self.secret("pem", name) + "\n", 0o666)
        put(f"{own}/locked/inner.txt", self.secret("locked", name) + "\n")
        put(f"{ws}/generated/{name}.txt", f"generated {name}\n")
        put(f"{ws}/build/made/{name}.txt", f"made {name}\n")
        put(f"{ws}/asked/{name}.txt", f"asked {name}\n")
        os.mkdir(f"{ws}/generated/{name}.d")
        for kind, path in (
            ("vault", f"{ws}/vault/{name}.txt"), ("outside", f"{self.base}/outside/{name}.txt"), ("home", f"{self.home}/notes/{name}.txt"),
            ("tmp", f"{self.tmp}/{name}.txt"), ("shm", f"{self.shm}/{name}.txt"),
        ):  # fmt: skip
            put(path, self.secret(kind, name) + "\n")
        with contextlib.suppress(OSError):
            os.setxattr(f"{ws}/vault/{name}.txt", "user.note", self.secret("xattr", name).encode())
        if one.twins:
            for kind, path in (("vault", f"{ws}/vault/{name}.twin"), ("pem", f"{ws}/src/deep/{name}.pem")):
                put(path, self.secret(kind, name) + "\n")
                os.link(path, f"{own}/{kind}-twin.txt")
            for path in (f"{ws}/generated/{name}.twin", f"{self.base}/outside/{name}.twin"):
                put(path, "kept\n")
                os.link(path, f"{own}/{path.split('/')[-2]}-twin.txt")
        if one.victim:
            self.victims[name] = self._victim(name)

    def _victim(self, name: str) -> subprocess.Popen[bytes]:
        """A process outside: a copy of `sleep` with secrets in its program, memory, folder and descriptors."""
        program = f"{self.base}/host/sleep-{name}"
        data = Path("/usr/bin/sleep").read_bytes() + self.secret("program", name).encode()
        Path(program).write_bytes(data)
        os.chmod(program, 0o755)
        fd = os.open(f"{self.base}/outside/{name}.txt", os.O_RDWR | os.O_CREAT)
        started = subprocess.Popen(
            [program, "600"], env={"VICTIM": self.secret("victim", name)}, cwd=f"{self.base}/outside", stdin=fd, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(fd)
        return started

    def _state(self, victim: subprocess.Popen[bytes]) -> dict[str, str]:
        """What of a process can be seen to change, from outside."""
        if victim.poll() is not None:
            return {"alive": f"ended with {victim.returncode}"}
        found = {"alive": "yes"}
        for name in ("environ", "cmdline", "oom_score_adj", "coredump_filter", "limits", "cgroup"):
            with contextlib.suppress(OSError):
                found[name] = Path(f"/proc/{victim.pid}/{name}").read_text(errors="replace")
        words = Path(f"/proc/{victim.pid}/stat").read_text().rpartition(")")[2].split()
        found |= {"stopped": str(words[0] in "Tt"), "nice": words[16], "group": words[2], "session": words[3]}
        found["processors"] = str(sorted(os.sched_getaffinity(victim.pid)))
        found["policy"] = str(os.sched_getscheduler(victim.pid))
        return found

    def _write_context(self) -> None:
        known = {
            "ws": self.ws, "home": self.home, "base": self.base, "nonce": self.nonce, "pidns": os.readlink("/proc/self/ns/pid"),
            "victims": {name: v.pid for name, v in self.victims.items()}, "guards": [self.guard.pid], "policy": self.policy,
            "race_seconds": pick(1, 3, 20), "host_tmp": self.tmp, "host_shm": self.shm, "python": PYTHON, "run": f"{self.base}/run",
            "package": str(ROOT / "policy_lang") if self.box else f"{self.base}/package/policy_lang", **self.outside.known,
        }  # fmt: skip
        self.context = f"{self.ws}/tools/context.json"
        master, slave = pty.openpty()
        self.other = (master, slave)
        known["terminal"] = os.ttyname(slave)
        put(self.context, json.dumps(known))

    def environment(self) -> dict[str, str]:
        """The caller's variables, with what an agent is not to see."""
        run = f"{self.base}/run"
        found = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.home, "LANG": "C.UTF-8", "TERM": "xterm", "AWS_SECRET_ACCESS_KEY": self.secret("caller"),
            "GITHUB_TOKEN": self.secret("caller"), "SSH_AUTH_SOCK": f"{self.home}/agent.sock", "XDG_RUNTIME_DIR": run,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={run}/bus", "DOCKER_HOST": f"unix://{run}/docker.sock", "WAYLAND_DISPLAY": "wayland-0",
            "GPG_AGENT_INFO": f"{run}/gnupg/S.gpg-agent:1:1",
        }  # fmt: skip
        if not self.box:
            proxy = f"http://127.0.0.1:{self.outside.known['proxy']}"
            found |= {"http_proxy": proxy, "https_proxy": proxy, "HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
        return found

    def run(self, seconds: float) -> list[Outcome]:
        """Runs the attempts in one go, lets what was planted work, and judges."""
        theme = self.attempts[0].theme
        script = f"{self.ws}/tools/tests/walls/escapes/driver.py"
        argv = [PYTHON, "-IB", script, self.context, theme, *(a.name for a in self.attempts)]
        if self.box:
            argv = boxed(argv, self)
        environment = self.environment()
        self.outcomes = {a.name: Outcome(a.name) for a in self.attempts}
        with contextlib.ExitStack() as closing:
            master = -1
            if theme == "terminals":
                master, slave = pty.openpty()
                closing.callback(os.close, master)
                closing.callback(os.close, slave)
                argv = [PYTHON, "-IB", str(HERE / "holder.py"), os.ttyname(slave), f"{self.base}/typed", *argv]
            self.over = threading.Event()
            helper = threading.Thread(target=self._oblige, daemon=True)
            helper.start()
            handed = self._handed(closing) if theme == "descriptors" else ()
            started = subprocess.Popen(
                argv, env=environment, cwd=self.ws, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=handed, start_new_session=True,
            )  # fmt: skip
            try:
                out, err = started.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(OSError):
                    os.killpg(started.pid, 9)
                out, err = started.communicate()
                err += b"\nthe group ran out of time"
        self.over.set()
        helper.join()
        self.status, self.stderr = started.returncode, err
        self._take(out)
        if names := [a.name for a in self.attempts if a.again]:
            words = [PYTHON, "-IB", script, f"{self.context}.again", theme, *names]
            words = boxed(words, self) if self.box else words
            done = subprocess.run(
                words, env=environment, cwd=self.ws, check=False, capture_output=True, timeout=seconds
            )
            self._take(done.stdout)
        self._leftovers()
        for one in self.attempts:
            if one.start:
                self._start_again(one, environment)
        time.sleep(0.1)
        return self._judge()

    def _take(self, lines: bytes) -> None:
        """What the driver says of each attempt."""
        for line in lines.splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                found = json.loads(line)
                outcome = self.outcomes[found["name"]]
                outcome.status = found["status"]
                outcome.output += base64.b64decode(found["out"])

    def _oblige(self) -> None:
        """Somebody outside who does what editors and version control do, when an attempt waits for it."""
        while not self.over.wait(0.05):
            for one in self.attempts:
                own = f"{self.ws}/src/{one.name}"
                if not os.path.exists(f"{own}/please") or os.path.exists(f"{own}/done"):
                    continue
                what = Path(f"{own}/please").read_text().split()[0]
                if what == "vault":
                    os.rename(f"{self.ws}/vault", f"{self.base}/host/vault")
                    shutil.copytree(
                        f"{self.base}/host/vault",
                        f"{self.ws}/vault",
                        symlinks=True,
                        ignore=shutil.ignore_patterns("*.sock"),
                    )
                elif what == "follow":  # as version control writes its messages and logs
                    with contextlib.suppress(OSError), open(f"{own}/note", "a") as note:
                        note.write(f"got@{one.name}@{self.nonce}\n")
                    put(f"{own}/done", "")
                    continue
                elif what == "listen":
                    self.outside.listen_late(f"{own}/late.sock")
                    put(f"{own}/done", "")
                    continue
                elif what == "policy":
                    self._replaced(self.policy, Path(self.policy).read_text())
                else:
                    self._replaced(f"{own}/secret.pem", self.secret("pem", one.name) + "\n")
                    self._replaced(f"{self.ws}/.env", self.secret("env", one.name) + "\n")
                self.before = snapshot(self.base)
                put(f"{own}/done", "")

    def _replaced(self, path: str, text: str) -> None:
        """Saves a file as an editor does: a new one, renamed over it."""
        put(f"{self.base}/host/new", text)
        os.replace(f"{self.base}/host/new", path)

    def _handed(self, closing: contextlib.ExitStack) -> tuple[int, ...]:
        """Descriptors that the launcher's caller left open."""
        handed = []
        for one in self.attempts:
            handed.append(os.open(f"{self.base}/outside/{one.name}.txt", os.O_RDWR | os.O_APPEND))
        handed.append(os.open(f"{self.base}/outside", os.O_RDONLY))
        import socket

        s = socket.create_connection(("127.0.0.1", int(self.outside.known["tcp"])))
        handed.append(s.detach())
        for fd in handed:
            closing.callback(os.close, fd)
        return tuple(handed)

    def _start_again(self, one: kit.Attempt, environment: dict[str, str]) -> None:
        """The next start, in an environment that leads to what the attempt planted."""
        name, _, value = one.start.partition("=")
        value = value.format(own=f"{self.ws}/src/{one.name}", path=environment["PATH"])
        careless = "import json, os, subprocess\ntry:\n    import policy_lang\nexcept ImportError:\n    pass\nsubprocess.run(['bwrap', '--version'])"
        argv = boxed(["/bin/true"], self) if self.box else [PYTHON, "-c", careless]
        subprocess.run(
            argv,
            env={**environment, name: value},
            cwd=f"{self.ws}/src/{one.name}",
            check=False,
            capture_output=True,
            timeout=60,
        )

    def _leftovers(self) -> None:
        """Processes that live on after the box ended; they carry their token in their words."""
        time.sleep(0.3 if self.attempts[0].theme == "processes" else 0)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                for name in self._tokens(words):
                    self._found(name, kit.PROCESS, f"process {pid} lives on after the box")
                    os.kill(int(pid), 9)

    def _tokens(self, data: bytes) -> set[str]:
        return {m.decode() for m in re.findall(rb"got@(\w+)@" + self.nonce.encode(), data)}

    def _found(self, name: str, kind: str, what: str) -> None:
        outcome = self.outcomes.setdefault(name, Outcome(name))
        if (kind, what) not in outcome.evidence and len(outcome.evidence) < 40:
            outcome.evidence.append((kind, what))

    def _judge(self) -> list[Outcome]:
        self._judge_terminals()
        self._judge_disk()
        self._judge_elsewhere()
        for name, victim in self.victims.items():
            after = self._state(victim)
            for key in {**self.victims_before[name], **after}:
                was, now = self.victims_before[name].get(key), after.get(key)
                if was != now and now is not None and was is not None:
                    self._found(name, kit.PROCESS, f"{key} of the process outside: {was[:60]!r} became {now[:60]!r}")
        self.outside.end()
        for where, data in self.outside.received:
            for name in self._tokens(data):
                self._found(name, kit.NET, f"received by {where}")
        for outcome in list(self.outcomes.values()):
            for secret in self.secrets:
                if secret.encode() in outcome.output:
                    self._found(outcome.name, kit.OUTPUT, f"read {secret.rpartition('@')[0]}")
            if b"\nGOT THROUGH\n" in outcome.output:
                said = [line for line in outcome.output.decode(errors="replace").splitlines() if line]
                self._found(outcome.name, kit.WORD, "says so: " + " / ".join(said)[:300])
        return list(self.outcomes.values())

    def _judge_terminals(self) -> None:
        typed = Path(f"{self.base}/typed")
        if typed.exists():
            for name in self._tokens(typed.read_bytes()):
                self._found(name, kit.NET, "typed into the caller's terminal")
            typed.unlink()
        for fd, what in zip(self.other, ("shown on", "typed into"), strict=True):
            os.set_blocking(fd, False)
            with contextlib.suppress(OSError):
                for name in self._tokens(os.read(fd, 65536)):
                    self._found(name, kit.NET, f"{what} another terminal")

    def _judge_disk(self) -> None:
        after = snapshot(self.base)
        for path in sorted({*self.before, *after}):
            old, new = self.before.get(path), after.get(path)
            if granted(path) and new and old != new:
                for name in self._tokens(os.fsencode(path) + new.content):
                    self.outcomes[name].granted.append(path)
            if old == new or path == "typed" or (granted(path) and not (new and special(new))):
                continue
            what = f"{path} {difference(old, new)}"
            data = os.fsencode(path) + (new.content + repr(new.attributes).encode() if new else b"")
            owners = self._tokens(data) or {a.name for a in self.attempts if self._is_of(path, a.name)}
            if not owners and len(self.attempts) == 1:
                owners = {self.attempts[0].name}
            for name in owners or {""}:
                self._found(name, kit.DISK, what)

    @staticmethod
    def _is_of(path: str, name: str) -> bool:
        return any(part == name or part.startswith(f"{name}.") or part == f"sleep-{name}" for part in path.split("/"))

    def _judge_elsewhere(self) -> None:
        """The host's temporary folders, and names with a token anywhere that programs look."""
        for folder in (self.tmp, self.shm):
            for path, one in snapshot(folder).items():
                for name in self._tokens(os.fsencode(path) + one.content + repr(one.attributes).encode()):
                    self._found(name, kit.DISK, f"{folder}/{path}")
        site = [p for p in sys.path if p.endswith("site-packages")]
        for folder in (*SEARCHED, str(ROOT / "policy_lang"), *site):
            with contextlib.suppress(OSError):
                for entry in os.listdir(folder):
                    for name in self._tokens(os.fsencode(entry)):
                        self._found(name, kit.DISK, f"{folder}/{entry} appeared")
                        self.strange.append(f"{folder}/{entry}")

    def close(self) -> None:
        for victim in (*self.victims.values(), self.guard):
            with contextlib.suppress(OSError):
                victim.kill()
            victim.wait()
        self.outside.end()
        for path in self.strange:
            remove(path)
        for fd in self.other:
            os.close(fd)
        for folder in (self.tmp, self.shm, self.base):
            remove(folder)


def special(entry: Entry) -> bool:
    """Whether a file is dangerous wherever it stands."""
    return bool(
        (stat.S_ISREG(entry.mode) and entry.mode & (stat.S_ISUID | stat.S_ISGID))
        or stat.S_ISCHR(entry.mode)
        or stat.S_ISBLK(entry.mode)
        or any(name == "security.capability" for name, _ in entry.attributes)
    )


def difference(old: Entry | None, new: Entry | None) -> str:
    if old is None or new is None:
        return "appeared" if old is None else "is gone"
    names = [n for n in Entry.__dataclass_fields__ if getattr(old, n) != getattr(new, n)]
    return "changed: " + ", ".join(names)


def remove(path: str) -> None:
    """Removes what is there, flags and modes notwithstanding."""
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    if path.startswith("/sys/"):
        os.rmdir(path)
        return
    try:
        shutil.rmtree(path)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EACCES, errno.ENAMETOOLONG}:
            raise
        subprocess.run(["chattr", "-R", "-i", "-a", path], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", "--", path], check=True)


def groups() -> dict[str, list[kit.Attempt]]:
    """The attempts that run together: by theme, and those alone that disturb others."""
    found: dict[str, list[kit.Attempt]] = {}
    for one in kit.ATTEMPTS.values():
        found.setdefault(f"{one.theme}/{one.name}" if one.alone else one.theme, []).append(one)
    return found


def try_out(attempts: list[kit.Attempt], *, box: bool, supervised: bool = False) -> dict[str, Outcome]:
    """Runs attempts on a stage of their own; what nobody can be found for has the name ''."""
    stage = Stage(attempts, box=box, supervised=supervised)
    try:
        outcomes = {o.name: o for o in stage.run(60 + sum(a.seconds for a in attempts))}
    finally:
        stage.close()
    if stage.status != 0:
        why = stage.stderr.decode(errors="replace")[-2000:]
        for outcome in outcomes.values():
            if outcome.status == "not run":
                outcome.output += f"\nended with {stage.status}: {why}".encode()
    return outcomes
