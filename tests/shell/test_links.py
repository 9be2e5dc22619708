"""What a script brings may hold links: paths on the way of which they lie may lead anywhere, until somebody has looked."""

from __future__ import annotations

import pytest

from policy_lang.compiler.profiles import builtin
from policy_lang.shell.analyse import read_acts

from .corpus import COMMANDS

THROUGH = [
    "ln -s ../src lib/s && echo x > lib/s/a", "cd out/d && ln -s ../src ../../lib/s && echo x > ../../lib/s/a", "ln -s a b; cat b", "ln -s a b; cd b; rm -f c", "ln a b; echo x > b",
    "git clone https://x.example/r r && cat r/a", "git clone https://x.example/r r; cd r && cat a", "tar xf a.tar; cat b", "tar xf a.tar -C out; cat out/b", "tar xf a.tar -C out; cat out/b/../../src/c", "unzip a.zip -d out; cat out/b",
    "cp -a d e; echo x > e/f", "cp -r d e; cat e/f", "mv d e; cat e/f", "rsync -a d/ e/; cat e/f", "git checkout topic; cat f", "git stash pop && echo x > f", "git worktree add w; cat w/f", "timeout 5 ln -s a b; cat b", "bash -c 'tar xf a.tar -C out'; cat out/b", "git stash pop; git status; cat f",
    "f() { ln -s a b; }; f; cat b", "env git clone https://x.example/r r; cat r/a", "(tar xf a.tar -C out); cat out/b", "tar xf a.tar -C out | cat; cat ./out/*.x",
]  # fmt: skip
BESIDE = [
    "ln -s a b; rm b", "ln -s a b; cat c", "git clone https://x.example/r r; cat a", "git clone https://x.example/r r; ls r", "tar xf a.tar -C out; cat outer src/a ../a", "cp a b; cat b", "mv a b; cat b", "mkdir -p d; echo x > d/f", "cp -a d e; cat d/f",
    "tar cf a.tar d; cat d/f", "git status; cat f", "git commit -m x; cat f", "git stash pop; git add src/a", "tar xf a.tar; cat /etc/hosts", "cat b; ln -s a b", "python3 -m venv .venv; . .venv/bin/activate",
]  # fmt: skip


def known(script: str) -> list[bool]:
    paths = [
        a for a in read_acts(script, "bash", builtin) if a.action in {"read", "write", "delete"} and not a.supposed
    ]
    return [a.value.text is not None or a.value.starts() != "" for a in paths]


@pytest.mark.parametrize("script", THROUGH)
def test_a_path_through_what_was_brought_is_not_known(script: str) -> None:
    assert not known(script)[-1]


@pytest.mark.parametrize("script", BESIDE)
def test_other_paths_are_known(script: str) -> None:
    assert all(known(script))


def test_what_agents_write_stays_known() -> None:
    why = "links that the same script brings"
    assert not [c for c in COMMANDS for a in read_acts(c, None, builtin) if a.value.why.startswith(why)]
