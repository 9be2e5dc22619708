"""Compiled policies: what is accepted, and how everything else is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from policy_lang import Policy, PolicyError, Request, __version__
from policy_lang.compiled.layout import HEADER
from policy_lang.compiled.opened import open_compiled, stale_note
from policy_lang.compiler.binary import compile_binary
from policy_lang.domain.limits import limit
from tests.console.support import EXAMPLES, ROOT

TEXT = 'policy "p"\ntier review { approvers "@team" }\nallow read "src/**" except "src/secret"\nallow run "git status"\nask review write "src/**"\n'


def compiled(folder: Path, text: str = TEXT, name: str = "p") -> Path:
    source = folder / f"{name}.policy"
    source.write_text(text)
    target = folder / f"{name}.plc"
    target.write_bytes(compile_binary(str(source), __version__))
    target.chmod(0o644)
    return target


def refused(path: Path) -> str:
    with pytest.raises(PolicyError) as error:
        Policy.load(str(path))
    (diagnostic,) = error.value.diagnostics
    return f"{diagnostic.code} {diagnostic.message} | {diagnostic.help}"


def test_it_decides(tmp_path: Path) -> None:
    policy = Policy.load(str(compiled(tmp_path)))
    assert policy.decide(action="read", resource="src/a").effect == "allow"
    assert policy.decide(action="read", resource="src/secret").effect == "deny"
    assert policy.decide(action="write", resource="src/a").effect == "ask"
    assert policy.decide(action="run", resource="git status").effect == "allow"
    assert policy.decide(action="run", resource="git status; rm -rf /").effect == "deny"
    explained = policy.explain(Request("read", "src/secret"))
    assert [a.why for a in explained.rules] == ["its `except` matches"]


@pytest.mark.parametrize("name", ["web/web", "org/org", "service/service"])
def test_the_examples_decide_the_same(name: str, tmp_path: Path) -> None:
    source = EXAMPLES / f"{name}.policy"
    target = tmp_path / "x.plc"
    target.write_bytes(compile_binary(str(source), __version__))
    target.chmod(0o644)
    one, two = Policy.load(str(source)), Policy.load(str(target))
    assert one.digest == two.digest
    for line in (ROOT / "tests/shell/corpus_lines.txt").read_text().splitlines()[:400]:
        first, second = (
            p.decide(action="run", resource=line, agent="codex-web", workspace="/repo", lexical=True)
            for p in (one, two)
        )
        assert (first.effect, first.rules, first.reasons, first.opaque) == (
            second.effect,
            second.rules,
            second.reasons,
            second.opaque,
        )


def test_bytes_are_deterministic(tmp_path: Path) -> None:
    source = tmp_path / "p.policy"
    source.write_text(TEXT)
    script = "import sys; from policy_lang.compiler.binary import compile_binary; sys.stdout.buffer.write(compile_binary(sys.argv[1], '1'))"
    made = {
        subprocess.run(
            [sys.executable, "-c", script, source], capture_output=True, check=True, timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(made) == 1


def test_every_cut_and_every_changed_byte_is_refused(tmp_path: Path) -> None:
    target = compiled(tmp_path)
    data = target.read_bytes()
    step = len(data) // 150
    for cut in [*range(HEADER + 40), *range(HEADER + 40, len(data), step)]:
        target.write_bytes(data[:cut])
        assert refused(target).startswith("PLE005"), cut
    for place in [*range(HEADER + 40), *range(HEADER + 40, len(data), step)]:
        target.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        assert refused(target).startswith("PLE005"), place
    for extra in (b"\0", data):
        target.write_bytes(data + extra)
        assert "should have" in refused(target)


def test_another_version_is_refused(tmp_path: Path) -> None:
    target = compiled(tmp_path)
    target.write_bytes(compile_binary(str(tmp_path / "p.policy"), "0.0.1"))
    assert "policy_lang 0.0.1 compiled it" in refused(target)
    data = bytearray(target.read_bytes())
    data[8] = 99
    target.write_bytes(data)
    assert "has the format 99" in refused(target)


def test_what_others_can_write_is_refused(tmp_path: Path) -> None:
    target = compiled(tmp_path)
    for mode, who in ((0o664, "its group"), (0o646, "everyone"), (0o666, "everyone")):
        target.chmod(mode)
        assert f"{who} can write it (mode {mode:04o})" in refused(target)
        assert "chmod go-w" in refused(target)
    target.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(target, 12345, -1)
        assert "it belongs to the user 12345" in refused(target)


def test_a_stale_one_stays_in_force_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "more.policy").write_text('policy "more"\nallow read "docs/**"\n')
    target = compiled(tmp_path, TEXT.replace("tier", 'import "more.policy"\ntier'))

    def note() -> str:
        assert Policy.load(str(target)).decide(action="read", resource="docs/a/b").effect == "allow"
        return stale_note(str(target), open_compiled(str(target), __version__))

    assert note() == ""
    (tmp_path / "more.policy").write_text('policy "more"\nallow read "docs/*"\n')
    assert "more.policy` has changed" in note()
    assert f"`policy compile {tmp_path}/p.policy -o {target}`" in note()
    (tmp_path / "more.policy").unlink()
    assert "more.policy` is gone" in note()
    (tmp_path / "p.policy").unlink()  # whoever moves the source away does not make it fresh
    assert "p.policy` is gone; bring it back, or `policy compile --no-sources`" in note()
    target.write_bytes(compile_binary(str(compiled(tmp_path).with_name("p.policy")), __version__, named=False))
    (tmp_path / "p.policy").unlink()  # it stands alone: there is nothing to compare it with
    assert stale_note(str(target), open_compiled(str(target), __version__)) == ""


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.plc").startswith("PLE001")
    (tmp_path / "folder.plc").mkdir()
    assert refused(tmp_path / "folder.plc").startswith("PLE005")
    os.mkfifo(tmp_path / "pipe.plc")
    assert refused(tmp_path / "pipe.plc").startswith("PLE005")
    (tmp_path / "text.plc").write_text("policy")
    (tmp_path / "text.plc").chmod(0o600)
    assert "it is not a compiled policy" in refused(tmp_path / "text.plc")


def test_the_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = compiled(tmp_path)
    size = target.stat().st_size
    monkeypatch.setattr(
        "policy_lang.compiled.opened.limit", lambda name: {"compiled_bytes": size}.get(name, limit(name))
    )
    Policy.load(str(target))
    monkeypatch.setattr(
        "policy_lang.compiled.opened.limit", lambda name: {"compiled_bytes": size - 1}.get(name, limit(name))
    )
    assert f"longer than {size - 1} bytes" in refused(target)


def test_an_agent_may_not_write_it() -> None:
    policy = Policy.loads('policy "p"\nallow write, delete "./", "/", "~/"')
    where = {"workspace": "/repo", "home": "/home/a", "lexical": True}
    for path in ("web.plc", "deep/web.plc", "/etc/policy/web.plc", "~/x.plc"):
        assert policy.decide(action="write", resource=path, **where).effect == "deny", path
    assert policy.decide(action="write", resource="web.plc.md", **where).effect == "allow"


def test_tables_are_read_in_every_way_as_those_of_sources(tmp_path: Path) -> None:
    text = (
        'policy "p"\nallow read "a/b", "a/c*", "z/**", "~/x"\ndeny read "a/[bc]/**", "**/q"\nallow call "x.y", "x.*"\n'
    )
    path = compiled(tmp_path, text)
    written, opened = (Policy.load(str(p)).engine for p in (path.with_suffix(".policy"), path))
    for action in ("read", "call"):
        mine, theirs = (e.evaluator.table(action).trie for e in (written, opened))
        assert all(mine.knows(x) and theirs.knows(x) for x in mine.literals)
        assert not mine.knows("nowhere") and not theirs.knows("nowhere")
        todo = [(mine.root, theirs.root)]
        while todo:
            one, other = todo.pop()
            assert (one.marks, one.loops) == (other.marks, other.loops)
            assert bool(one.literals) is bool(other.literals)
            if one.literals and other.literals:
                keys = sorted(one.literals)
                assert sorted(other.literals) == keys == sorted(other.literals.keys())
                assert len(other.literals) == len(keys) == len(other.literals.values())
                assert (
                    all(k in other.literals for k in keys)
                    and "nowhere" not in other.literals
                    and 7 not in other.literals
                )
                assert sorted(k for k, _ in other.literals.items()) == keys
                assert other.literals.get("nowhere") is None
                with pytest.raises(KeyError):
                    other.literals["nowhere"]
                with pytest.raises(TypeError):
                    other.literals["nowhere"] = other
                todo += [(one.literals[k], other.literals[k]) for k in keys]
            globs = {g.text: n for g, n in (other.globs or {}).items()}
            assert {g.text for g in one.globs or {}} == set(globs)
            todo += [(n, globs[g.text]) for g, n in (one.globs or {}).items()]
            for a, b in ((one.any, other.any), (one.many, other.many)):
                assert (a is None) is (b is None)
                if a is not None and b is not None:
                    todo.append((a, b))
