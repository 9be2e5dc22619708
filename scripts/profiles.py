"""Compares profiles with the help of the programs that are installed: `python scripts/profiles.py [PROGRAM ...]`.

Each program is asked for `--help`, and nothing else, in an empty folder, without the network where that can be had, and
for a few seconds. What differs is printed: options that the profile does not know, and options that take a value in one
and not in the other. Help is written for people, so a line is where to look and no proof. Sub-commands are not asked.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy_lang.compiler.profiles import builtin, builtin_names
from policy_lang.shell.profile import Option, Profile

SECONDS = 5
MOST_TEXT = 400_000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WITHOUT_HELP = frozenset({
    "arch", "at", "batch", "busybox", "crontab", "dirs", "echo", "expr", "jobs",
    "kill", "printf", "reset", "service", "test", "toybox", "type", "ulimit", "wait",
    "yes",
})  # fmt: skip
"""Programs that take the word for something else, or hand it to another program."""

_OPTION = re.compile(r"-{1,2}(?:\[no-\])?[A-Za-z0-9?@#][\w.+-]*")
_PLACE = re.compile(
    r"\[=?[A-Za-z<][^\]\n]{0,40}\](?:\.\.\.)?|[ =]\[?<[^<>\n]{1,40}>\]?|=\S+| [A-Z][A-Z0-9_.:/#-]*(?![\w])"
    r"| [a-z][\w:=,./|-]*(?=  |$|,? +-)"
)


class HelpOption(NamedTuple):
    """An option as a help text shows it. `value` is `yes`, `no`, or `maybe` where it may be left out."""

    names: tuple[str, ...]
    value: str


def options_of(text: str) -> list[HelpOption]:
    """The options that the lines of a help text begin with."""
    return [found for line in text.splitlines() for found in _line(line)]


def _line(line: str) -> Iterator[HelpOption]:
    rest = line.strip()
    if not rest.startswith("-") or len(line) - len(line.lstrip()) > 30:
        return
    names: list[str] = []
    value = "no"
    while True:
        match = _OPTION.match(rest)
        if match is None:
            break
        name = match[0].rstrip(".,")
        names += [name.replace("[no-]", ""), name.replace("[no-]", "no-")] if "[no-]" in name else [name]
        rest = rest[len(name) :]
        place = _PLACE.match(rest)
        if place is not None:
            value = "maybe" if "[" in place[0][:2] else "yes"
            rest = rest[place.end() :]
        after = re.match(r"(?:, *| ?\| ?| or |/| +)(?=-)", rest)
        if after is None:
            break
        rest = rest[after.end() :]
    if names:
        yield HelpOption(tuple(names), value)


def differences(profile: Profile, options: list[HelpOption]) -> Iterator[str]:
    """What a help text says of options that a profile says otherwise, a line each."""
    seen: set[str] = set()
    for found in options:
        for name in found.names:
            if name in seen:
                continue
            seen.add(name)
            ours = _known(profile, name)
            if ours is None:
                yield f"{name}: not in the profile" + (", takes a value" if found.value == "yes" else "")
            elif found.value == "yes" and not ours.role:
                yield f"{name}: takes a value, and none in the profile"
            elif found.value == "no" and ours.role and not ours.attached_only and len(found.names) == 1:
                yield f"{name}: takes no value, and one in the profile"


def _known(profile: Profile, name: str) -> Option | None:
    for spelled in (name, name[1:] if name.startswith("--") else f"-{name}"):
        if spelled in profile.options and (spelled == name or profile.style.startswith("single")):
            return profile.options[spelled]
    return None


def help_of(program: str) -> str:
    """What an installed program prints for `--help`; an empty text when it prints none in time."""
    if shutil.which(program) is None:
        return ""
    alone = ["unshare", "--map-root-user", "--net"]
    with tempfile.TemporaryDirectory() as folder:
        env = {
            "PATH": PATH,
            "HOME": folder,
            "TMPDIR": folder,
            "LC_ALL": "C",
            "PAGER": "cat",
            "MANPAGER": "cat",
            "TERM": "dumb",
            "COLUMNS": "120",
        }
        quiet = (
            shutil.which(alone[0])
            and subprocess.run([*alone, "true"], check=False, capture_output=True).returncode == 0
        )
        words = [*(alone if quiet else ()), program, "--help"]
        try:
            done = subprocess.run(
                words,
                check=False,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                cwd=folder,
                env=env,
                start_new_session=True,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
    return (done.stdout or done.stderr)[:MOST_TEXT].decode("utf-8", "replace")


def main(names: list[str]) -> int:
    """Print the differences of some programs, or of all that are installed."""
    asked = differing = 0
    for name in names or builtin_names():
        path = shutil.which(name, path=PATH)
        profile = builtin(name)
        if path is None or profile is None or profile.style == "none" or name in WITHOUT_HELP:
            continue
        options = options_of(help_of(path))
        if not options:
            continue
        asked += 1
        lines = list(differences(profile, options))
        if lines:
            differing += 1
            print(f"{name} ({len(options)} options)")
            print("".join(f"    {line}\n" for line in lines), end="")
    print(f"{asked} programs asked, {differing} differ")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
