"""PRM002 means-otherwise."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="PRM002",
    name="means-otherwise",
    severity="warning",
    evidence="proved",
    finds="A permission of a client's file that means something else than it seems to.",
    why="Each client has its own language: what is absolute in one is relative in another, and a star may or may not end a word.",
    remediation="Write it as the client reads it; the finding says how.",
    bad="",
    good='allow read "src/**"',
    near=('allow read "src/**"',),
    shows="",
    function=by_machinery,
)
