"""What an approval is bound to of the disk: contents within the limits, what the kernel says beyond them."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from policy_lang import Policy
from policy_lang.approvals import bound_files as module
from policy_lang.approvals.bound_files import bound_files, file_state
from policy_lang.approvals.content import before
from policy_lang.domain.errors import RequestError
from policy_lang.domain.limits import limit
from policy_lang.domain.request import Request
from policy_lang.lint.loaders import read_by
from policy_lang.pep import content as shown

POLICY = Policy.loads('policy "p" allow read "/**" allow run "**", opaque')


def bound(folder: Path, command: str, **more: object) -> dict[str, object]:
    place = str(folder)
    request = Request("run", command, workspace=place, cwd=place, home=str(folder / "home"), **more)  # type: ignore[arg-type]
    return bound_files(request, POLICY.decide_request(request).effects, read_by())


def test_files_are_known_by_their_contents_where_links_lead(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "a.sh").write_text("a")
    (tmp_path / "home/b.sh").write_text("b")
    (tmp_path / "link.sh").symlink_to("a.sh")
    assert bound(tmp_path, "bash link.sh") == bound(tmp_path, "bash a.sh") == {
        str(tmp_path / "a.sh"): {"bytes": 1, "sha256": sha256(b"a").hexdigest()}
    }  # fmt: skip
    assert list(bound(tmp_path, "bash ~/b.sh")) == [str(tmp_path / "home/b.sh")]
    assert list(bound(tmp_path, "bash *.sh a")) == [str(tmp_path / "a.sh")]
    assert bound(tmp_path, "bash none.sh") == bound(tmp_path, "ls home") == {}
    assert bound(tmp_path, "bash a.sh", lexical=True) == {}


def test_what_cannot_be_read_of_a_command_may_be_any_of_its_words(tmp_path: Path) -> None:
    for name in ("a.conf", "b.json", "c.txt"):
        (tmp_path / name).write_text(name)
    found = bound(tmp_path, "curl -K 'a.conf' --data=@b.json --x=c.txt; eval \"$X\"")
    assert sorted(map(os.path.basename, found)) == ["a.conf", "b.json", "c.txt"]


def test_a_large_file_is_known_by_what_the_kernel_says(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"12345")
    assert file_state(str(file), 5) == {"bytes": 5, "sha256": sha256(b"12345").hexdigest()}
    first = file_state(str(file), 4)
    assert first is not None and "sha256" not in first
    file.write_bytes(b"12346")
    os.utime(file, ns=(0, 0))
    assert file_state(str(file), 4) != first  # no program sets `changed`
    assert file_state(str(tmp_path), 4) is None
    os.mkfifo(tmp_path / "pipe")
    assert file_state(str(tmp_path / "pipe"), 4) is None


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_bytes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    assert limit("bound_bytes") == 32 << 20
    monkeypatch.setattr(module, "_MOST_BYTES", 8)
    (tmp_path / "a.sh").write_bytes(b"1234")
    (tmp_path / "b.sh").write_bytes(b"1234" + b"5" * more)
    found = bound(tmp_path, "cat a.sh b.sh > out")
    assert ["sha256" in v for v in found.values()] == [True, not more]  # type: ignore[operator]


@pytest.mark.parametrize("more", [0, 1])
def test_of_so_many_files_the_content_is_bound_and_of_more_what_the_kernel_says(tmp_path: Path, more: int) -> None:
    count = limit("bound_files") + more
    for i in range(count):
        (tmp_path / f"{i:03}.x").write_text("x")
    found = bound(tmp_path, "cat *.x > out")
    assert len(found) == limit("bound_files") + more
    assert ("" in found) is bool(more)
    (tmp_path / f"{count - 1:03}.x").write_text("y")
    assert bound(tmp_path, "cat *.x > out") != found


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_names_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    assert limit("bound_names") == 16_384
    monkeypatch.setattr(module, "_MOST_NAMES", 3)
    for name in ("a", "b", "c", "d")[: 2 + more]:
        (tmp_path / name).write_text("x")
    command = "twine " + " ".join(["a", "b", "c", "d"][: 2 + more])
    if more:
        with pytest.raises(RequestError, match="more than 3 names"):
            bound(tmp_path, command + " ./a")
    else:
        assert len(bound(tmp_path, command)) == 2


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("twine upload dist.whl", "dist.whl"),
        ("timeout 5 unknown --in=a.json", "a.json"),
        ("unknown name=@a.json", "a.json"),
        ("unknown -Fa.json", "a.json"),
        ("unknown file://a.json", "a.json"),
        ("unknown -v ./a.json:/x", "a.json"),
        ("cd sub && unknown a.json", "sub/a.json"),
        ("python -m sub", "sub/__main__.py"),
        ("python -m sub.tool", "sub/tool.py"),
        ("cargo run", "build.rs"),
        ("cd sub && cargo run", "sub/Cargo.toml"),
        ("cd sub && cargo run", "Cargo.toml"),
        ("uv run pytest", "conftest.py"),
        ("docker compose up", "docker-compose.yml"),
        ("terraform apply", "main.tf"),
        ("./gradlew test", "build.gradle"),
        ("tox", "tox.ini"),
        ("git push origin x", ".git/config"),
    ],
)
def test_what_words_name_and_what_programs_read_by_themselves_is_bound(tmp_path: Path, command: str, file: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / "sub").mkdir(exist_ok=True)
    before = bound(tmp_path, command)
    (tmp_path / file).write_text("1")
    first = bound(tmp_path, command)
    (tmp_path / file).write_text("2")
    assert before != first != bound(tmp_path, command)
    assert list(first) == [str(tmp_path / file)]


def test_folders_above_are_looked_into_up_to_the_workspace(tmp_path: Path) -> None:
    inner = tmp_path / "work/a/b"
    inner.mkdir(parents=True)
    for place in (tmp_path, tmp_path / "work"):
        (place / "Cargo.toml").write_text("x")
    request = Request("run", "cargo run", workspace=str(tmp_path / "work"), cwd=str(inner))
    found = bound_files(request, POLICY.decide_request(request).effects, read_by())
    assert list(found) == [str(tmp_path / "work/Cargo.toml")]


def test_what_lay_there_before(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_bytes(b"\xff\x00")

    def lay(name: str, **more: object) -> object:
        content = shown.whole("Write", "new")
        return before(Request("write", name, workspace=str(tmp_path), content=content, **more))  # type: ignore[arg-type]

    assert lay("a") == {"text": "old"}
    assert lay("b") == {"bytes": 2, "sha256": sha256(b"\xff\x00").hexdigest()}
    assert lay("c") is None
    assert lay("a", lexical=True) is None


@pytest.mark.parametrize("more", [0, 1])
def test_long_texts_are_known_by_size_and_digest(more: int) -> None:
    text = "ä" * (limit("content_bytes") // 2) + "a" * more
    found = shown.whole("Write", text)["text"]
    assert found == ({"bytes": len(text.encode()), "sha256": sha256(text.encode()).hexdigest()} if more else text)
    edits = shown.edited("Edit", {"old": text, "new": "bb"})["edits"]
    assert isinstance(edits, list) and isinstance(edits[0]["new"], str if more else dict)  # no room is left
