"""Who could put something else in the place of a file that is trusted: every folder and link on the way counts."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from policy_lang import PolicyError, __version__
from policy_lang.audit.log import DecisionLog, LogUnavailableError
from policy_lang.compiled.opened import open_compiled
from policy_lang.compiler.binary import compile_binary
from policy_lang.daemon.identity.config import ServiceConfigError, read_config
from policy_lang.daemon.policy_source import CompiledFileSource, FileSource, PolicySourceError
from policy_lang.daemon.safe_place import UnsafePlaceError, check_folder
from policy_lang.domain.limits import limit
from policy_lang.facts.owners import unsafe_place

from ..console.support import policy

TEXT = 'policy "p"\nallow read "src/**"\n'
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


def said(path: Path | str, uid: int | None = None) -> str:
    return "; ".join(unsafe_place(str(path), uid) or ())


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A private folder below one that everyone can write."""
    (tmp_path / "world/own").mkdir(parents=True)
    (tmp_path / "world").chmod(0o777)
    (tmp_path / "world/own").chmod(0o700)
    return tmp_path / "world/own"


def test_every_folder_on_the_way_counts(open_folder: Path) -> None:
    file = open_folder / "p.policy"
    file.write_text(TEXT)
    assert f"the folder `{open_folder.parent}` is unsafe: everyone can write it (mode 0777)" in said(file)
    assert "chmod go-w" in said(file)
    assert "everyone" in said(open_folder / "../own/./p.policy") and "everyone" in said(open_folder / "not-there")
    open_folder.parent.chmod(0o1777)  # sticky: nobody renames there what is another's
    assert said(file) == ""
    open_folder.parent.chmod(0o755)
    assert said(file) == ""
    file.chmod(0o666)
    assert f"the file `{file}` is unsafe: everyone" in said(file)


def test_links_are_as_good_as_the_folders_that_they_lie_in_and_lead_to(tmp_path: Path, open_folder: Path) -> None:
    good = tmp_path / "p.policy"
    good.write_text(TEXT)
    (tmp_path / "link").symlink_to("p.policy")
    assert said(tmp_path / "link") == ""
    (open_folder / "out").symlink_to(good)  # the file is well kept, its link can be put elsewhere
    assert "everyone" in said(open_folder / "out")
    (open_folder / "there").write_text(TEXT)
    (tmp_path / "in").symlink_to(open_folder / "there")
    assert "everyone" in said(tmp_path / "in")
    (tmp_path / "folder").symlink_to("world")
    assert "everyone" in said(tmp_path / "folder/own/there")
    (tmp_path / "up").symlink_to("world/own/../../p.policy")
    assert "everyone" in said(tmp_path / "up")
    (tmp_path / "round").symlink_to("round")
    assert "more than 40 links" in said(tmp_path / "round")


def test_as_many_links_are_followed_as_the_kernel_follows(tmp_path: Path) -> None:
    most = limit("place_links")
    (tmp_path / "0").write_text(TEXT)
    for number in range(most + 1):
        (tmp_path / f"{number + 1}").symlink_to(f"{number}")
    assert said(tmp_path / f"{most}") == "" and (tmp_path / f"{most}").read_text() == TEXT
    assert f"more than {most} links" in said(tmp_path / f"{most + 1}")


@AS_ROOT
def test_folders_and_links_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    file = folder / "p.policy"
    file.write_text(TEXT)
    os.chown(folder, 12345, 12345)
    assert f"the folder `{folder}` is unsafe: it belongs to the user 12345, not to 0 or root" in said(file)
    assert said(file, 12345) == ""  # one's own files, and those of root
    (tmp_path / "l").symlink_to("/etc/passwd")
    os.lchown(tmp_path / "l", 12345, 12345)
    assert "the link" in said(tmp_path / "l") and "belongs to the user 12345" in said(tmp_path / "l")


@AS_ROOT
def test_a_group_that_is_one_user_alone_is_that_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import grp
    import pwd

    folder = tmp_path / "own"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    folder.chmod(0o775)
    user = pwd.struct_passwd(("ann", "x", 12345, 12345, "", "/", "/bin/sh"))
    members: list[str] = []
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group(("ann", "x", gid, members)))
    assert said(folder, 12345) == ""
    folder.chmod(0o777)
    assert "everyone" in said(folder, 12345)
    folder.chmod(0o775)
    members.append("bob")
    assert "its group can write it" in said(folder, 12345)
    members.clear()
    os.chown(folder, 12345, 100)
    assert "its group can write it" in said(folder, 12345)


def test_nothing_is_read_from_such_a_place(open_folder: Path) -> None:
    source = open_folder / "p.policy"
    source.write_text(TEXT)
    with pytest.raises(PolicySourceError, match="everyone can write it"):
        asyncio.run(FileSource(str(source)).load())
    target = open_folder / "p.plc"
    target.write_bytes(compile_binary(str(source), __version__))
    with pytest.raises(PolicyError, match=r"PLE005.*everyone can write it"):
        open_compiled(str(target), __version__)
    with pytest.raises(PolicySourceError, match="PLE005"):
        asyncio.run(CompiledFileSource(str(target)).load())
    config = open_folder / "serve.toml"
    config.write_text('[[principal]]\nuid = 0\nagents = ["a"]\n')
    with pytest.raises(ServiceConfigError, match="everyone can write it"):
        read_config(str(config))
    with pytest.raises(LogUnavailableError, match="everyone can write it"):
        DecisionLog(str(open_folder / "log")).append(())
    with pytest.raises(UnsafePlaceError, match="everyone can write it"):
        check_folder(str(open_folder))


def test_an_import_and_a_ceiling_are_as_well_kept_as_the_policy(tmp_path: Path, open_folder: Path) -> None:
    (open_folder / "more.policy").write_text('guardrail "g"\ndeny read "src/secret"\n')
    for word in ("import", "within"):
        (tmp_path / "p.policy").write_text(f'policy "p"\n{word} "world/own/more.policy"\nallow read "src/**"\n')
        with pytest.raises(PolicySourceError, match="everyone can write it"):
            asyncio.run(FileSource(str(tmp_path / "p.policy")).load())


def test_a_program_that_tells_people_is_as_well_kept(tmp_path: Path, open_folder: Path) -> None:
    for words in ([str(open_folder / "tell")], ["/bin/sh", str(open_folder / "tell")]):
        (open_folder / "tell").write_text("#!/bin/sh\n")
        (open_folder / "tell").chmod(0o755)
        (tmp_path / "serve.toml").write_text(f'[notify]\ncommand = {words!r}\n[[principal]]\nuid = 0\nagents = ["a"]\n')
        with pytest.raises(ServiceConfigError, match="everyone can write it"):
            read_config(str(tmp_path / "serve.toml"))


def test_what_commands_enforce_is_as_well_kept(open_folder: Path) -> None:
    (open_folder / "p.policy").write_text(TEXT)
    done = policy("run", "--policy", open_folder / "p.policy", "--plan", cwd=open_folder)
    assert done.code == 2 and "everyone can write it" in done.err
    assert policy("check", open_folder / "p.policy", "read", "src/a").code == 0  # a question enforces nothing
