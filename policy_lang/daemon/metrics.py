"""Counters in the text form that Prometheus reads (exposition format 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the histogram in seconds: answers take 10 us to 0.2 s."""


@dataclass(slots=True)
class Metrics:
    """What the service counts. Labels are of closed sets: no caller can add a series."""

    decisions: Counter[str] = field(default_factory=Counter)
    replies: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0
    records: Counter[str] = field(default_factory=Counter)
    """By what became of them."""
    batches: int = 0
    writing: float = 0.0
    connections: int = 0
    """Open now."""

    def took(self, seconds: float) -> None:
        """Note how long an answer took."""
        self.seconds += seconds
        for place, bound in enumerate(BOUNDS):
            if seconds <= bound:
                self.buckets[place] += 1
                return
        self.buckets[-1] += 1

    def connected(self, count: int) -> None:
        """Note how many connections are open now."""
        self.connections = count

    def recorded(self, count: int, seconds: float, failed: bool) -> None:
        """Note an append to the decision log."""
        self.records["refused" if failed else "written"] += count
        self.batches += 1
        self.writing += seconds

    def text(self, gauges: Mapping[str, float], loads: dict[str, int], digest: str) -> str:
        """Everything as one page. `gauges` are (name, value) that are known elsewhere."""
        out: list[str] = []

        def series(name: str, kind: str, what: str, rows: list[tuple[str, float]]) -> None:
            out.extend((f"# HELP policy_{name} {what}", f"# TYPE policy_{name} {kind}"))
            out.extend(f"policy_{name}{labels} {value:g}" for labels, value in rows)

        effects = ("allow", "ask", "deny")
        series(
            "decisions_total", "counter", "Decisions by effect.",
            [(f'{{effect="{e}"}}', self.decisions[e]) for e in effects],
        )  # fmt: skip
        rows = [(f'{{status="{status}"}}', float(self.replies[status])) for status in sorted(self.replies)]
        series("replies_total", "counter", "HTTP replies by status.", rows)
        rows = [(f'{{reason="{reason}"}}', float(self.refused[reason])) for reason in sorted(self.refused)]
        series("refused_total", "counter", "Connections and calls that were turned away, by reason.", rows)
        rows = [(f'{{result="{result}"}}', float(count)) for result, count in loads.items()]
        series("loads_total", "counter", "Attempts to load the policy.", rows)
        if self.batches:
            rows = [(f'{{result="{result}"}}', float(self.records[result])) for result in ("written", "refused")]
            series("records_total", "counter", "Records of the decision log; `refused` ones made denials.", rows)
            series("record_batches_total", "counter", "Appends to the decision log.", [("", self.batches)])
            series("record_seconds_total", "counter", "Time spent on them.", [("", self.writing)])
        series("info", "gauge", "The policy in force.", [(f'{{digest="{digest}"}}', 1)])
        for name, value in gauges.items():
            series(name, "gauge", _GAUGES[name], [("", value)])
        out.extend(("# HELP policy_reply_seconds How long answers took.", "# TYPE policy_reply_seconds histogram"))
        total = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.buckets, strict=True):
            total += count
            out.append(f'policy_reply_seconds_bucket{{le="{bound}"}} {total}')
        out.extend((f"policy_reply_seconds_sum {self.seconds:g}", f"policy_reply_seconds_count {total}", ""))
        return "\n".join(out)


_GAUGES = {
    "connections": "Open connections.",
    "sessions": "Open sessions.",
    "frozen": "Principals to whom everything is denied.",
    "escalations": "Open questions for a person.",
    "tickets_waiting": "Tickets that people can answer now.",
    "tickets_superseded": "Tickets of another policy than the one in force, not over.",
    "observing": "1 when the policy is only observed, and stops nobody.",
    "anchors_failing": "Places outside the decision log that did not take its last head.",
    "store_rolled_back": "1 when the store of approvals was an older one, or nothing showed that it was not.",
    "policy_stale": "1 when an older policy than that of the files is in force.",
}
