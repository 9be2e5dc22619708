"""Code of the project that a command runs restricts what the command may do, and never grants."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from policy_lang import Decision, Policy, Request
from policy_lang.audit.disk_snapshot import Recorded, Recording
from policy_lang.domain.limits import limit
from policy_lang.shell.analyse import read_acts

POLICY = """
policy "p"
allow run "{npm,make,bash,sh,echo,cp,source,just,cat,cd,xargs,find} **", "make -f *.mk **", "./{*,*/*} **"
allow read, write "./"
deny connect "evil.example"
deny write "docs/"
deny run "rm -rf **"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "package.json": json.dumps({"scripts": {
            "ok": "jest", "bad": "curl https://evil.example", "far": "npm run bad", "make": "make bad",
            "unknown": "curl $X; eval $Y", "grants": "tool x", "plain": "tool x --fast",
            "tool": "tool --to https://evil.example/", "both": "concurrently 'tool x' 'rm -rf x'",
        }}),
        "Makefile": "ok:\n\techo x\nbad:\n\tbash scripts/bad.sh\n",
        "justfile": "bad:\n  rm -rf x\n",
        "scripts/bad.sh": "#!/bin/sh\necho x > docs/y\n",
        "more.mk": "include Makefile\n",
        "out.mk": "include ../*.mk /etc/hostname\nall:\n\techo x\n",
        "scripts/first.sh": '#!/bin/sh\n"$1" -rf x\n',
        "scripts/arg.sh": '#!/bin/sh\n"$@"\n',
        "sub/package.json": json.dumps({"scripts": {"bad": "echo x > ../docs/y"}}),
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "scripts/bad.sh").chmod(0o755)
    return tmp_path


def decided(project: Path, command: str, **more: object) -> Decision:
    asked = Request("run", command, workspace=str(project), home="/h", **more)  # type: ignore[arg-type]
    return Policy.loads(POLICY).decide_request(asked)


@pytest.mark.parametrize(
    ("command", "effect", "files"),
    [
        ("npm run ok", "allow", ["package.json"]),
        ("npm run bad", "deny", ["package.json"]),
        ("npm run far", "deny", ["package.json"]),
        ("npm run make", "deny", ["package.json", "Makefile", "scripts/bad.sh"]),
        ("npm run unknown", "allow", ["package.json"]),
        ("npm run nothing", "allow", ["package.json"]),
        ("make ok", "allow", ["Makefile"]),
        ("make", "allow", ["Makefile"]),
        ("make bad", "deny", ["Makefile", "scripts/bad.sh"]),
        ("just", "deny", ["justfile"]),
        ("bash scripts/bad.sh", "deny", ["scripts/bad.sh"]),
        ("./scripts/bad.sh", "deny", ["scripts/bad.sh"]),
        ("source scripts/bad.sh", "deny", ["scripts/bad.sh"]),
        ("cd scripts && bash bad.sh", "allow", ["scripts/bad.sh"]),
        ("bash scripts/arg.sh rm -rf x", "deny", ["scripts/arg.sh"]),
        ("bash scripts/arg.sh echo x", "allow", ["scripts/arg.sh"]),
        ("cd sub && npm run bad", "deny", ["sub/package.json"]),
        ("bash scripts/bad.sh $X", "deny", ["scripts/bad.sh"]),
        ('source scripts/bad.sh "$X"', "deny", ["scripts/bad.sh"]),
        ("bash scripts/bad.sh *.txt", "deny", ["scripts/bad.sh"]),
        ("echo a | xargs bash scripts/bad.sh", "deny", ["scripts/bad.sh"]),
        ("find . -exec bash scripts/bad.sh {} +", "deny", ["scripts/bad.sh"]),
        ('npm run bad -- "$X"', "deny", ["package.json"]),
        ('just bad "$X"', "deny", ["justfile"]),
        ('bash scripts/first.sh rm "$X"', "deny", ["scripts/first.sh"]),
        ('bash scripts/first.sh "$X" rm', "allow", ["scripts/first.sh"]),
        ("cd nowhere; npm run bad", "deny", ["package.json"]),
        ("cd scripts && npm run bad", "deny", ["package.json"]),
        ("cd scripts && npm run make", "deny", ["package.json", "Makefile", "scripts/bad.sh"]),
        ("cd scripts/../scripts && just", "deny", ["justfile"]),
        ("cd scripts && make bad", "allow", []),
        ("cd sub && npm run far", "allow", ["sub/package.json"]),
        ("make -f more.mk bad", "deny", ["more.mk", "Makefile", "scripts/bad.sh"]),
        ("make -f out.mk", "allow", ["out.mk"]),
        ("npm run tool", "deny", ["package.json"]),
        ("npm run both", "deny", ["package.json"]),
        ("npm run plain", "allow", ["package.json"]),
        ("npm -v", "allow", []),
        ("echo npm run bad", "allow", []),
    ],
)
def test_what_it_says_restricts(project: Path, command: str, effect: str, files: list[str]) -> None:
    decision = decided(project, command)
    assert decision.effect == effect, decision.reasons
    assert [path for path, _ in decision.files] == files
    for path, digest in decision.files:
        assert digest == hashlib.sha256((project / path).read_bytes()).hexdigest()


def test_it_grants_nothing(project: Path) -> None:
    policy = Policy.loads('policy "p"\nallow run "npm **"\nallow read "./"\n')
    asked = {"action": "run", "workspace": str(project), "home": "/h"}
    assert policy.decide(resource="npm run grants", **asked).effect == "allow"
    assert policy.decide(resource="tool x", **asked).effect == "deny"


