"""The policy in force comes from any source that meets the port; files are two of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from policy_lang import Request, RequestError, __version__
from policy_lang.compiled.reader import Contents
from policy_lang.compiler.binary import compile_binary
from policy_lang.daemon.active import ActivePolicy
from policy_lang.daemon.policy_source import CompiledFileSource, FileSource, PolicySource, PolicySourceError, source_of


class Memory:
    """A source that is no file: what a bundle from elsewhere would be."""

    def __init__(self) -> None:
        self.offered: bytes | str = "nothing has come yet"

    def describe(self) -> str:
        return "bundle://policies/web"

    def changed(self) -> bool:
        return True

    async def load(self) -> Contents:
        if isinstance(self.offered, str):
            raise PolicySourceError(self.offered)
        return Contents(self.offered)


def compiled(folder: Path, text: str) -> bytes:
    (folder / "p.policy").write_text(f'policy "p"\n{text}\n')
    return compile_binary(str(folder / "p.policy"), __version__)


def test_the_last_good_policy_stays_whatever_the_source_does(tmp_path: Path) -> None:
    source = Memory()
    port: PolicySource = source
    active = ActivePolicy(port)
    assert not asyncio.run(active.load()) and active.error == "nothing has come yet"
    with pytest.raises(RequestError, match="PLR207"):
        active.loaded()
    source.offered = compiled(tmp_path, 'allow read "src/**"')
    assert asyncio.run(active.load()) and not active.error
    digest = active.loaded().policy.digest
    source.offered = "the signature is another's"
    assert not asyncio.run(active.load())
    assert (active.loaded().policy.digest, active.error) == (digest, "the signature is another's")
    assert active.loaded().policy.decide_request(Request("read", "src/a")).effect == "allow"
    source.offered = compiled(tmp_path, 'allow read "docs/**"')
    assert asyncio.run(active.load()) and active.loaded().policy.digest != digest
    assert active.loads == {"good": 2, "bad": 2}


def test_the_ending_says_which_source(tmp_path: Path) -> None:
    assert type(source_of("a.policy")) is FileSource
    assert type(source_of("a.plc")) is CompiledFileSource
    assert source_of(str(tmp_path / "a.plc")).describe() == str(tmp_path / "a.plc")


def test_a_file_is_watched_with_what_it_imports_also_after_a_mistake(tmp_path: Path) -> None:
    main, other = tmp_path / "main.policy", tmp_path / "other.policy"
    main.write_text('policy "p"\nimport "other.policy"\nallow read "src/**"\n')
    other.write_text('guardrail "g"\ndeny read "src/secret"\n')
    source = FileSource(str(main))
    assert source.changed()
    asyncio.run(source.load())
    assert not source.changed()
    other.write_text('guardrail "g"\ndeny raed "src/secret"\n')
    assert source.changed()
    with pytest.raises(PolicySourceError, match=r"other\.policy:2: PLE201"):
        asyncio.run(source.load())
    assert not source.changed()
    other.write_text('guardrail "g"\ndeny read "src/secret", "src/key"\n')
    assert source.changed()
    asyncio.run(source.load())
    assert not source.changed()


def test_a_compiled_file_stands_by_itself_and_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.plc"
    path.write_bytes(compiled(tmp_path, 'allow read "src/**"'))
    source = CompiledFileSource(str(path))
    assert asyncio.run(source.load()).name == "p"
    (tmp_path / "p.policy").touch()
    assert not source.changed()
    path.write_bytes(path.read_bytes()[:-9])
    assert source.changed()
    with pytest.raises(PolicySourceError, match="PLE005"):
        asyncio.run(source.load())


def test_what_others_can_write_is_no_source(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text('policy "p"\nallow read "src/**"\n')
    path.chmod(0o666)
    with pytest.raises(PolicySourceError, match="is unsafe: everyone can write"):
        asyncio.run(FileSource(str(path)).load())
