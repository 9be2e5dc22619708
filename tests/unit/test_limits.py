"""Limits of requests and of what is read, at their value and one above."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from policy_lang import RequestError
from policy_lang.audit.disk_snapshot import Recording
from policy_lang.audit.redact import cleaned
from policy_lang.cli import approvals, learn, replay
from policy_lang.compiled.codec import DamagedError, pack, unpack
from policy_lang.domain.limits import limit
from policy_lang.facts.commands import argv_word
from policy_lang.facts.disk import Disk
from policy_lang.facts.hosts import host_facts
from policy_lang.facts.names import name_word
from policy_lang.facts.paths import Roots, path_forms
from policy_lang.facts.refs import ref_facts
from policy_lang.records.row import row
from policy_lang.records.stats import Stats
from policy_lang.starter.files import files_of
from policy_lang.starter.files import read as starter_text
from policy_lang.starter.repository import look
from policy_lang.wire import requests
from policy_lang.wire.requests import parse_request, validated
from policy_lang.wire.service import PrincipalModel, QuestionModel


def ask(**fields: object) -> None:
    parse_request(json.dumps({"action": "read", "resource": "a", **fields}).encode())


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def host(length: int) -> str:
    """A name of so many bytes, its labels as long as they may be."""
    labels = []
    while length > 0:
        take = min(63, length)
        take -= 1 if length - take == 1 else 0  # a dot needs a label behind it
        labels.append("a" * take)
        length -= take + 1
    return ".".join(labels)


REQUESTS: dict[str, Callable[[int], object]] = {
    "request_name": lambda n: ask(agent="a" * n),
    "request_text": lambda n: ask(cwd="/" + "a" * (n - 1)),
    "request_context": lambda n: ask(context={f"k{i}": 1 for i in range(n)}),
    "resolved_addresses": lambda n: ask(resolved=["1.1.1.1"] * n),
    "content_bytes": lambda n: ask(content={"tool": "Write", "text": "a" * n}),
    "content_edits": lambda n: ask(content={"tool": "Edit", "edits": [{"old": "", "new": ""}] * n}),
    "request_values": lambda n: ask(git={"a": [0] * (n - 5)}),
    "request_depth": lambda n: ask(git=nested(n - 1)),
    "integer_digits": lambda n: ask(context={"x": int("9" * n)}),
    "argv_words": lambda n: argv_word(["a"] * n),
    "argv_bytes": lambda n: argv_word(["a", "b" * (n - 1)]),
    "path_bytes": lambda n: path_forms("/" + "/".join(["a" * 99] * 100)[: n - 1]),
    "path_segment_bytes": lambda n: path_forms("/" + "a" * n),
    "path_segments": lambda n: path_forms("/" + "/".join(["a"] * n)),
    "host_bytes": lambda n: host_facts(host(n)),
    "host_label_bytes": lambda n: host_facts("a" * n + ".example"),
    "url_bytes": lambda n: host_facts("https://a.example/" + "b" * (n - 18)),
    "ref_bytes": lambda n: ref_facts("refs/heads/" + "a" * (n - 11)),
    "name_bytes": lambda n: name_word("a" * n),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_holds_at_the_limit_and_is_refused_above(name: str) -> None:
    REQUESTS[name](limit(name))
    with pytest.raises(RequestError):
        REQUESTS[name](limit(name) + 1)


def test_symbolic_links(tmp_path: Path) -> None:
    most = limit("symlinks")
    (tmp_path / "l0").write_text("")
    for i in range(1, most + 2):
        (tmp_path / f"l{i}").symlink_to(f"l{i - 1}")
    roots = Roots(workspace=str(tmp_path), disk=Disk())
    assert path_forms(str(tmp_path / f"l{most}"), roots)
    with pytest.raises(RequestError, match="PLR015"):
        path_forms(str(tmp_path / f"l{most + 1}"), roots)


def test_lines_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is five million: the rule is tried with a smaller one."""
    real = requests.limit
    monkeypatch.setattr(requests, "limit", lambda name: 3 if name == "request_lines" else real(name))
    assert len(list(requests.read_lines(io.BytesIO(b"{}\n" * 3)))) == 3
    with pytest.raises(RequestError, match="PLR101"):
        list(requests.read_lines(io.BytesIO(b"{}\n" * 4)))


def test_depth_of_compiled_values() -> None:
    value: Any = ()
    for _ in range(limit("compiled_depth")):
        value = (value,)
    assert unpack(pack(value)) == value
    with pytest.raises(DamagedError):
        unpack(pack((value,)))


