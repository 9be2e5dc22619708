"""The service's configuration: what is accepted, and how everything else is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policy_lang.daemon.frozen_store import FrozenStore
from policy_lang.daemon.identity.config import ServiceConfigError, plain_config, read_config, read_token
from policy_lang.daemon.identity.principals import Caller
from policy_lang.daemon.safe_place import UnsafePlaceError
from policy_lang.domain.limits import limit


def written(folder: Path, text: str, name: str = "serve.toml", mode: int = 0o600) -> str:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_it_is_read(tmp_path: Path) -> None:
    written(tmp_path, "t" * 40, "token")
    path = written(
        tmp_path,
        '[[principal]]\nuid = 7\nagents = ["a"]\nhome = "/h"\n[[principal]]\ntoken-file = "token"\nagents = ["*"]\n',
    )
    found = read_config(path).principals
    assert found.binding(Caller(7, 7)).agents == ("a",)  # type: ignore[union-attr]
    assert found.binding(Caller(9, 9, "t" * 40)).agents == ("*",)  # type: ignore[union-attr]
    assert found.operators == frozenset({0})
    own = plain_config(["x"], None).principals
    assert own.binding(Caller(os.geteuid(), 0)).agents == ("x",)  # type: ignore[union-attr]
    assert not own.operator(Caller(os.geteuid(), 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[principal]]\n", "wrong at `principal.0.agents`: field required"), ("[[principal]]\nagents = ['a']\n", "name the peer by one of"),
        ("[[principal]]\nuid = 1\nuser = 'root'\nagents = ['a']\n", "name the peer by one of"), ("[[principal]]\nuid = 1\nagents = []\n", "principal.0.agents"),
        ("[[principal]]\nuid = -1\nagents = ['a']\n", "principal.0.uid"), ("[[principal]]\nuid = '1'\nagents = ['a']\n", "principal.0.uid"),
        ("[[principal]]\nuid = 1\nagents = ['*', 'a']\n", "means any"), ("[[principals]]\n", "`principals`: extra inputs"), ("x = [", "is not valid TOML"),
        ("[[principal]]\nuser = 'nobody-here'\nagents = ['a']\n", "no user `nobody-here`"), ("[[principal]]\ngroup = 'none-here'\nagents = ['a']\n", "no group"),
        ("[operators]\nusers = ['nobody-here']\n", "no user"), ("[operators]\ntoken-file = 'none'\n", "cannot be opened"), ("\xff", "is not valid TOML"),
    ],
)  # fmt: skip
def test_mistakes(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "serve.toml"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(ServiceConfigError) as error:
        read_config(str(path))
    assert message in str(error.value)


def test_an_operators_token_is_no_agents(tmp_path: Path) -> None:
    written(tmp_path, "t" * 40, "token")
    path = written(tmp_path, '[[principal]]\ntoken-file = "token"\nagents = ["a"]\n[operators]\ntoken-file = "token"\n')
    with pytest.raises(ServiceConfigError, match="an agent would be an operator"):
        read_config(path)


def test_tokens(tmp_path: Path) -> None:
    assert read_token(written(tmp_path, "t" * 32 + "\n", "good")) == "t" * 32
    for text in ("t" * 31, "t" * 31 + " t", "", "\u00e4" * 40, "t" * 20 + "\x00" + "t" * 20):
        with pytest.raises(ServiceConfigError, match="no token of at least 32"):
            read_token(written(tmp_path, text, "bad"))
    for mode in (0o640, 0o604, 0o644):
        with pytest.raises(ServiceConfigError, match="others can read it"):
            read_token(written(tmp_path, "t" * 40, "open", mode))


def test_files_in_other_hands(tmp_path: Path) -> None:
    for mode in (0o660, 0o602, 0o666):
        with pytest.raises(ServiceConfigError, match="can write it"):
            read_config(written(tmp_path, "", mode=mode))
    (tmp_path / "folder").mkdir()
    with pytest.raises(ServiceConfigError, match="not a regular file"):
        read_config(str(tmp_path / "folder"))
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ServiceConfigError, match="not a regular file"):
        read_config(str(tmp_path / "pipe"))


def test_the_size_is_bounded(tmp_path: Path) -> None:
    most = limit("config_bytes")
    read_config(written(tmp_path, "#" * most))
    with pytest.raises(ServiceConfigError, match=f"longer than {most} bytes"):
        read_config(written(tmp_path, "#" * (most + 1)))


def test_what_is_kept(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    kept = FrozenStore(str(tmp_path))
    kept.state.freeze("agent", "a \u202e\n", "w", "b", 1.5)
    again = FrozenStore(str(tmp_path)).state
    assert again.why_frozen("a \u202e\n", None) == kept.state.why_frozen("a \u202e\n", None)
    again_kept = FrozenStore(str(tmp_path))
    again_kept.state.lift("agent", "a \u202e\n")
    assert FrozenStore(str(tmp_path)).state.frozen == {}
    for text in ("{", "[]", '{"frozen":[{"kind":"x"}]}', '{"frozen":{}}', ""):
        written(tmp_path, text, "frozen.json")
        with pytest.raises(ServiceConfigError, match="is damaged"):
            FrozenStore(str(tmp_path))
    written(tmp_path, '{"frozen":[]}', "frozen.json", 0o666)
    with pytest.raises(ServiceConfigError, match="can write it"):
        FrozenStore(str(tmp_path))
    tmp_path.chmod(0o777)
    with pytest.raises(UnsafePlaceError):
        FrozenStore(str(tmp_path))
    assert FrozenStore(None).state.frozen == {}


@pytest.mark.parametrize("store", ["", "sqlite.db", "mysql://host/db", "postgresx://host/db", "http://postgres://x"])
def test_a_store_is_of_a_known_kind(tmp_path: Path, store: str) -> None:
    path = tmp_path / "serve.toml"
    path.write_text(f'[[principal]]\nuid = 1000\nagents = ["a"]\n[approvals]\nstore = "{store}"\n')
    with pytest.raises(
        ServiceConfigError, match="not of a known kind; a place begins with `postgres://`, `postgresql://`"
    ):
        read_config(str(path))
