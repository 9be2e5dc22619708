"""The wheel, the sdist and an editable installation hold what they should, and work."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from policy_lang import __version__

ROOT = Path(__file__).parents[2]
PROBE = (
    "import policy_lang; from policy_lang import Policy; "
    'p = Policy.loads(\'policy "x"\\nimport std.baseline\\nallow read "./"\'); '
    "print(policy_lang.__file__, p.decide(action='read', resource='.env').effect, p.decide(action='read', resource='a').effect)"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git tracks, with stray files that must not be shipped."""
    copy = tmp_path_factory.mktemp("tree")
    tracked = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    )
    for name in filter(None, tracked):
        source = ROOT / name
        if source.exists():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (copy / "stdlib_policies/std/.baseline.policy.swp").write_text("x")
    (copy / "grammar/.DS_Store").write_text("x")
    (copy / ".env").write_text("SECRET=1")
    return copy


@pytest.fixture(scope="module")
def built(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out)],
        cwd=tree,
        check=True,
        capture_output=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )
    return {"wheel": next(out.glob("*.whl")), "sdist": next(out.glob("*.tar.gz"))}


def test_the_wheel_holds_the_package_its_grammar_and_library_and_nothing_else(built: dict[str, Path]) -> None:
    names = set(zipfile.ZipFile(built["wheel"]).namelist())
    own = {n for n in names if ".dist-info/" not in n}
    expected = {str(p.relative_to(ROOT)) for p in (ROOT / "policy_lang").rglob("*.py")} | {"policy_lang/py.typed"}
    expected |= {str(p.relative_to(ROOT)) for p in (ROOT / "policy_lang/shell/profiles").glob("*.toml")}
    expected |= {str(p.relative_to(ROOT)) for p in (ROOT / "policy_lang/lint/data").rglob("*.toml")}
    console = ROOT / "policy_lang/daemon/console"
    expected |= {str(p.relative_to(ROOT)) for kind in ("html", "css", "js") for p in console.glob(f"*.{kind}")}
    for folder in ("grammar", "stdlib_policies"):
        expected |= {
            f"policy_lang/{p.relative_to(ROOT)}"
            for suffix in ("lark", "policy")
            for p in (ROOT / folder).rglob(f"*.{suffix}")
        }
    expected.add(f"policy_lang-{__version__}.data/scripts/policy")
    assert own == expected
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_the_sdist_holds_no_stray_files(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as archive:
        names = archive.getnames()
    assert not [n for n in names if n.endswith((".swp", ".DS_Store", ".env"))]
    for wanted in (
        "grammar/policy.lark",
        "stdlib_policies/std/git.policy",
        "README.md",
        "LICENSE",
        "docs/reference/language.md",
    ):
        assert any(n.endswith("/" + wanted) for n in names), wanted


def test_building_twice_gives_the_same_bytes(tree: Path, built: dict[str, Path], tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)],
        cwd=tree,
        check=True,
        capture_output=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )
    for path in built.values():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_it_works_from_a_zipped_wheel(built: dict[str, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(built["wheel"])},
    )
    assert str(built["wheel"]) in done.stdout
    assert done.stdout.split()[1:] == ["deny", "allow"]


def test_it_works_from_a_checkout(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )
    assert str(tree) in done.stdout
    assert done.stdout.split()[1:] == ["deny", "allow"]


@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_it_installs(kind: str, tree: Path, built: dict[str, Path], tmp_path: Path) -> None:
    """Installed beside the dependencies that are here already; nothing is downloaded."""
    target = {"wheel": built["wheel"], "sdist": built["sdist"], "editable": tree}[kind]
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", str(site)], check=True)
    python = site / "bin/python"
    parent = [p for p in sys.path if p.endswith("site-packages")]
    arguments = ["--editable", str(target)] if kind == "editable" else [str(target)]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--no-build-isolation", "--no-index", *arguments],
        check=True, capture_output=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(parent)},
    )  # fmt: skip
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(parent)}
    own = next(site.glob("lib/python*/site-packages"))
    done = subprocess.run(
        [
            python,
            "-c",
            f"import sys; sys.path.insert(0, {str(own)!r}); import site; site.addsitedir({str(own)!r}); " + PROBE,
        ],
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
        env=env,
    )
    assert done.stdout.split()[1:] == ["deny", "allow"]
    assert (site / "bin/policy").exists()
