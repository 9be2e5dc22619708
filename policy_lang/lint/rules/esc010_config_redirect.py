"""ESC010 config-redirect."""

from __future__ import annotations

from ..check import Check
from ..closure import loaded_files
from ..escalations import deny_written, traced

CHECK = Check(
    code="ESC010",
    name="config-redirect",
    severity="warning",
    evidence="fact",
    finds="An agent may write the settings file of a program that it may run: `.curlrc`, `.wgetrc`, `pip.conf`.",
    why=("The file takes options that no rule about the command sees: another index, an output file, an upload."),
    remediation="Deny these files; `import std.baseline` does for most.",
    bad="""\
allow write "~/.curlrc"
allow run "curl https://docs.acme.example/"
allow connect "docs.acme.example"
""",
    good="""\
import std.baseline
allow run "curl https://docs.acme.example/"
allow connect "docs.acme.example"
""",
    near=(
        """\
allow write "src/curlrc"
allow run "curl https://docs.acme.example/"
allow connect "docs.acme.example"
""",
    ),
    shows="curl",
    function=traced(
        lambda g: loaded_files(g, "redirect"),
        "the command does what the file says",
        deny_written("it redirects a program that the agent may run"),
    ),
)
