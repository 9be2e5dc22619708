"""CMD011 container-escape."""

from __future__ import annotations

from ..check import Check
from ..commands import of_kinds

CHECK = Check(
    code="CMD011",
    name="container-escape",
    severity="error",
    evidence="fact",
    finds="A rule lets an agent start containers or reach into them with options of its own.",
    why="`docker run -v /:/host` is root on the machine.",
    remediation="Grant the compose service or script that is needed, with its exact words.",
    bad="""\
import std.baseline
allow run "podman **"
""",
    good="""\
import std.baseline
allow run "podman ps"
""",
    near=(
        """\
import std.baseline
allow run "docker ps **"
""",
    ),
    shows="podman",
    function=of_kinds("container", note="a container can mount the machine"),
)