def test_a_reason_names_the_file(project: Path) -> None:
    decision = decided(project, "npm run bad")
    assert any("in `package.json`" in reason for reason in decision.reasons)
    shown = [e for e in decision.effects if e.file == "package.json"]
    assert [(e.action, e.verdict.effect, e.free) for e in shown] == [("run", "allow", True), ("connect", "deny", True)]


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        ("echo x > package.json; npm run ok", "deny"),
        ("cp a package.json; npm run ok", "deny"),
        ("cp -r a/. ./; npm run ok", "deny"),
        ("cp x/arg.sh scripts/; bash scripts/arg.sh echo x", "deny"),
        ("cp a scripts/; bash scripts/arg.sh echo x", "allow"),
        ('echo x > "$X.json"; npm run ok', "deny"),
        ("echo x > other; npm run ok", "allow"),
        ("echo x > scripts/package.json; cd scripts; npm run ok", "deny"),
        ("npm run ok; echo x > package.json", "allow"),
        ("echo x > Makefile; make -f more.mk ok", "deny"),
        ("echo x > sub/package.json; npm run ok", "allow"),
    ],
)
def test_what_the_same_command_wrote_is_opaque(project: Path, command: str, effect: str) -> None:
    decision = decided(project, command)
    assert decision.effect == effect, decision.reasons


def test_it_is_looked_at_each_time(project: Path) -> None:
    policy = Policy.loads(POLICY)
    asked = {"action": "run", "resource": "npm run ok", "workspace": str(project), "home": "/h"}
    assert policy.decide(**asked).effect == "allow"
    (project / "package.json").write_text('{"scripts": {"ok": "rm -rf x"}}')
    assert policy.decide(**asked).effect == "deny"
    (project / "package.json").unlink()
    assert policy.decide(**asked).effect == "allow"
    (project / "package.json").write_text('{"scripts": {"ok": "rm -rf x"}}')
    assert policy.decide(**asked).effect == "deny"


def test_nothing_is_read_without_a_disk_or_outside_the_workspace(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "bad.sh").write_text("rm -rf x\n")
    (project / "link.sh").symlink_to(outside / "bad.sh")
    os.mkfifo(project / "pipe.sh")
    assert decided(project, "npm run bad", lexical=True).files == ()
    for name in ("link.sh", "pipe.sh", "scripts"):
        assert decided(project, f"bash ./{name}").files == ()


def test_so_many_files_and_so_deep(project: Path) -> None:
    most = limit("followed_depth")
    for count, effect in ((most, "deny"), (most + 1, "allow")):
        for i in range(count):
            (project / f"s{i}.sh").write_text(f"bash s{i + 1}.sh\n")
        (project / f"s{count - 1}.sh").write_text("rm -rf x\n")
        assert decided(project, "bash s0.sh").effect == effect, count
    many = limit("followed_files")
    for i in range(many + 1):
        (project / f"t{i}.sh").write_text("echo x\n")
    (project / f"t{many}.sh").write_text("rm -rf x\n")
    found = decided(project, "; ".join(f"bash t{i}.sh" for i in range(many + 1)))
    assert (len(found.files), found.effect) == (many, "allow")
    found = decided(project, "; ".join(f"bash t{i}.sh" for i in range(1, many + 1)))
    assert (len(found.files), found.effect) == (many, "deny")


def test_so_many_folders_above(project: Path) -> None:
    most = limit("followed_folders")
    for count, effect in ((most - 1, "deny"), (most, "allow")):
        folder = "/".join("d" * count)
        (project / folder).mkdir(parents=True, exist_ok=True)
        assert decided(project, f"cd {folder} && npm run bad").effect == effect, count


def test_so_large_and_so_many_scripts(project: Path) -> None:
    for size, effect in ((limit("followed_bytes"), "deny"), (limit("followed_bytes") + 1, "allow")):
        text = json.dumps({"scripts": {"x": "rm -rf x"}})
        (project / "package.json").write_text(text + " " * (size - len(text)))
        assert decided(project, "npm run x").effect == effect
    most = limit("followed_scripts")
    for count, effect in ((most, "deny"), (most + 1, "allow")):
        (project / "Makefile").write_text("all:\n" + "\techo x\n" * (count - 1) + "\trm -rf x\n")
        assert decided(project, "make").effect == effect


def test_so_many_words_are_tried(project: Path) -> None:
    most = limit("followed_words")
    count = sum(len(a.unread.argv) for a in read_acts("tool https://evil.example", None) if a.unread)
    assert count
    for before, effect in ((most - count, "deny"), (most - count + 1, "allow")):
        sizes = [100] * (before // 100) + [before % 100]
        lines = [f"tool{i} {'a ' * size}" for i, size in enumerate(sizes)]
        (project / "many.sh").write_text("\n".join([*lines, "tool https://evil.example", ""]))
        assert decided(project, "bash many.sh").effect == effect


def test_a_record_holds_the_digest_alone(project: Path) -> None:
    disk = Recording()
    assert decided(project, "npm run bad", disk=disk).effect == "deny"
    seen = disk.seen()
    assert list(seen["contents"].values()) == [hashlib.sha256((project / "package.json").read_bytes()).hexdigest()]
    assert decided(project, "npm run bad", disk=Recorded(seen)).files == ()
