"""PTH012 special-filesystems."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..finding import Finding
from ..ground import Ground
from ..places import denial, row_of, sentence


def _look(ground: Ground, check: Check) -> Iterator[Finding]:
    rows = ground.capabilities.group("special")
    for action in ("read", "write"):
        patterns, examples = [r.pattern for r in rows], [r.example for r in rows]
        for reach in ground.reach(action, patterns, examples, ground.capabilities.harmless):
            row = row_of(rows, reach)
            yield ground.finding(
                check, sentence(reach, row.note), reach.rule, content=(action, row.id), steps=(reach.step,), rows=(row.id,),
                fixes=denial(ground, ("read", "write"), rows, reach, row),
            )  # fmt: skip


CHECK = Check(
    code="PTH012",
    name="special-filesystems",
    severity="error",
    evidence="proved",
    finds="A rule reaches `/proc`, `/sys`, `/dev`, `/run` or a socket such as Docker's.",
    why=(
        "They are not files: `/proc/self/root` is another name of everything, `/proc/1/environ` another "
        "process's secrets, `/dev/sda` the disk, and whoever writes to the Docker socket is root."
    ),
    mend="Deny them; `import std.baseline` does, and leaves `/dev/null` and its like alone.",
    bad='allow read "/proc/**"',
    good="""\
import std.baseline
allow read "/**" except "~/**"
""",
    near=('allow write "/dev/null"', 'allow read "proc/x"'),
    shows="/proc/1/environ",
    look=_look,
)
