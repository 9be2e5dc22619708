"""What the how-to pages show is what the program prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from policy_lang import Policy
from policy_lang.analysis.prove import prove
from tests.console.support import policy

PAGE = Path(__file__).parents[2] / "docs/how-to/review-a-change.md"
BLOCK = re.compile(r"^```policy\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^```text\n(\$ policy diff before.policy after.policy\n.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_difference_is_the_one_that_is_shown(tmp_path: Path, update_golden: bool) -> None:
    text = PAGE.read_text()
    before, after, claims = BLOCK.findall(text)
    (tmp_path / "before.policy").write_text(before)
    (tmp_path / "after.policy").write_text(after)
    result = policy("diff", "before.policy", "after.policy", cwd=tmp_path)
    shown = f"$ policy diff before.policy after.policy\n{result.out}"
    if update_golden:
        PAGE.write_text(SHOWN.sub(lambda _: f"```text\n{shown}```", text))
    assert SHOWN.search(PAGE.read_text())[1] == shown  # type: ignore[index]
    assert {p.verdict for p in prove(Policy.loads(claims).engine)} == {"proved"}


def test_the_gate_of_the_page_holds(tmp_path: Path) -> None:
    text = (PAGE.parent / "hold-an-agent-sdk.md").read_text()
    source = BLOCK.findall(text)[0]
    (tmp_path / "support.policy").write_text(source)
    (tmp_path / "ws/src").mkdir(parents=True)
    assert policy("compile", "support.policy", "-o", "support.plc", cwd=tmp_path).code == 0
    (tmp_path / "support.plc").chmod(0o644)
    shown = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    plc, ws = str(tmp_path / "support.plc"), str(tmp_path / "ws")
    code = shown.replace("/home/me/.local/state/policy_lang/support.plc", plc).replace("/srv/support", ws)
    *made, allowed, refused = code.strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(made), names)
    assert eval(allowed, names) is True
    assert eval(refused.partition("   #")[0], names).startswith("denied by policy: ")
    assert names["gate"].check("lookup_order", {"id": 1}).allowed
    assert not names["gate"].check("refund", {"id": 1}).allowed
