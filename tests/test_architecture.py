"""The rooms of the project: the contracts in pyproject.toml hold, and each of them bites."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Where a forbidden import is tried, what it says, and the contract that has to break.
FORBIDDEN = [
    ("model/__init__.py", "import netsim.story", "rooms"),
    ("lab/__init__.py", "import netsim.session", "rooms"),
    ("cellar.py", "", "rooms"),
    ("model/__init__.py", "import socket", "pure"),
    ("story/__init__.py", "from time import sleep", "pure"),
    ("lab/__init__.py", "import netsim.story", "lab-without-story"),
    ("tui/__init__.py", "import netsim.lab", "screen-without-lab"),
    ("text/__init__.py", "import textual.app", "textual-in-tui"),
    ("tui/widgets/left.py", "import netsim.tui.widgets.right", "widgets"),
    ("tui/pages/left.py", "import netsim.tui.pages.right", "pages"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, to be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "netsim", tmp_path / "netsim", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_contracts_hold(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("where", "line", "contract"), FORBIDDEN)
def test_a_forbidden_import_is_seen(copy: Path, where: str, line: str, contract: str) -> None:
    for folder in ("widgets", "pages"):
        for name in ("__init__.py", "left.py", "right.py"):
            (copy / "netsim/tui" / folder / name).touch()
    with (copy / "netsim" / where).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    result = lint(copy, "--contract", contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert " BROKEN" in result.stdout


def test_every_contract_was_tried() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {each["id"] for each in settings["tool"]["importlinter"]["contracts"]} == {tried[2] for tried in FORBIDDEN}


def test_an_endpoint_needs_only_the_standard_library() -> None:
    """It is run as a file, with -I -S: nothing else could be imported there but the files beside it."""
    files = [*ROOT.glob("netsim/lab/endpoint/**/*.py")]
    known = {".", *sys.stdlib_module_names, *(path.stem for path in files)}
    assert files
    for path in files:
        assert not imported(path) - known, path


def imported(path: Path) -> set[str]:
    """The top names of what a file imports; "." for its own folder."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else (node.module or "").partition(".")[0])
    return names
