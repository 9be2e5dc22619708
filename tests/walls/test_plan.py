"""The plan: what of a disk is there inside, for policies and folders made here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.domain.errors import SearchLimitError
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.walls import mounts
from policy_lang.walls import plan as plans
from policy_lang.walls.losses import losses
from policy_lang.walls.plan import Mount, Plan, Survey
from policy_lang.walls.port import DecisionPort


def made(root: Path, text: str, files: list[str], **more: object) -> Plan:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    work, home = root / "home" / "w", root / "home"
    work.mkdir(parents=True, exist_ok=True)
    like = Request("read", ".", workspace=str(work), home=str(home), tmp="/tmp")
    return Survey(DecisionPort(Policy.loads(f'policy "p" {text}'), like), **more).plan()  # type: ignore[arg-type]


def below(plan: Plan, root: Path, *kinds: str) -> list[str]:
    return sorted(p.removeprefix(f"{root}/") for p in plan.paths(*kinds) if p.startswith(f"{root}/"))  # type: ignore[arg-type]


def test_the_workspace_is_there_without_what_is_denied(tmp_path: Path) -> None:
    files = [
        "home/w/a.txt",
        "home/w/k.pem",
        "home/w/deep/er/k.pem",
        "home/w/vault/x",
        "home/w/vault/public/y",
        "home/.ssh/id",
    ]
    rules = 'allow read "**" deny read "**/*.pem", "vault/" except "vault/public/" allow write "deep/"'
    plan = made(tmp_path, rules, files)
    assert below(plan, tmp_path, "write") == ["home/w"]
    assert below(plan, tmp_path, "hide") == ["home/w/deep/er/k.pem", "home/w/k.pem"]
    assert below(plan, tmp_path, "hide-folder") == ["home/w/vault"]
    assert below(plan, tmp_path, "read") == ["home/w/vault/public"]
    assert plan.shows(str(tmp_path / "home/w/a.txt"))
    assert plan.shows(str(tmp_path / "home/w/vault/public/y"))
    assert not plan.shows(str(tmp_path / "home/w/vault/x"))
    assert not plan.shows(str(tmp_path / "home/.ssh/id"))


def test_of_the_home_only_what_is_granted_is_there(tmp_path: Path) -> None:
    files = [
        "home/w/a",
        "home/.cargo/registry/x",
        "home/.cargo/credentials",
        "home/notes/n.txt",
        "home/one.cfg",
        "home/two.cfg",
    ]
    plan = made(tmp_path, 'allow read "**", "~/.cargo/registry/", "~/one.cfg"', files)
    assert below(plan, tmp_path, "read", "write") == ["home/.cargo/registry", "home/one.cfg", "home/w"]
    assert below(plan, tmp_path, "private") == ["home"]


def test_a_folder_that_cannot_change_is_read_only(tmp_path: Path) -> None:
    assert below(made(tmp_path, 'allow read "**"', ["home/w/a"]), tmp_path, "write") == []
    assert below(made(tmp_path, 'allow read "**" allow delete "tmp/"', ["home/w/a"]), tmp_path, "write") == ["home/w"]


def test_what_is_spelled_out_in_the_system_is_hidden(tmp_path: Path) -> None:
    plan = made(tmp_path, 'allow read "**" deny read "/usr/share/doc/"', ["home/w/a"])
    assert "/usr/share/doc" in plan.paths("hide-folder")


def test_protected_files_lie_read_only_in_what_is_writable(tmp_path: Path) -> None:
    settings = str(tmp_path / "home/w/.claude/settings.json")
    plan = made(tmp_path, 'allow read, write "**"', ["home/w/.claude/settings.json"], protected=[settings])
    assert settings in plan.paths("read")
    hidden = made(tmp_path, 'allow read, write "**" deny read ".claude/"', [], protected=[settings])
    assert settings not in hidden.paths("read")


@pytest.mark.parametrize(("limit", "value"), [("walls_files", "_MOST_FILES"), ("walls_masks", "_MOST_HIDDEN")])
def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: str) -> None:
    """`walls_files` counts what is looked at, `walls_masks` what is covered; their values are large, so smaller ones stand in."""
    assert limit
    files = [f"home/w/{n}.pem" for n in range(20)]
    rules = 'allow read "**" deny read "**/*.pem"'
    most = made(tmp_path, rules, files).looked_at if value == "_MOST_FILES" else 20
    monkeypatch.setattr(plans, value, most)
    made(tmp_path, rules, files)
    monkeypatch.setattr(plans, value, most - 1)
    with pytest.raises(SearchLimitError):
        made(tmp_path, rules, files)


def test_a_folder_of_one_kind_is_not_looked_into(tmp_path: Path) -> None:
    for n in range(50):
        (tmp_path / "home/w/src").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"home/w/src/{n}").write_text("x")
    whole = made(tmp_path, 'allow read "**"', [])
    apart = made(tmp_path, 'allow read "**" deny read "**/x.pem"', [])
    assert apart.looked_at - whole.looked_at >= 50


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "home/w").mkdir(parents=True)
    os.symlink("/etc", tmp_path / "home/w/etc")
    plan = made(tmp_path, 'allow read "**" deny read "**/*.pem"', [])
    assert below(plan, tmp_path, "hide", "hide-folder") == []


@pytest.mark.parametrize(
    ("rules", "files", "lost"),
    [
        ('allow read, write "~/.state/kept/"', [], "home/.state/kept"),
        ('allow read, write "~/.state/kept/"', ["home/.state/kept/x"], None),
        ('allow write "~/.state/kept/"', ["home/.state/kept/x"], "home/.state/kept"),
        ('allow read, write "~/one.txt"', [], "home/one.txt"),
        ('allow read "src/" allow write "**"', ["home/w/src/x"], "home/w"),
        ('allow read, write "**"', ["home/w/src/x"], None),
    ],
)
def test_what_is_written_and_not_kept_is_a_loss(tmp_path: Path, rules: str, files: list[str], lost: str | None) -> None:
    plan = made(tmp_path, rules, files)
    like = Request("read", ".", workspace=plan.workspace, home=plan.home, tmp="/tmp")
    port = DecisionPort(Policy.loads(f'policy "p" {rules}'), like)
    found = [
        loss for loss in losses(port, plan, network=False, reads=False, bubblewrap=True) if loss.code == "not-kept"
    ]
    shown = [str(loss.witness.resource) for loss in found if loss.witness]
    assert len(shown) == (lost is not None)
    if lost is not None:
        assert shown[0].startswith(str(tmp_path / lost)), shown
        assert port.path("write", shown[0]).allowed


def test_the_machines_temporary_folder_is_never_there(tmp_path: Path) -> None:
    """Though the workspace lies in it, and the policy grants everything."""
    plan = made(tmp_path, 'allow read, write "/", "./", "${tmp}/"', ["home/w/a"])
    assert str(tmp_path).startswith("/tmp/")
    assert "/tmp" in plan.paths("private")
    assert [p for p in plan.paths("read", "write") if f"{p}/".startswith("/tmp/")] == [str(tmp_path / "home")]


def test_small_files_of_the_system_are_copied(tmp_path: Path) -> None:
    """`walls_copy_bytes` is 256 KiB; what the policy shows is mounted, whatever its size."""
    most = limit("walls_copy_bytes")
    sizes = {"small": most, "large": most + 1, "granted": 1}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "small").chmod(0o640)
    (tmp_path / "folder").mkdir()
    paths = {name: str(tmp_path / name) for name in (*sizes, "folder")}
    system = frozenset(path for name, path in paths.items() if name != "granted")
    plan = Plan("/w", "/h", tuple(Mount("read", path) for path in paths.values()), system=system)
    copies = mounts.copies_of(plan)
    try:
        assert list(copies) == [paths["small"]]
        words = mounts.words_of(plan, mounts.Covers("", ""), "/run/x", copies)
    finally:
        for place in copies.values():
            os.close(place)
    assert words[words.index("--file") - 2 :][:5] == [
        "--perms",
        "0440",
        "--file",
        str(*copies.values()),
        paths["small"],
    ]
    assert [words[at + 1] for at, word in enumerate(words) if word == "--ro-bind"] == [
        paths["large"], paths["granted"], paths["folder"],
    ]  # fmt: skip
