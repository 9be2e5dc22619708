"""PRM001 never-consulted."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="PRM001",
    name="never-consulted",
    severity="warning",
    evidence="proved",
    finds="A permission of a client's file that the client never looks at.",
    why="The file looks as if it allowed or forbade something, and nothing changes when the line is deleted. A `deny` that is never looked at protects nothing, and is reported as an error.",
    remediation="Write the rule that the client does look at; the finding names it. Delete what needs no permission.",
    bad="",
    good='allow read "src/**"',
    near=('allow read "src/**"',),
    shows="",
    function=by_machinery,
)