def test_files_that_a_starter_reads(tmp_path: Path) -> None:
    most = limit("starter_bytes")
    with (tmp_path / "a").open("wb") as stream:
        stream.truncate(most)
    assert len(starter_text(str(tmp_path / "a"))) == most
    with (tmp_path / "a").open("wb") as stream:
        stream.truncate(most + 1)
    assert starter_text(str(tmp_path / "a")) == ""


def test_names_that_statistics_tell_apart() -> None:
    most = limit("stats_names")
    found = Stats()
    for i in range(most):
        found.add(row({"request": {"agent": f"n{i}"}}))
    assert len(found.agents) == most
    found.add(row({"request": {"agent": "one more"}}))
    assert "one more" not in found.agents
    assert found.agents["(others)"].total() == 1


@pytest.mark.parametrize("above", [0, 1])
def test_what_a_record_notes_of_the_disk(tmp_path: Path, above: int) -> None:
    count = limit("log_disk_entries") + above
    for i in range(count):
        (tmp_path / f"f{i}").write_text("")
    disk = Recording()
    assert len(list(disk.below(str(tmp_path)))) == count
    (tree,) = disk.seen()["below"].values()
    assert (["", "cut"] in tree) == bool(above)
    assert len([e for e in tree if e[0]]) == limit("log_disk_entries")


@pytest.mark.parametrize("above", [0, 1])
def test_secrets_in_one_text(above: int) -> None:
    """A text with more is replaced as a whole: nothing of it is guessed to be harmless."""
    text = " ".join(f"token=s3cret{i:05}" for i in range(limit("log_secret_spans") + above))
    shown = cleaned(f"harmless {text}").value
    assert "s3cret" not in shown
    assert shown.startswith("harmless") == (not above)


@pytest.mark.parametrize("above", [0, 1])
def test_words_that_are_looked_at_for_secrets(above: int) -> None:
    """What follows the last word that is looked at is not shown."""
    # program, option and each word have a blank behind them, which counts; the last word has none
    words = (limit("log_secret_words") - 6) // 2 + above
    shown = cleaned(f"mysql -p {'a ' * words}plainend").value
    assert ("plainend" in shown) == (not above)


@pytest.mark.parametrize("above", [0, 1])
def test_programs_of_one_command(above: int) -> None:
    wrappers = "docker " * (limit("log_secret_programs") - 1 + above)
    assert ("x1Yz9876" in cleaned(f"{wrappers}mysql -px1Yz9876").value) == bool(above)


def test_questions_and_reasons_of_a_call() -> None:
    most = limit("escalation_bytes")
    validated(QuestionModel, {"question": "x" * most})
    validated(PrincipalModel, {"reason": "x" * most})
    for model, field in ((QuestionModel, "question"), (PrincipalModel, "reason")):
        with pytest.raises(RequestError):
            validated(model, {field: "x" * (most + 1)})


@pytest.mark.parametrize(
    ("command", "option", "name"),
    [
        (replay.command, "workers", "workers"), (learn.command, "workers", "workers"),
        (learn.command, "evidence", "learn_evidence"), (approvals.stats, "days", "stats_days"),
        (approvals.watch, "timeout", "watch_seconds"),
    ],
)  # fmt: skip
def test_numbers_on_the_command_line(command: click.Command, option: str, name: str) -> None:
    (made,) = (p for p in command.params if p.name == option)
    assert made.type.convert(limit(name), made, None) == limit(name)
    with pytest.raises(click.BadParameter):
        made.type.convert(limit(name) + 1, made, None)


def test_folders_names_and_manifests_of_a_starter(tmp_path: Path) -> None:
    for number in range(limit("starter_folders") + 1):
        (tmp_path / f"f{number:03}").mkdir()
        (tmp_path / f"f{number:03}/package.json").write_text(f'{{"scripts": {{"s{number}": "x"}}}}')
    scripts = ", ".join(f'"a{n:03}": "x"' for n in range(limit("starter_names") + 1))
    found = look(str(tmp_path))
    assert len(found.folders) == limit("starter_folders")
    assert len(found.tasks[0].names) == limit("starter_manifests")
    (tmp_path / "package.json").write_text(f'{{"scripts": {{{scripts}}}}}')
    assert len(look(str(tmp_path)).tasks[0].names) == limit("starter_names")


def test_files_of_a_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit("starter_files") == 50_000
    monkeypatch.setattr("policy_lang.starter.files._MOST_FILES", 3)
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("")
    assert len(files_of(str(tmp_path)).names) == 3
    (tmp_path / "d").write_text("")
    assert len(files_of(str(tmp_path)).names) == 3
