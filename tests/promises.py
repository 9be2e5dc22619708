"""What the product promises when things go wrong: the one table of it, which `python -m tests.scoreboard` fills with figures.

Each promise is kept by tests, the same in every lane; the lane says how often. A test asks `count` how often, and tells `tried` how
often it did and what it measured. The bounds of a figure are judged by the scoreboard; a test has wider ones, as its machine may be busy.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

from .lanes import pick


@dataclass(frozen=True)
class Promise:
    """One row: what is done to the product, how often in each lane, what must hold, and the tests that try it."""

    name: str
    injected: str
    counts: tuple[int, int, int]
    holds: str
    tests: tuple[str, ...] = ()
    most: dict[str, float] = field(default_factory=dict)
    """The greatest that a figure may be."""
    least: dict[str, float] = field(default_factory=dict)
    """The smallest that a figure may be."""
    note: str = ""


PROMISES = (
    Promise(
        "F1", "the service is killed (SIGKILL) under load", (2, 3, 200),
        "callers are denied within 2 s; 1 s later it decides again; every acknowledged allow is in the log, whose chain is whole",
        ("tests/service/test_records.py::test_f1_killed_under_load_every_acknowledged_allow_is_recorded", "tests/service/test_faults.py::test_f1_killed_under_load"),
        most={"denied_ms": 2000, "restart_ms": 1000},
    ),
    Promise(
        "F2", "the log is cut at a byte of its last two records", (190, 190, 600),
        "it opens, keeps the whole records, notes the cut and goes on; never silently shorter",
        ("tests/audit/test_log.py::test_a_log_cut_at_any_byte_is_never_silently_shorter",),
        note="as many as the records have bytes: at the full count every byte is tried",
    ),
    Promise(
        "F3", "bits of the log flip, records are removed, moved, inserted, doubled", (270, 270, 500),
        "`policy log verify` names the first bad record, each time",
        ("tests/audit/test_log.py::test_verify_names_the_first_bad_record",),
    ),
    Promise(
        "F4", "the log's disk is full (tmpfs of 64 KiB), then freed", (4, 8, 50),
        "denied with `audit_unavailable` while it is full; goes on without a restart",
        ("tests/audit/test_log.py::test_a_full_disk_denies_and_an_emptied_one_allows_again",),
    ),
    Promise(
        "F5", "the N-th call to the system fails, for each N until none is left, once and from then on", (100, 100, 100),
        "no allow without its record; the chain is whole after each",
        ("tests/audit/test_log.py::test_whichever_call_fails_no_allow_is_without_its_record",),
        note="the log's calls; what SQLite does itself is tried by death at each call (F8) and by damage (F9)",
    ),
    Promise(
        "F6", "the policy's file becomes garbage, half of a policy, or a compiled one, of 1 B to 1 MiB", (8, 12, 10_000),
        "the last good policy stays in force, its digest is the same, and the error is told",
        ("tests/service/test_faults.py::test_f6_garbage_never_takes_the_place_of_a_policy",),
    ),
    Promise(
        "F7", "the policy is exchanged 50 times a second", (100, 100, 3_000),
        "each decision is of exactly one whole policy, which it names; memory grows by 5 % at most",
        ("tests/service/test_faults.py::test_f7_every_answer_is_of_one_whole_policy",), most={"memory_percent": 5},
    ),
    Promise(
        "F8", "the process dies at each call to the system, one after the other, while it writes", (30, 30, 30),
        "what is on the disk is the old or the new, never neither",
        ("tests/faults/test_crashes.py",), note="as many as there are calls",
    ),
    Promise(
        "F9", "the store of approvals is corrupt, locked, gone, or an older copy", (24, 48, 200),
        "no ticket is ever more approved afterwards", ("tests/service/test_attacks.py::test_f9_a_store_that_goes_back_or_breaks_never_approves_more",),
    ),
    Promise(
        "F10", "callers are slow: a byte, a header that never ends, connections that say nothing", (60, 60, 500),
        "others' p99 is 10 ms at most; the slow are cut; a user has so many connections",
        ("tests/service/test_faults.py::test_f10_slow_callers_are_cut_and_others_served", "tests/service/test_faults.py::test_f10_a_call_that_begins_behind_another_is_cut_as_well",
         "tests/service/test_faults.py::test_f10_a_peer_has_so_many_connections"), most={"others_p99_ms": 10},
    ),
    Promise(
        "F11", "requests above each limit, malformed, deep, with many keys", (150, 300, 5_000),
        "refused within 50 ms, the connection closed; memory grows by 8 MiB at most",
        ("tests/service/test_faults.py::test_f11_again_and_again", "tests/service/test_faults.py::test_f11_what_is_too_large_or_malformed",
         "tests/service/test_faults.py::test_f11_limits_hold_at_their_value", "tests/service/test_faults.py::test_f11_many_keys_and_deep_nesting",
         "tests/service/test_faults.py::test_f11_a_caller_that_does_not_read_its_answers"), most={"refused_p99_ms": 50, "memory_mib": 8},
    ),
    Promise(
        "F12", "the service has no file descriptors left (RLIMIT_NOFILE)", (1, 2, 20),
        "503, which denies; no busy loop; 1 s later it decides again",
        ("tests/service/test_faults.py::test_f12_no_files_are_left",), most={"recovered_ms": 1000, "cpu_percent": 50},
    ),
    Promise(
        "F13", "a policy of 100,000 rules, or as many as a file holds, and little memory (RLIMIT_AS)", (1, 2, 20),
        "it is refused with an error, and the old one goes on",
        ("tests/service/test_faults.py::test_f13_a_policy_that_does_not_fit_is_refused",),
        note="16 MiB above what the service has mapped when it starts; with 64 MiB as many rules as a file holds (24,000) fit",
    ),
    Promise(
        "F14", "clocks jump by an hour or ten years, forth and back", (200, 200, 200),
        "nothing lives longer, and nothing that was over comes back",
        ("tests/service/test_attacks.py::test_f14_clocks_jump_and_nothing_lives_longer", "tests/service/test_attacks.py::test_time_goes_on_whatever_the_clock_says"),
    ),
    Promise(
        "F15", "socket, folders, policy, token, configuration with the wrong owner or mode, links in their place", (20, 20, 20),
        "the service refuses to start, or to load, and says which", ("tests/service/test_faults.py::@f15",), note="as many as there are kinds",
    ),
    Promise(
        "F16", "another user connects; agents answer, review, revoke, sign in", (100, 100, 100),
        "refused and recorded", ("tests/service/test_attacks.py::test_f16_whoever_is_not_a_person_answers_nothing", "tests/service/test_faults.py::test_f16_a_foreign_user_is_refused"),
    ),
    Promise(
        "F17", "the service is stopped (SIGTERM) under load", (1, 2, 50),
        "what is under way is answered or denied within 2 s; exit code 0",
        ("tests/service/test_faults.py::test_f17_stopped_under_load",), most={"stopped_ms": 2000, "answered_ms": 2000},
    ),
    Promise(
        "F18", "the collector of telemetry is silent, closes, or answers without end", (3, 6, 50),
        "decisions wait for none: their p99 grows by 1 ms at most", ("tests/records/test_telemetry.py::test_decisions_do_not_wait_for_a_collector",
         "tests/records/test_telemetry.py::test_what_was_deleted_before_it_was_sent_is_counted"), most={"added_p99_ms": 1},
    ),
    Promise(
        "F19", "secrets in commands, addresses and context", (200, 200, 200), "not in the log, not in what is sent or shown",
        ("tests/audit/test_redact.py", "tests/audit/test_planted.py"),
    ),
    Promise(
        "F20", "the disk is full while the service recovers from a kill", (2, 2, 50), "as F1 and F4",
        ("tests/service/test_records.py::test_f20_a_full_disk_while_it_recovers_from_a_kill",),
    ),
    Promise(
        "I1", "any bytes for every reader: mutated corpora", (550, 10_000, 1_000_000), "a value or its own error, within 50 ms of CPU; never another exception",
        ("tests/fuzz/test_corpus.py",), most={"p999_ms": 50},
        note="compiled_ms is of whole policies, which no caller waits for; `python -m tests.fuzz TARGET` tries more, guided by coverage",
    ),
    Promise(
        "I2", "generated policies and requests", (2_500, 10_000, 1_000_000), "the engine decides as the reference semantics do; a difference is exactly what is decided differently",
        ("tests/properties/test_reference.py", "tests/properties/test_diff.py"),
    ),
    Promise(
        "L1", "steady load: eight clients, each request another one, log flushed before each answer", (2, 10, 1800),
        "at least 3,000 decisions a second, p99 5 ms, memory within 2 %, no descriptor more; the count is of seconds",
        ("tests/service/test_load.py",), most={"p99_ms": 5, "memory_percent": 2, "files_more": 0}, least={"decisions_per_s": 3000},
        note="in bursts the disk's own rate of flushes bounds it; see the ratio",
    ),
    Promise(
        "M1", "each place of the decision path is changed", (0, 0, 0), "95 % of the changes are noticed by a test",
        note="hours: `python scripts/mutants.py --count 300`; the last figure is in docs/explanation/tests.md",
    ),
)  # fmt: skip
_BY_NAME = {p.name: p for p in PROMISES}


def count(name: str) -> int:
    """How often this lane tries a promise."""
    return pick(*_BY_NAME[name].counts)


def tried(name: str, times: int, **figures: float) -> None:
    """Tell the scoreboard, if there is one, that a promise was tried so often more, and what was measured."""
    assert name in _BY_NAME
    if place := os.environ.get("SCOREBOARD"):
        line = json.dumps({"name": name, "times": times, "figures": figures}) + "\n"
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
