"""The start: nothing is imported before the lab is started that can wait, and nothing that the first picture has no use
for. What an import costs is paid at every start. The machine's time is not the same twice, the names are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.terminal import Terminal

# Every import, and every process that is started with subprocess, in their order.
RECORDED = """
import os, sys
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT)
def hear(event, arguments):
    if event == "import":
        os.write(log, f"{arguments[0]}\\n".encode())
    elif event == "subprocess.Popen":
        os.write(log, f"started {arguments[1][3:4]}\\n".encode())
sys.addaudithook(hear)
from netsim.cli import main
sys.exit(main())
"""
HEAVY = ("asyncio", "msgspec", "psutil", "rich", "textual")
NOT_YET = (
    "markdown_it", "netsim.cli.doctor", "netsim.cli.lesson", "netsim.cli.ports", "netsim.cli.replay", "netsim.cli.run",
    "netsim.cli.shell", "netsim.files.pcapng", "netsim.files.recording", "netsim.story.glossary",
    "netsim.story.lessons", "netsim.text.wide", "netsim.tui.pages", "netsim.tui.palette", "psutil", "pygments", "_ssl",
)  # fmt: skip
MOST_OF_OURS = 125  # modules; a new one costs a third of a millisecond


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is imported and started until the first full picture, in that order."""
    log = tmp_path_factory.mktemp("start") / "log"
    with Terminal([sys.executable, "-c", RECORDED, str(log)], cwd=Path(__file__).parent.parent) as terminal:
        terminal.wait_for(r"CLIENT +pid \d+ .*SERVER +pid \d+")
        terminal.wait_for(r"SPACE  ")
        return log.read_text(encoding="utf-8").splitlines()


def of_ours(names: list[str]) -> list[str]:
    return [name for name in names if name.partition(".")[0] == "netsim"]


def under(names: list[str], roots: tuple[str, ...]) -> list[str]:
    """Those that are one of these, or in it."""
    return [name for name in names if name.startswith(tuple(f"{root}." for root in roots)) or name in roots]


def test_the_lab_is_started_before_all_that_can_wait(order: list[str]) -> None:
    started = next(at for at, what in enumerate(order) if what.startswith("started"))
    assert "lab/__main__.py" in order[started]
    before = order[:started]
    assert not under(before, HEAVY)
    assert "netsim.lab.client" in before
    assert set(of_ours(before)) == {"netsim", *under(before, ("netsim.cli", "netsim.lab"))}


def test_what_the_first_picture_does_not_show_is_not_imported(order: list[str]) -> None:
    assert "textual.app" in order
    assert not under(order, NOT_YET)
    assert len(of_ours(order)) <= MOST_OF_OURS, sorted(of_ours(order))
