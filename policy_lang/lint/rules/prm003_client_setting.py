"""PRM003 client-setting."""

from __future__ import annotations

from ..check import Check
from ..suppress import by_machinery

CHECK = Check(
    code="PRM003",
    name="client-setting",
    severity="warning",
    evidence="proved",
    finds="A setting of a client that takes the permissions beside it away, or that nobody reads.",
    why="Modes that ask about nothing make every list of permissions idle; a key that is misspelt holds nothing.",
    remediation="Change the setting, or put it where a person has to say yes each time.",
    bad="",
    good='allow read "src/**"',
    near=('allow read "src/**"',),
    shows="",
    function=by_machinery,
)
